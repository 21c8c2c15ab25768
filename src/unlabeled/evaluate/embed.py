"""From samples to vectors, with the encoder as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unlabeled.data.store import Store
from unlabeled.encoders import Encoder
from unlabeled.errors import UsageError
from unlabeled.state import borrowed
from unlabeled.train.runtime import Runtime
from unlabeled.views.sequences import preprocess

BATCH = 512
GRID = 4096  # most numbers of a map that is pooled to a grid


def home(module: nn.Module) -> torch.device:
    """The device that a module's parameters lie on."""
    return next(module.parameters()).device


def inputs(encoder: Encoder, store: Store, batch: int = BATCH) -> Iterator[Tensor]:
    """All samples in order, a batch at a time, on the encoder's device."""
    for index in torch.arange(len(store)).split(batch):
        yield preprocess(encoder, store.read(index).to(home(encoder)))


@torch.no_grad()
def embed(
    encoder: Encoder,
    store: Store,
    *,
    layers: Sequence[str] = ("out",),
    pool: Literal["mean", "grid"] = "mean",
    batch: int = BATCH,
    precision: str = "fp32",
) -> dict[str, np.ndarray]:
    """The vectors of all samples, in evaluation mode; the encoder is left as it was.

    Args:
        encoder: The encoder, on the device that shall compute.
        store: The samples.
        layers: Which of its layers.
        pool: What becomes of maps `(c, h, w)` and sequences `(c, t)`: their average, c numbers; or
            a grid of averages as fine as 4,096 numbers allow, which says where things were.
        batch: Samples at a time.
        precision: "bf16" (autocast) or "fp32".

    Returns:
        For each layer `(n, d)` float32, in the order of the store.

    Raises:
        UsageError: Where the encoder has no such layer.
    """
    for name in layers:
        if name not in encoder.layers:
            raise UsageError(
                f"the encoder has no layer `{name}`", hint=f"it has {', '.join(encoder.layers)}"
            )
    runtime = Runtime(str(home(encoder)), precision)
    parts: dict[str, list[Tensor]] = {name: [] for name in layers}
    with borrowed(encoder), runtime.autocast():
        for x in inputs(encoder, store, batch):
            found = {"out": encoder(x)} if tuple(layers) == ("out",) else encoder.features(x)
            for name in layers:
                parts[name].append(pooled(found[name], pool).float().cpu())
    return {name: torch.cat(rows).numpy() for name, rows in parts.items()}


def pooled(found: Tensor, pool: str, numbers: int = GRID) -> Tensor:
    """Vectors as they are; maps and sequences averaged to one, or to a grid of so many numbers."""
    if found.ndim == 2:
        return found
    if pool == "mean":
        return found.flatten(2).mean(2)
    axes = found.ndim - 2
    side = min(int((numbers / found.shape[1]) ** (1 / axes) + 1e-9), *found.shape[2:])
    shrink = F.adaptive_avg_pool2d if axes == 2 else F.adaptive_avg_pool1d
    return shrink(found, max(1, side)).flatten(1)
