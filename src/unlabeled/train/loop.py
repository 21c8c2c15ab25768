"""The training loop, as an iterator: what happens between steps is up to the caller."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from unlabeled.data.batches import Batches
from unlabeled.errors import Diverged
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.train.optimizers import learning, optimizer
from unlabeled.train.runtime import Runtime
from unlabeled.world import total, world

PATIENCE = 3  # steps in a row without a finite gradient before a run gives up


@dataclass(frozen=True)
class Step:
    """What one optimiser step did.

    Attributes:
        number: The step, from 0.
        loss: The loss, a tensor, before the step.
        terms: Its named terms.
        lr: The learning rate used.
        gradient: The gradient's norm before clipping.
        skipped: Whether the gradient was not finite and nothing moved.
    """

    number: int
    loss: Tensor
    terms: dict[str, Tensor]
    lr: float
    gradient: Tensor
    skipped: bool


class Trainer:
    """A method, its optimiser and its place in the run: everything a checkpoint holds.

    Args:
        method: What is trained, in place.
        batches: Its data, as a function of the step.
        recipe: How.
        steps: How many steps the run has in all; the schedules need it.
        runtime: Where.
        accumulate: Parts that each batch is split into, so that only one is in memory at a time.
            Losses that compare samples then compare within a part.
    """

    def __init__(
        self,
        method: Method[Any],
        batches: Batches,
        recipe: Recipe,
        *,
        steps: int,
        runtime: Runtime = Runtime(),  # noqa: B008
        accumulate: int = 1,
    ) -> None:
        self.method, self.batches, self.recipe = method, batches, recipe
        self.steps, self.runtime, self.accumulate = steps, runtime, accumulate
        self.step = 0
        runtime.place(method)
        self.optimizer = optimizer(method, recipe)
        self.model = runtime.wrap(method)

    def run(self) -> Iterator[Step]:
        """Train from the current step to the last, yielding after each.

        Step t depends on the weights, the moments, t and the seed alone, so a run that stops here
        and goes on elsewhere is the same run.

        Raises:
            Diverged: After three steps in a row whose gradient is not finite.
        """
        self.method.train()
        failures = 0
        while self.step < self.steps:
            step = self._one(self.step)
            failures = failures + 1 if step.skipped else 0
            if failures == PATIENCE:
                raise Diverged(
                    f"the loss is not a finite number at steps {self.step - 2} to {self.step}",
                    hint="the last checkpoint is from before; try a lower --lr or --precision fp32",
                )
            self.step += 1
            yield step

    def _one(self, t: int) -> Step:
        method, recipe = self.method, self.recipe
        method.progress.fill_(t / self.steps)
        lr = recipe.rate(t, self.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = lr * group.get("scale", 1.0)

        batch = self.batches[t]
        method.index = batch.index
        with torch.no_grad():
            views = method.views(batch)
        loss, terms = self._backward(views, len(batch))

        parameters = learning(method)
        gradient = torch.nn.utils.clip_grad_norm_(parameters, recipe.clip)
        finite = bool(total((~gradient.isfinite()).float()) == 0)
        if finite:
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if finite:
            method.advance((t + 1) / self.steps)
        return Step(t, loss, terms, lr, gradient, skipped=not finite)

    def _backward(self, views: tuple[Tensor, ...], b: int) -> tuple[Tensor, dict[str, Tensor]]:
        """The gradient of the mean loss of the parts."""
        k = self.accumulate
        sums: dict[str, Tensor] = {}
        for part in zip(*(_parts(view, k) for view in views), strict=True):
            with self.runtime.autocast():
                loss, terms = self.model(*part)
            (loss / k).backward()
            for name, value in {"": loss.detach(), **terms}.items():
                sums[name] = sums.get(name, 0) + value / k
        mean = {name: total(value) / world()[1] for name, value in sums.items()}
        return mean.pop(""), mean


def _parts(view: Tensor, k: int) -> tuple[Tensor, ...]:
    """`k` equal parts of a view's rows."""
    return (view,) if k == 1 else view.split(math.ceil(len(view) / k))


def train(
    method: Method[Any],
    batches: Batches,
    recipe: Recipe,
    *,
    steps: int | None = None,
    runtime: Runtime = Runtime(),  # noqa: B008
) -> Iterator[Step]:
    """Train a method in place: `for step in train(method, batches, recipe): ...`."""
    steps = steps or max(1, round(recipe.epochs * len(batches)))
    return Trainer(method, batches, recipe, steps=steps, runtime=runtime).run()
