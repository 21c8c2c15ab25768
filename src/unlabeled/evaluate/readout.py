"""A readout that keeps more than one layer's average: joined maps, whitened; no label is used.

A network's last average answers one question. What earlier layers saw, and where they saw it, is
still there to be read: each stage's map is pooled to a small grid, all are joined, and principal
components are scaled to the same variance, so that no loud direction drowns the others when
vectors are compared by cosine.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from unlabeled.data.store import Store
from unlabeled.encoders import Encoder
from unlabeled.evaluate.embed import inputs
from unlabeled.state import borrowed

POOLS = {"mean": F.adaptive_avg_pool2d, "max": F.adaptive_max_pool2d}


@dataclass(frozen=True)
class Readout:
    """A fitted readout: `(x / scale - mean) @ basis` of joined maps.

    Attributes:
        grids: For each layer that is read, how its map is pooled ("mean" or "max") and to a grid
            of which side.
        flip: Whether an image and its mirror image are averaged.
        scale: `(joined,)` the deviation of the layer that each number comes from.
        mean: `(joined,)`.
        basis: `(joined, dims)` whitening principal components, the leading one last.
    """

    grids: dict[str, tuple[str, int]]
    flip: bool
    scale: Tensor
    mean: Tensor
    basis: Tensor

    def __call__(self, encoder: Encoder, store: Store) -> Tensor:
        """`(n, dims)` vectors of all samples, on the CPU."""
        x = torch.cat(_joined(encoder, store, self.grids, flip=self.flip), 1)
        return (x / self.scale - self.mean) @ self.basis


def fit(
    encoder: Encoder,
    store: Store,
    *,
    grids: dict[str, tuple[str, int]],
    dims: int = 384,
    flip: bool = True,
) -> Readout:
    """Fit a readout on unlabelled samples.

    Args:
        encoder: The encoder, with maps in the layers of `grids`.
        store: The samples.
        grids: As `Readout.grids`: `{"stage2": ("mean", 2), "stage3": ("mean", 2)}`.
        dims: Principal components kept.
        flip: Whether an image and its mirror image are averaged.
    """
    parts = _joined(encoder, store, grids, flip=flip)
    scale = torch.cat([part.std().expand(part.shape[1]) for part in parts])
    x = torch.cat(parts, 1) / scale
    mean = x.mean(0)
    x = x - mean
    value, vector = torch.linalg.eigh((x.T @ x / len(x)).double())
    basis = vector[:, -dims:] / value[-dims:].clamp(min=1e-8).sqrt()
    return Readout(grids, flip, scale, mean, basis.float())


@torch.no_grad()
def _joined(
    encoder: Encoder, store: Store, grids: dict[str, tuple[str, int]], *, flip: bool
) -> list[Tensor]:
    """The pooled maps of every layer, `(n, c * side**2)` each."""
    rows: list[list[Tensor]] = []
    with borrowed(encoder):
        for x in inputs(encoder, store):
            pooled = _pooled(encoder, x, grids)
            if flip:
                mirrored = _pooled(encoder, x.flip(3), grids)
                pooled = [(a + b) / 2 for a, b in zip(pooled, mirrored, strict=True)]
            rows.append([part.cpu() for part in pooled])
    return [torch.cat(parts) for parts in zip(*rows, strict=True)]


def _pooled(encoder: Encoder, x: Tensor, grids: dict[str, tuple[str, int]]) -> list[Tensor]:
    maps = encoder.features(x)
    return [POOLS[how](maps[name], side).flatten(1) for name, (how, side) in grids.items()]
