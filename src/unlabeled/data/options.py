"""What a caller may ask of data, in one value that every reader takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from unlabeled.data.store import Store
from unlabeled.encoders import Shape
from unlabeled.errors import DataError, UsageError

MODALITIES = ("auto", "image", "series", "text")
MANY = {"image": "images", "series": "series", "text": "text"}
Span = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Options:
    """The settings of `open_data`, which explains them, and those that follow from `like`.

    Attributes:
        channels: Channels that images must have, or None for what they have.
        spans: Values that become 0 and 255, by the kind of deep pixels: "I" for integers, "F" for
            floats.
    """

    size: int | None = None
    modality: str = "auto"
    allow_bad: float = 0.01
    value_range: Span | None = None
    pixel_limit: int = 178_000_000
    cache: bool = True
    min_count: int = 5
    vocabulary: Sequence[str] | None = None
    length: int | None = None
    download: bool = False
    progress: Callable[[int, int], None] | None = None
    channels: int | None = None
    spans: Mapping[str, Span] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.modality not in MODALITIES:
            raise UsageError(f"modality must be {', '.join(MODALITIES)}, got `{self.modality}`")
        for name in ("size", "length", "min_count", "pixel_limit"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name} must be at least 1, got {value}")
        if not 0 <= self.allow_bad <= 1:
            raise UsageError(f"allow_bad is a share in [0, 1], got {self.allow_bad}")
        if self.value_range and not self.value_range[0] < self.value_range[1]:
            raise UsageError(f"value_range must rise, got {self.value_range}")

    def like(self, like: Store | Shape) -> Options:
        """These options for data that must look like a store, or have a shape."""
        known: dict[str, Any] = {"spans": {}, "words": ()}
        if isinstance(like, Store):
            known = {"spans": like.extra.get("spans", {}), "words": like.words}
        shape = like.shape if isinstance(like, Store) else like
        vocabulary = self.vocabulary or known["words"] or None
        if shape.modality == "text" and vocabulary is None:
            raise UsageError("text like that of a run needs the run's vocabulary")
        return replace(
            self,
            size=shape.size,
            length=shape.size,
            channels=shape.channels,
            modality=shape.modality,
            vocabulary=vocabulary,
            spans=known["spans"],
        )

    def check(self, modality: str, source: str) -> None:
        """Refuse samples of another modality than is asked for, as soon as it is known.

        Args:
            modality: What the source holds: "image", "series" or "text".
            source: What to call it.

        Raises:
            DataError: Where this is not what the run was trained on, or not what was said.
        """
        if self.modality in ("auto", modality):
            return
        found, wanted = MANY[modality], MANY[self.modality]
        if self.channels is None:  # no run is open
            raise DataError(
                f"{source} holds {found}, and {wanted} are asked for",
                hint=f"leave --modality {self.modality} out",
            )
        raise DataError(
            f"{source} holds {found}, and the run was trained on {wanted}",
            hint=f"give it {wanted}, or train a run on this: unlabeled pretrain METHOD {source}",
        )

    def check_store(self, store: Store) -> None:
        """The same of samples that are already read, which nothing else makes fit.

        Raises:
            DataError: Where their modality, channels or vocabulary are not those of the run.
        """
        name = store.source or "the store"
        self.check(store.shape.modality, name)
        if self.channels not in (None, store.shape.channels):
            raise DataError(
                f"{name} has {store.shape.channels} channels, the run has {self.channels}",
                hint="let the run read it: run.data(SOURCE)",
            )
        if self.channels and self.vocabulary and store.words != tuple(self.vocabulary):
            raise DataError(
                f"{name} numbers its words otherwise than the run",
                hint="let the run read it: run.data(SOURCE)",
            )
