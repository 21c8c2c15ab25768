"""Our side: what a user of this library gets with the same settings."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch

from benchmarks.peers.photos import tiles
from benchmarks.peers.worker import forget_peak, peak, serve, stopwatch
from unlabeled.data.batches import Batches
from unlabeled.data.store import Store
from unlabeled.encoders import Shape
from unlabeled.encoders.timm import Timm
from unlabeled.evaluate import linear
from unlabeled.evaluate.knn import nearest
from unlabeled.losses import nt_xent
from unlabeled.methods.invariance.simclr import SimCLR
from unlabeled.recipe import Recipe
from unlabeled.train.loop import Trainer
from unlabeled.train.memory import keep_memory
from unlabeled.views import Look, augment

keep_memory()


@cache
def batches(n: int, stored: int, batch: int) -> Batches:
    """Tiles as a store."""
    data = tiles(n, stored).transpose(0, 3, 1, 2).copy()
    return Batches(Store(data, Shape("image", 3, stored), range(n)), batch)  # pyright: ignore


def views(stored: int, size: int, batch: int, count: int, blur: float) -> dict[str, float]:
    """Microseconds a view: read a batch, make two views of each image."""
    data = batches(2048 if stored < 64 else 256, stored, batch)
    look = Look((0.08, 1.0), brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2, blur=blur)
    repeat = count * (40 if stored < 64 else 4)  # we need more of them to measure
    clock = stopwatch()
    for t in range(repeat):
        part = data[t]
        augment(part, size, look), augment(part, size, look)
    wall, cpu = (1e6 * t / (repeat * 2 * batch) for t in clock())
    return {"us a view": wall, "cpu us a view": cpu}


@cache
def training(stem: str) -> Any:
    """The loop over SimCLR on a ResNet-18 at 32 pixels, batches of 256."""
    torch.manual_seed(0)
    encoder = Timm("resnet18", 3, 32 if stem == "cifar" else 224)
    encoder.size = 32
    data = batches(2048, 32, 256)
    recipe = Recipe(optimizer="sgd", lr=0.06, momentum=0.0, batch=256)
    method = SimCLR(encoder, hidden=512, temperature=0.5)
    return Trainer(method, data, recipe, steps=10_000).run()


def step(stem: str, steps: int) -> dict[str, float]:
    """Seconds a step."""
    run, clock = training(stem), stopwatch()
    for _ in range(steps):
        next(run)
    wall, cpu = clock()
    return {"seconds a step": wall / steps, "cpu seconds a step": cpu / steps}


def loss(n: int) -> dict[str, float]:
    """NT-Xent of n embeddings of 128 numbers, forward and backward: seconds and MiB."""
    chance = torch.Generator().manual_seed(0)
    a, b = (torch.randn(n // 2, 128, generator=chance).requires_grad_() for _ in range(2))
    before, clock = forget_peak(), stopwatch()
    nt_xent(a, b, temperature=0.5).mean().backward()
    wall, cpu = clock()
    return {"seconds": wall, "cpu seconds": cpu, "MiB": peak() - before}


def neighbours(folder: str) -> dict[str, float]:
    """Seconds to find the 20 nearest of a bank by cosine."""
    bank, queries = (torch.from_numpy(np.load(f"{folder}/{x}.npy")) for x in ("bank", "queries"))
    clock = stopwatch()
    _, index = nearest(bank, queries, 20)
    wall, cpu = clock()
    np.save(f"{folder}/ours.npy", index.numpy())
    return {"seconds": wall, "cpu seconds": cpu}


def probe(folder: str, l2: float) -> dict[str, float]:
    """Seconds to fit a logistic regression to its optimum, and percent wrong on the test."""
    got = {x: np.load(f"{folder}/{x}.npy") for x in ("x", "y", "xt", "yt")}
    clock = stopwatch()
    found = linear((got["x"], got["y"]), (got["xt"], got["yt"]), classes=10, strengths=(l2,))
    wall, cpu = clock()
    return {"seconds": wall, "cpu seconds": cpu, "percent wrong": 100 - found["accuracy"]}


if __name__ == "__main__":
    serve(views, step, loss, neighbours, probe)
