"""A method small enough to be tried in milliseconds, and samples to try it on."""

from __future__ import annotations

import copy
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unlabeled import catalog
from unlabeled.data.batches import Batches
from unlabeled.data.store import Store
from unlabeled.encoders import Encoder, Shape, build, default
from unlabeled.method import Method
from unlabeled.train.loop import Trainer
from unlabeled.views import Batch

SAMPLES = 8  # in a batch
BATCHES = 4  # in the store
LARGEST = 16  # any whole-number hyperparameter
SHAPES = {
    "image": Shape("image", 3, 16),
    "series": Shape("series", 2, 32),
    "text": Shape("text", 1, 16, vocabulary=50),
}


class Failed(AssertionError):
    """A check that a method does not pass; its message says what to mend."""


def need(holds: bool, otherwise: str) -> None:
    """Raise `Failed` with what is wrong unless all is well."""
    if not holds:
        raise Failed(otherwise)


class Case:
    """A method under test.

    Args:
        name: A method of the library, or the path of a file of one's own.

    Attributes:
        card: What the method's source says.
        cls: Its class.
        pair: What two processes made of it, if they were asked already (see `ranks.share`).

    Raises:
        UsageError: Where there is no such method or its source cannot be read.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.card = catalog.card(name)
        self.cls = catalog.load(name)
        self.shape = SHAPES[self.cls.needs().modality]
        self.pair: list[dict[str, Any]] | str | None = None

    def settings(self) -> dict[str, Any]:
        """The recipes' settings, with every width, count and memory cut down."""
        said = {**self.cls.recipe.settings, **self.cls.small.settings}
        settings = {}
        for field in self.cls.hyperparameters():
            value = said.get(field.name, field.default)
            if isinstance(value, int) and not isinstance(value, bool):
                value = max(min(value, LARGEST), field.metadata["low"])
            settings[field.name] = value
        return settings

    def encoder(self) -> Encoder:
        """A fresh encoder of the kind that the method needs."""
        return build(default(self.cls.suits("cpu"), self.shape, "cpu"), self.shape)

    def build(self, seed: int = 0) -> Method[Any]:
        """A fresh method, ready for its first step."""
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            method = self.cls(self.encoder(), **self.settings())
        method.prepare(self.store)
        return method.train()

    @cached_property
    def store(self) -> Store:
        """Samples without meaning: noise of the right kind. Images are larger than is needed."""
        rng, n = np.random.default_rng(0), SAMPLES * BATCHES
        if self.shape.modality == "text":
            data = rng.integers(1, self.shape.vocabulary, (n, self.shape.size), dtype=np.int32)
        elif self.shape.modality == "series":
            data = rng.standard_normal((n, self.shape.channels, self.shape.size), dtype=np.float32)
        else:
            side = self.shape.size + 4
            data = rng.integers(0, 256, (n, self.shape.channels, side, side), dtype=np.uint8)
        return Store(data, self.shape, [str(i) for i in range(n)], source="noise")

    def batch(self, index: Tensor | None = None, *, seed: int = 0, epoch: int = 0) -> Batch:
        """The samples at `index`, by default the first few."""
        index = torch.arange(SAMPLES) if index is None else index
        return Batch(self.store.read(index), index, seed=seed, epoch=epoch)

    def trainer(self, method: Method[Any], steps: int) -> Trainer:
        """The library's own training of a method, by its small recipe."""
        return Trainer(
            method, Batches(self.store, SAMPLES), self.cls.small.at(SAMPLES), steps=steps
        )

    @cached_property
    def _trained(self) -> Method[Any]:
        method = self.build()
        for step in self.trainer(method, steps=4).run():
            if step.number == 1:
                break
        return method

    def method(self) -> Method[Any]:
        """A copy of the method after two of four steps: its queues are full, its heads awake."""
        return copy.deepcopy(self._trained)

    def views(self, method: Method[Any], batch: Batch | None = None) -> tuple[Tensor, ...]:
        """The arguments of the method's loss for a batch, by default the first samples."""
        batch = batch or self.batch()
        method.index = batch.index
        with torch.no_grad():
            return method.views(batch)


def reorder(views: tuple[Tensor, ...], order: Tensor, samples: int = SAMPLES) -> list[Tensor]:
    """The rows of the samples at `order`, in every view."""
    return [v.unflatten(0, (samples, -1))[order].flatten(0, 1) for v in views]


def double(views: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Views in float64, whole numbers as they are."""
    return tuple(v.double() if v.is_floating_point() else v for v in views)


def parts(energies: Tensor | dict[str, Tensor]) -> dict[str, Tensor]:
    """Named energies, whether or not the method names them."""
    return energies if isinstance(energies, dict) else {"loss": energies}


def settled(method: Method[Any]) -> dict[str, Tensor]:
    """All that a loss must leave alone; batch norm keeps its own running averages."""
    named = [*method.named_parameters(), *method.named_buffers()]
    running = ("running_mean", "running_var", "num_batches_tracked")
    return {name: x.detach().clone() for name, x in named if not name.endswith(running)}
