"""What a caller may ask of data, in one value that every reader takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from unlabeled.data.store import Store
from unlabeled.encoders import Shape
from unlabeled.errors import UsageError

MODALITIES = ("auto", "image", "series", "text")
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
