"""A few real steps on a copy of the method, which leave no trace: their time and their memory."""

from __future__ import annotations

import copy
import ctypes
import gc
import resource
import statistics
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from unlabeled.data import Store
from unlabeled.train.loop import Step, Trainer
from unlabeled.world import largest

WARM, TIMED = 3, 8  # steps run before and while the clock runs


def seconds_per_step(trainer: Trainer) -> float:
    """The median of a few steps; the slowest process's."""
    spare, laps = _copy(trainer), [time.perf_counter()]
    for step in spare.run():
        step.loss.item()
        laps.append(time.perf_counter())
        if step.number == WARM + TIMED - 1:
            break
    spare.close()
    times = [b - a for a, b in zip(laps[WARM:], laps[WARM + 1 :], strict=False)]
    return float(largest(torch.tensor(statistics.median(times))))


def memory(trainer: Trainer, store: Store) -> dict[str, int]:
    """Bytes that training holds on its device at its fullest, by what holds them.

    Returns:
        "program": Python and its libraries; nothing on a GPU, whose own share is not counted.
        "samples": the data, where it lies in this memory and is not mapped from the disk.
        "weights": parameters and buffers, "gradients", and the optimiser's "moments".
        "activations": what one real step on a whole batch keeps for its backward pass, and its
        views; on a GPU its peak, whatever it is for.
    """
    spare = _copy(trainer)
    steps = spare.run()
    next(steps)  # from here on there are moments, and whatever is loaded late is loaded
    weights = _bytes([*spare.method.parameters(), *spare.method.buffers()])
    gradients = _bytes([p for p in spare.method.parameters() if p.requires_grad])
    moments = _bytes([x for held in spare.optimizer.state.values() for x in _tensors(held)])
    on_gpu = trainer.runtime.device.startswith("cuda")
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(trainer.runtime.device)
        before = torch.cuda.memory_allocated(trainer.runtime.device)
        next(steps)
        peak = torch.cuda.max_memory_allocated(trainer.runtime.device) - before
        activations = max(0, peak - gradients)
    else:
        activations = _kept(spare, steps)
    spare.close()
    del spare, steps
    held = trainer.batches.uploaded if on_gpu else 0 if store.mapped else store.data.nbytes
    return {
        "program": 0 if on_gpu else max(0, _resident() - weights - held),
        "samples": held,
        "weights": weights,
        "gradients": gradients,
        "moments": moments,
        "activations": activations,
    }


def _kept(trainer: Trainer, steps: Iterator[Step]) -> int:
    """Bytes of the views of a batch, and of what one step keeps of them for its backward pass."""
    kept = _Kept(trainer.method.parameters())
    with saved_tensors_hooks(kept.see, lambda x: x):
        next(steps)
    with torch.no_grad():
        views = trainer.method.views(trainer.batches[0])
    return kept.bytes // trainer.accumulate + _bytes([*views])


def _copy(trainer: Trainer) -> Trainer:
    return Trainer(
        copy.deepcopy(trainer.method),
        trainer.batches,
        trainer.recipe,
        steps=10**9,
        runtime=trainer.runtime,
        accumulate=trainer.accumulate,
    )


class _Kept:
    """Counts the memory that a forward pass keeps for the backward pass, each block once."""

    def __init__(self, but: Iterable[Tensor]) -> None:
        self.blocks = {p.untyped_storage().data_ptr() for p in but}
        self.alive: list[Tensor] = []  # so that no address is given out twice
        self.bytes = 0

    def see(self, x: Tensor) -> Tensor:
        block = x.untyped_storage()
        if block.data_ptr() not in self.blocks:
            self.blocks.add(block.data_ptr())
            self.alive.append(x.detach())
            self.bytes += block.nbytes()
        return x


def _tensors(held: dict[str, object]) -> list[Tensor]:
    return [x for x in held.values() if isinstance(x, Tensor)]


def _bytes(tensors: list[Tensor]) -> int:
    return sum(x.numel() * x.element_size() for x in tensors)


def _resident() -> int:
    """Bytes of memory that the process uses now, without what it freed and kept for later."""
    gc.collect()
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "malloc_trim"):
            libc.malloc_trim(0)
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # the most so far; bytes on a Mac
