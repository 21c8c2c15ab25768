"""The training loop, as an iterator: what happens between steps is up to the caller."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.utils import clip_grads_with_norm_

from unlabeled.data.batches import Batches
from unlabeled.errors import Diverged, MachineError, UsageError
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.state import State
from unlabeled.train.optimizers import learning, optimizer
from unlabeled.train.runtime import Runtime
from unlabeled.views.dice import Batch
from unlabeled.views.images import whole
from unlabeled.views.sequences import standard
from unlabeled.world import gather, largest, total, world

PATIENCE = 3  # steps in a row without a finite gradient before a run gives up


@dataclass(frozen=True)
class Step:
    """What one optimiser step did.

    Attributes:
        number: The step, from 0.
        loss: The loss over the global batch, a tensor, before the step.
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
        accumulate: Equal parts that each batch is computed in, so that only one is in memory at a
            time. The gradient is the whole batch's where examples have losses of their own;
            losses that compare samples, and batch norm, then compare within a part.

    Attributes:
        step: The next step, from 0: how many are done.
        skipped: How many steps had no finite gradient.
        failures: How many of them were the last ones.

    Raises:
        UsageError: Where a batch has no `accumulate` equal parts.
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
        self.step = self.skipped = self.failures = 0
        if accumulate < 1 or self._share % accumulate:
            raise UsageError(
                f"{self._share} samples a process cannot be split into {accumulate} equal parts",
                hint=f"--accumulate must divide {self._share}",
            )
        runtime.place(method)
        self.optimizer = optimizer(method, recipe)
        self.model: nn.Module | None = None  # the method as the runtime wraps it, while it runs

    def run(self) -> Iterator[Step]:
        """Train from the current step to the last, yielding after each.

        Step t depends on the weights, the moments, t and the seed alone, so a run that stops here
        and goes on elsewhere is the same run. To that end torch's own generator, which dropout
        draws from, is seeded anew in each step.

        Raises:
            Diverged: After three steps in a row whose loss or gradient is not finite. They move
                nothing, and what was learnt before them is still there.
            MachineError: Where a step does not fit in memory; names a batch that may.
        """
        self._open()
        try:
            while self.step < self.steps:
                try:
                    step = self._one(self.step)
                except (RuntimeError, MemoryError) as error:
                    if not _out_of_memory(error):
                        raise
                    raise self._too_large() from error
                self.skipped += step.skipped
                self.failures = self.failures + 1 if step.skipped else 0
                if self.failures == PATIENCE:
                    first = self.step - PATIENCE + 1
                    raise Diverged(
                        f"the loss is not a finite number at steps {first} to {self.step}",
                        hint="the weights are as before them; try a lower --lr or --precision fp32",
                    )
                self.step += 1
                yield step
        finally:
            self.close()

    def close(self) -> None:
        """Take the processes' wrapper off the method; it must not outlive their group."""
        self.model = None

    # ---- one step -------------------------------------------------------------------------

    def _open(self) -> None:
        method = self.method
        at = largest(torch.tensor([self.step, -self.step]))
        if int(at[0]) != -int(at[1]):
            raise MachineError(
                f"one process would start at step {-int(at[1])}, another at step {int(at[0])}",
                hint="all processes must see one and the same run folder",
            )
        self.model = self.runtime.wrap(method)
        self._averages = _averages(method)
        self._learning = learning(method)
        self._states = [part for part in method.modules() if isinstance(part, State)]
        self._looks_back = type(method).between_epochs is not Method.between_epochs
        self._first = self.step

    def _one(self, t: int) -> Step:
        method, recipe = self.method, self.recipe
        if not (method.training and method.encoder.training):
            method.train()  # somebody looked at it between steps
        self._seed(t)
        method.progress.fill_(t / self.steps)
        if self._looks_back and t % len(self.batches) == 0:
            with torch.no_grad():
                method.between_epochs(self._vectors)
        lr = recipe.rate(t, self.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = lr * group.get("scale", 1.0)

        batch = self.batches[t]
        method.index = batch.index  # pyright: ignore[reportAttributeAccessIssue]
        with torch.no_grad():
            views = method.views(batch)
        before = [torch.cat(same) for same in self._averages]
        terms = self._backward(views, batch.index)
        slopes = [p.grad for p in self._learning if p.grad is not None]
        norms = torch._foreach_norm(slopes)  # pyright: ignore[reportPrivateImportUsage]
        values = torch.stack([*terms.values(), torch.stack(norms).norm()])
        if world()[1] > 1:  # what is no number on one process is none on all
            values = total(values) / world()[1]
        finite = all(map(math.isfinite, values.tolist()))  # the one wait for the device in a step
        *means, gradient = values.unbind()

        if finite:
            if recipe.clip is not None:
                clip_grads_with_norm_(self._learning, recipe.clip, gradient)
            self.optimizer.step()
            for state in self._states:
                state.advance((t + 1) / self.steps)
        else:
            self._undo(before)
        for p in self._learning:
            p.grad = None
        named = dict(zip(terms, means, strict=True))
        return Step(t, named.pop(""), named, lr, gradient, skipped=not finite)

    def _backward(self, views: tuple[Tensor, ...], index: Tensor) -> dict[str, Tensor]:
        """Add up the gradient of the mean loss of the parts; the loss, named "", and its terms."""
        k, sums = self.accumulate, {}
        for i, (rows, *part) in enumerate(_parts((index, *views), k)):
            if k > 1:
                self.method.index = rows  # pyright: ignore[reportAttributeAccessIssue]
            with self._alone(more=i < k - 1), self.runtime.autocast():
                loss, terms = self.model(*part)  # pyright: ignore[reportOptionalCall]
                (loss if k == 1 else loss / k).backward()
            for name, value in {"": loss.detach(), **terms}.items():
                sums[name] = value if k == 1 else sums.get(name, 0) + value / k
        return sums

    def _alone(self, *, more: bool) -> contextlib.AbstractContextManager[Any]:
        """No averaging over processes before the last part.

        In its first step DDP learns the graph and averages after each part, which is as right.
        """
        if more and world()[1] > 1 and self.step > self._first:
            return self.model.no_sync()  # pyright: ignore
        return contextlib.nullcontext()

    def _undo(self, before: list[Tensor]) -> None:
        """Leave no trace of a forward pass whose loss or gradient was not finite."""
        for same, old in zip(self._averages, before, strict=True):
            for now, then in zip(same, old.split([len(x) for x in same]), strict=True):
                now.copy_(then)
        for state in self._states:
            state.forget()

    def _seed(self, t: int) -> None:
        seed = ((self.batches.seed * 1_000_003 + t) * world()[1] + world()[0]) % 2**63
        torch.default_generator.manual_seed(seed)
        if self.runtime.device.startswith("cuda"):
            torch.cuda.manual_seed(seed)

    @property
    def _share(self) -> int:
        """Samples of a batch on one process."""
        return self.batches.size // world()[1]

    @torch.no_grad()
    def _vectors(self) -> Tensor:
        """The encoder's vector of every sample, `(n, dim)`, in the order of the store."""
        encoder, store = self.method.encoder, self.batches.store
        rank, ranks = world()
        share = -(-len(store) // ranks)
        rows = (rank * share + torch.arange(share)) % len(store)
        encoder.eval()
        with self.runtime.autocast():
            mine = [encoder(self._plain(part)).float() for part in rows.split(self._share)]
        encoder.train()
        return gather(torch.cat(mine))[: len(store)]

    def _plain(self, rows: Tensor) -> Tensor:
        """The samples at `rows` as the encoder meets them after training."""
        data = self.batches.store.read(rows).to(self.runtime.device)
        encoder = self.method.encoder
        if encoder.modality == "image":
            return whole(Batch(data, rows), encoder.size)
        return standard(data) if encoder.modality == "series" else data

    def _too_large(self) -> MachineError:
        size, ranks = self.batches.size, world()[1]
        half = size // 2 // ranks * ranks
        splits = range(2 * self.accumulate, self._share + 1)
        parts = next((k for k in splits if self._share % k == 0), None)
        ways = [f"--batch-size {half}"] if half > 1 else []
        ways += [f"--accumulate {parts} (the same batch in {parts} parts)"] if parts else []
        return MachineError(
            f"a batch of {size} in {self.accumulate} part(s) does not fit in the memory of "
            f"{self.runtime.device} at step {self.step}",
            hint=f"try {' or '.join(ways)}" if ways else "try a smaller --backbone",
        )


def _parts(views: tuple[Tensor, ...], k: int) -> list[tuple[Tensor, ...]]:
    """The views of `k` equal shares of the samples, whose rows lie together."""
    return [views] if k == 1 else list(zip(*(view.chunk(k) for view in views), strict=True))


def _averages(module: nn.Module) -> list[list[Tensor]]:
    """The running averages that a forward pass moves, flat, those of one type together."""
    norms = [part for part in module.modules() if isinstance(part, _NormBase)]
    flat = [x.view(-1) for norm in norms for x in norm.buffers()]
    return [[x for x in flat if x.dtype == kind] for kind in {x.dtype: 0 for x in flat}]


def _out_of_memory(error: BaseException) -> bool:
    said = "can't allocate memory" in str(error)  # torch's word for it on a CPU
    return said or isinstance(error, (torch.OutOfMemoryError, MemoryError))


def train(
    method: Method[Any],
    batches: Batches,
    recipe: Recipe,
    *,
    steps: int | None = None,
    runtime: Runtime = Runtime(),  # noqa: B008
    accumulate: int = 1,
) -> Iterator[Step]:
    """Train a method in place and yield after each step.

    `for step in train(method, batches, recipe): ...` is all that a loop of one's own needs.
    """
    steps = steps or max(1, round(recipe.epochs * len(batches)))
    trainer = Trainer(method, batches, recipe, steps=steps, runtime=runtime, accumulate=accumulate)
    return trainer.run()
