"""Runs small enough to take milliseconds, for the tests and for the processes that they start."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unlabeled.check import Case
from unlabeled.data.batches import Batches
from unlabeled.encoders import ConvNet, Encoder, Patches, Sequence, Words
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.train.loop import Trainer

SMALL = Recipe(optimizer="adamw", lr=1e-2, weight_decay=0.05, batch=8, clip=1.0)


class Tiny(Case):
    """A method on the smallest encoder that it takes: 32 samples, 4 batches of 8."""

    def encoder(self) -> Encoder:
        if self.shape.modality == "text":
            return Words(self.shape.vocabulary, dim=8, size=self.shape.size)
        if issubclass(self.cls.needs(), Sequence):
            return Patches(self.shape.channels, self.shape.size, dim=32)
        if self.cls.needs() is Encoder:
            return ConvNet(self.shape.channels, self.shape.size, width=4)
        return super().encoder()

    def trainer(  # type: ignore[override]
        self,
        steps: int,
        *,
        method: Method[Any] | None = None,
        seed: int = 0,
        batch: int = 8,
        recipe: Recipe = SMALL,
        accumulate: int = 1,
    ) -> Trainer:
        """A trainer at step 0; `seed` is that of the weights."""
        method = method or self.build(seed)
        recipe = dataclasses.replace(recipe, batch=batch)
        batches = Batches(self.store, batch, seed=3)
        return Trainer(method, batches, recipe, steps=steps, accumulate=accumulate)


def exact(method: Method[Any]) -> Method[Any]:
    """The method in float64, its views too, so that only a bug can make two ways differ."""
    views = method.views
    method.views = lambda batch: tuple(  # type: ignore[method-assign]
        v.double() if v.is_floating_point() else v for v in views(batch)
    )
    return method.double()


def everything(trainer: Trainer) -> dict[str, Tensor]:
    """All that a run is made of, copied: parameters, buffers, moments, step, next samples."""
    method = trainer.method
    held: dict[str, Tensor] = {**dict(method.named_parameters()), **dict(method.named_buffers())}
    del held["progress"], held["index"]  # written anew in each step
    names = {id(p): name for name, p in method.named_parameters()}
    for p, state in trainer.optimizer.state.items():
        held |= {f"{names[id(p)]}/{key}": x for key, x in state.items() if x is not None}
    held["counts"] = torch.tensor([trainer.step, trainer.skipped, trainer.failures])
    held["samples"] = trainer.batches.samples(trainer.step)
    return {name: x.detach().clone() for name, x in held.items()}


def differing(a: dict[str, Tensor], b: dict[str, Tensor]) -> list[str]:
    """Names under which two states are not bit for bit the same."""
    return [
        n for n in a.keys() | b.keys() if n not in a or n not in b or not torch.equal(a[n], b[n])
    ]


def go(trainer: Trainer, to: int) -> None:
    """Train until `to` steps are done."""
    while trainer.step < to:
        for _ in trainer.run():
            if trainer.step == to:
                break


def flip(path: Path, at: int) -> None:
    """Flip one bit of a file."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
