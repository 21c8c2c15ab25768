"""What the training loop adds to a bare one, at about 10 ms a step of its thread.

python -m benchmarks.peers.loop

Both loops run in this process, in turn: the same method, batches, views, loss and optimiser. The
bare one does nothing else.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import torch

from benchmarks.peers.ours import batches
from benchmarks.peers.paired import keep
from unlabeled.encoders import ConvNet
from unlabeled.methods.invariance.simclr import SimCLR
from unlabeled.recipe import Recipe
from unlabeled.train.loop import Trainer
from unlabeled.train.optimizers import optimizer

RECIPE = Recipe(optimizer="adamw", lr=1e-3, batch=16)
STEPS, ROUNDS = 10, 40


def method() -> SimCLR:
    """A network small enough that a step takes about 10 ms."""
    torch.manual_seed(0)
    return SimCLR(ConvNet(3, 32, 6), hidden=128)


def bare() -> Iterator[None]:
    """A loop with nothing that could be left out."""
    model, data = method().train(), batches(2048, 32, 16)
    model.to(memory_format=torch.channels_last)
    opt = optimizer(model, RECIPE)
    t = 0
    while True:
        with torch.no_grad():
            views = model.views(data[t])
        loss, _ = model(*views)
        loss.backward()
        opt.step()
        opt.zero_grad()
        t += 1
        yield


def main() -> None:
    """Measure and keep."""
    loops = {
        "bare": bare(),
        "ours": Trainer(method(), batches(2048, 32, 16), RECIPE, steps=10**6).run(),
    }
    taken: dict[str, list[float]] = {name: [] for name in loops}
    for i in range(ROUNDS + 2):
        for name, loop in loops.items() if i % 2 else reversed(loops.items()):
            began = time.thread_time()
            for _ in range(STEPS):
                next(loop)
            if i >= 2:
                taken[name].append(1e3 * (time.thread_time() - began) / STEPS)
    added = [o - b for o, b in zip(taken["ours"], taken["bare"], strict=True)]
    found = {
        "bare, ms a step": statistics.median(taken["bare"]),
        "least bare, ms a step": min(taken["bare"]),
        "added, ms a step": statistics.median(added),
        "quartiles of added": statistics.quantiles(added, n=4),
        "added by the least of each": min(taken["ours"]) - min(taken["bare"]),
    }
    print(found)
    keep("loop", found)


if __name__ == "__main__":
    main()
