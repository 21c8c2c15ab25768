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
from unlabeled.evaluate.embed import prepare


@dataclass(frozen=True)
class Readout:
    """A fitted readout: `(x / scale - mean) @ basis` of joined maps.

    Attributes:
        grids: For each layer that is read, the side of the grid its map is pooled to.
        flip: Whether an image and its mirror image are averaged.
        scale: `(joined,)` the deviation of the layer that each number comes from.
        mean: `(joined,)`.
        basis: `(joined, dims)` whitening principal components.
    """

    grids: dict[str, int]
    flip: bool
    scale: Tensor
    mean: Tensor
    basis: Tensor

    def __call__(self, encoder: Encoder, store: Store) -> Tensor:
        """`(n, dims)` vectors of all samples."""
        x = _joined(encoder, store, self.grids, self.flip)
        return (x / self.scale - self.mean) @ self.basis


def fit(
    encoder: Encoder, store: Store, *, grids: dict[str, int], dims: int = 384, flip: bool = True
) -> Readout:
    """Fit a readout on unlabelled samples.

    Args:
        encoder: The encoder, with maps in the layers of `grids`.
        store: The samples.
        grids: Layers to read, and the side of each one's grid.
        dims: Principal components kept.
        flip: Whether an image and its mirror image are averaged.
    """
    x = _joined(encoder, store, grids, flip)
    widths = [int(w) for w in _widths(encoder, store, grids)]
    scale = torch.cat([part.std().expand(part.shape[1]) for part in x.split(widths, 1)])
    x = x / scale
    mean = x.mean(0)
    x = x - mean
    value, vector = torch.linalg.eigh((x.T @ x / len(x)).double())
    value, vector = value[-dims:].float(), vector[:, -dims:].float()
    return Readout(grids, flip, scale, mean, vector / value.clamp(min=1e-8).sqrt())


@torch.no_grad()
def _joined(encoder: Encoder, store: Store, grids: dict[str, int], flip: bool) -> Tensor:
    was = encoder.training
    encoder.eval()
    rows = []
    for index in torch.arange(len(store)).split(1000):
        x = prepare(encoder, store.read(index))
        seen = [x, x.flip(3)] if flip else [x]
        rows.append(torch.stack([_pooled(encoder, one, grids) for one in seen]).mean(0))
    encoder.train(was)
    return torch.cat(rows)


def _pooled(encoder: Encoder, x: Tensor, grids: dict[str, int]) -> Tensor:
    maps = encoder.features(x)
    return torch.cat([F.adaptive_avg_pool2d(maps[n], g).flatten(1) for n, g in grids.items()], 1)


@torch.no_grad()
def _widths(encoder: Encoder, store: Store, grids: dict[str, int]) -> list[int]:
    maps = encoder.features(prepare(encoder, store.read(torch.arange(2))))
    return [maps[name].shape[1] * side**2 for name, side in grids.items()]
