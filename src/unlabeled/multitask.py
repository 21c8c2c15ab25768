"""Ask one network several questions at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from unlabeled import catalog
from unlabeled.encoders import Encoder, colour_blind
from unlabeled.errors import UsageError
from unlabeled.fields import hp
from unlabeled.method import Method, single
from unlabeled.recipe import Recipe
from unlabeled.views import Batch, Samples
from unlabeled.views.images import luma

FEW = 256  # samples that say what a part loses where nothing is learnt


class Together(Method):
    """Train one encoder by several methods, each with views, heads and states of its own.

    The loss of each part is divided by what it is where nothing is learnt, if that is known and
    not 0, so that all count alike; then they are added up. The recipe is that of the part named
    first, at the smallest batch and for the most epochs of any part.

    Parts may show colours differently (jigsaw drops some, colorization all), so that a network can
    tell which of them asks. `grey` harmonises them, as the paper does: all see the same greys, by
    an encoder that is blind to colour. It is off unless asked, as no part then learns from colour.
    """

    paper = "Doersch & Zisserman 2017, https://arxiv.org/abs/1708.07860"
    recipe = Recipe()
    small = Recipe()
    exempt = {"short_and_final": "it is made of methods, each of which is checked by itself"}

    kinds: ClassVar[dict[str, type[Method[Any]]]] = {}

    grey: bool = hp("whether all parts see greys, the paper's harmonised inputs", default=False)

    def setup(self) -> None:
        if self.grey and self.encoder.modality == "image":
            colour_blind(self.encoder)
        heads = nn.ModuleDict()
        for name, kind in self.kinds.items():
            own = {f.name: getattr(self, f"{name}_{f.name}") for f in kind.hyperparameters()}
            heads[name] = part = kind(self.encoder, **own)
            del part.index, part.progress  # those of the whole are lent
        self.heads = heads
        self.units = nn.Buffer(torch.ones(len(heads)))
        self.places = [slice(1, None)] * len(heads)  # of the parts' views among all

    @property
    def parts(self) -> dict[str, Method[Any]]:
        """The methods, by name."""
        return cast("dict[str, Method[Any]]", dict(self.heads.items()))

    @torch.no_grad()
    def prepare(self, data: Samples) -> None:
        rows = torch.arange(0, len(data), -(-len(data) // FEW))
        few = Batch(data[rows].long() if self.encoder.modality == "text" else data[rows], rows)
        self.lend(rows)
        end = 1  # the first view is the samples' numbers
        for i, part in enumerate(self.parts.values()):
            part.prepare(Greys(data) if self.grey else data)
            views = part.views(self.harmonised(few))
            self.places[i] = slice(end, end + len(views))
            self.units[i] = part.learned_nothing(*views) or 1.0
            end += len(views)

    def views(self, batch: Batch) -> tuple[Tensor, ...]:
        self.lend(batch.index)
        shown = self.harmonised(batch)
        return batch.index, *(v for part in self.parts.values() for v in part.views(shown))

    def loss(self, *views: Tensor) -> dict[str, Tensor]:
        self.lend(views[0])
        energies = {}
        for i, (name, part) in enumerate(self.parts.items()):
            found = part.loss(*views[self.places[i]])
            for term, rows in (found if isinstance(found, dict) else {"": found}).items():
                each = single(rows).view(len(views[0]), -1).mean(1)
                energies[f"{name} {term}".rstrip()] = each / self.units[i]
        return energies

    def learned_nothing(self, *views: Tensor) -> float | None:
        each = zip(self.parts.values(), self.places, self.units.tolist(), strict=True)
        found = [(part.learned_nothing(*views[place]), unit) for part, place, unit in each]
        known = [nothing / unit for nothing, unit in found if nothing is not None]
        return sum(known) if len(known) == len(found) else None

    def groups(self) -> list[dict[str, Any]]:
        return [group for part in self.parts.values() for group in part.groups()]

    def picture(self, batch: Batch) -> dict[str, Tensor]:
        self.lend(batch.index)
        seen = self.harmonised(batch)
        shown = {name: part.picture(seen) for name, part in self.parts.items()}
        return {f"{name}: {k}": x for name, images in shown.items() for k, x in images.items()}

    @torch.no_grad()
    def energy_of(self, batch: Batch) -> Tensor:
        """The sum of what the parts say of each sample `(b,)`, in their units."""
        self.lend(batch.index)
        shown = self.harmonised(batch)
        return torch.stack([part.energy_of(shown) for part in self.parts.values()], 1) @ (
            1 / self.units
        )

    def harmonised(self, batch: Batch) -> Batch:
        """The batch as all parts see it: as stored, or in greys."""
        return batch.showing(greyed(batch.data)) if self.grey else batch

    def lend(self, index: Tensor) -> None:
        """Let the parts see what the loop tells the whole."""
        for part in self.parts.values():
            part.index, part.progress = index, self.progress


@dataclass
class Greys:
    """Samples without their colours."""

    data: Samples

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: slice | Tensor) -> Tensor:
        return greyed(self.data[index])


def greyed(stored: Tensor) -> Tensor:
    """Images in colour `(b, 3, h, w)` uint8 without their colours; anything else as it is."""
    if stored.ndim != 4 or stored.shape[1] != 3:
        return stored
    return luma(stored.float()).round().to(stored.dtype).expand_as(stored).contiguous()


@cache
def together(name: str) -> type[Method[Any]]:
    """The class of methods named together, `rotation+jigsaw`.

    Raises:
        UsageError: Where no encoder suits them all.
    """
    card, parts = catalog.card(name), catalog.parts(name)
    kinds = {key: catalog.load(part.known_as) for key, part in parts.items()}
    needs = common(kinds)

    def between_epochs(self: Together, embed: Callable[[], Tensor]) -> None:
        for part in self.parts.values():
            part.between_epochs(embed)

    looks = any(kind.between_epochs is not Method.between_epochs for kind in kinds.values())
    own = [f for f in card.fields if not hasattr(Together, f.name)]
    body = {
        "__module__": __name__,
        "__doc__": card.doc,
        "__annotations__": {f.name: f.type for f in own},
        **{f.name: hp(f.doc, default=f.default, low=f.low, high=f.high) for f in own},
        **{said: getattr(card, said) for said in ("recipe", "small", "exempt")},
        **({"between_epochs": between_epochs} if looks else {}),
        "kinds": kinds,
        "needs": classmethod(lambda _: needs),
    }
    return type(card.cls, (Together,), body)


def common(kinds: dict[str, type[Method[Any]]]) -> type[Encoder]:
    """The kind of encoder that suits all methods."""
    wanted = {name: kind.needs() for name, kind in kinds.items()}
    narrow = max(wanted, key=lambda name: len(wanted[name].__mro__))
    for name, need in wanted.items():
        fits = issubclass(wanted[narrow], need) and wanted[narrow].modality == need.modality
        if not fits:
            raise UsageError(
                f"{narrow} and {name} cannot share an encoder: one needs the kind "
                f"{wanted[narrow].__name__}, the other {need.__name__}",
                hint=f"train them one by one: unlabeled pretrain {narrow} DATA",
            )
    return wanted[narrow]
