"""The one abstraction: a method turns a batch into views, and views into a loss."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import field
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar, cast, get_args

import torch
from torch import Tensor, nn

from unlabeled.encoders.base import Encoder
from unlabeled.errors import UsageError
from unlabeled.fields import Fields
from unlabeled.recipe import Recipe
from unlabeled.state import State
from unlabeled.views.dice import Batch, Samples

E = TypeVar("E", bound=Encoder)
Energies: TypeAlias = Tensor | dict[str, Tensor]
"""One energy per row, rows of a sample together; or several named ones, already weighted."""


def single(x: Tensor) -> Tensor:
    """At least in single precision; double stays double."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


class Method(Fields, Generic[E]):
    """Base class of every self-supervised method.

    A subclass declares hyperparameters with `hp`, builds its heads and states in `setup`, and
    defines `views` (a batch to inputs: no gradient, all the randomness) and `loss` (inputs to one
    energy per example: no randomness, no change of state). It is final: methods never inherit
    from methods.

    Attributes:
        paper: Authors, year and address of the source.
        recipe: The training settings of the paper.
        small: Settings for small images, small data and short budgets; the default where they
            apply.
        prefers: The kind of encoder that it is given on a CPU where none is named; what it needs
            if None.
        coloured: Whether it needs images in colour.
        contrasts: Whether `loss` compares each sample with the others of its batch, as negatives.
        exempt: Conformance checks that do not apply, each with its reason.
        encoder: What is trained and kept.
        progress: Share of training done, in [0, 1], as a tensor the loop writes.
        index: Which samples the batch holds, `(b,)`, written by the loop.
    """

    paper: ClassVar[str] = ""
    recipe: ClassVar[Recipe] = Recipe()
    small: ClassVar[Recipe] = Recipe()
    prefers: ClassVar[type[Encoder] | None] = None
    coloured: ClassVar[bool] = False
    contrasts: ClassVar[bool] = False
    exempt: ClassVar[dict[str, str]] = {}

    encoder: E = field(kw_only=False)

    def __post_init__(self) -> None:
        needs, name = self.needs(), type(self).__name__
        if not isinstance(self.encoder, needs):
            got = type(self.encoder).__name__
            raise UsageError(
                f"{name} needs an encoder of the kind {needs.__name__}, got {got}",
                hint=f"it learns from data of the kind {needs.modality}; leave --backbone out",
            )
        if self.coloured and self.encoder.channels != 3:
            raise UsageError(
                f"{name} needs images in colour, and these are grey",
                hint="inpainting, super-resolution and split-brain take grey images too",
            )
        self.progress: Tensor = nn.Buffer(torch.zeros(()), persistent=False)
        self.index: Tensor = nn.Buffer(torch.zeros(0, dtype=torch.long), persistent=False)
        super().__post_init__()

    # ---- what a method writes -------------------------------------------------------------

    def views(self, batch: Batch, /) -> tuple[Tensor, ...]:
        """Turn a batch (as stored, on the device) into the arguments of `loss`."""
        raise NotImplementedError

    # with `**_`, a method may name its views: to a type checker any signature overrides these two
    def loss(self, *views: Any, **_: Any) -> Energies:
        """Score the views: low = compatible. Write `gather(z)` where the paper says batch."""
        raise NotImplementedError

    def learned_nothing(self, *views: Any, **_: Any) -> float | None:
        """The loss of an encoder that returns a constant, in closed form; None where unknown."""
        return None

    def embed(self, x: Tensor) -> Tensor:
        """The vectors that `loss` compares, where they are not the encoder's own."""
        return self.encoder(x)

    def groups(self) -> list[dict[str, Any]]:
        """Parameter groups with settings of their own; the rest follow the recipe."""
        return []

    def prepare(self, data: Samples) -> None:
        """Look at the samples as stored, once, before the first step: word counts and the like.

        Data may be larger than memory: index what is needed.
        """

    def between_epochs(self, embed: Callable[[], Tensor]) -> None:
        """Look at all samples once an epoch: `embed()` gives every sample's vector."""

    def picture(self, batch: Batch, /) -> dict[str, Tensor]:
        """Images `(n, c, h, w)` in [0, 1] that show what the method makes, for the report."""
        return {}

    # ---- what the library calls -----------------------------------------------------------

    def forward(self, *views: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss, the mean of the energies, and its detached, named terms."""
        out = self.loss(*views)
        named = out if isinstance(out, dict) else {"loss": out}
        terms = {name: single(energy).mean() for name, energy in named.items()}
        return torch.stack(list(terms.values())).sum(), {k: v.detach() for k, v in terms.items()}

    @torch.no_grad()
    def energy(self, *views: Tensor, samples: int | None = None) -> Tensor:
        """One energy per sample `(b,)`: how badly the views fit together.

        Args:
            views: What `views` returns, or a pair (x, y) of one's own in their place.
            samples: b, where the first view does not have one row a sample.
        """
        out = self.loss(*views)
        parts = out.values() if isinstance(out, dict) else [out]
        b = samples or len(views[0])
        return torch.stack([single(part).reshape(b, -1).mean(1) for part in parts]).sum(0)

    @torch.no_grad()
    def energy_of(self, batch: Batch) -> Tensor:
        """One energy per sample of a batch `(b,)`: that of its views, or what stands for it."""
        return self.energy(*self.views(batch), samples=len(batch))

    def advance(self, progress: float) -> None:
        """Move every `State` (teacher, queue, prototypes) to the next step."""
        for module in self.modules():
            if isinstance(module, State):
                module.advance(progress)

    @classmethod
    def suits(cls, device: str) -> type[Encoder]:
        """The kind of encoder to take where none is named."""
        return cls.prefers if cls.prefers and device == "cpu" else cls.needs()

    @classmethod
    def needs(cls) -> type[Encoder]:
        """The kind of encoder accepted: `Sequence` for `class CPC(Method[Sequence])`."""
        given = [a for base in getattr(cls, "__orig_bases__", ()) for a in get_args(base)]
        return cast("type[Encoder]", given[0]) if given and inspect.isclass(given[0]) else Encoder
