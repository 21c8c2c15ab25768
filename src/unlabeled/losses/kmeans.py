"""k-means: which vectors lie together, by their distances alone."""

from __future__ import annotations

import torch
from torch import Tensor

TILE = 2**24  # distances held at a time: 64 MiB


@torch.no_grad()
def kmeans(
    x: Tensor, k: int, *, restarts: int = 8, steps: int = 100, seed: int = 0
) -> tuple[Tensor, Tensor, float]:
    """Divide vectors among k centres, each the mean of its own; the best of several starts.

    All starts are taken at once, so that a step is two matrix products. A centre that nobody
    chooses moves to the vector that is farthest from its own.

    Args:
        x: `(n, d)` vectors, on any device; normalise them where cosines are meant.
        k: How many centres; at most n.
        restarts: How many starts, each drawn as in k-means++.
        steps: Most steps.
        seed: Of the starts.

    Returns:
        `(k, d)` centres; `(n,)` int64, whose each vector is; and the mean squared distance of a
        vector to its centre.

    Source: Lloyd 1982, https://doi.org/10.1109/TIT.1982.1056489; Arthur & Vassilvitskii 2007,
    algorithm 1 with the sampling of sec. 2.2.
    """
    k = min(k, len(x))
    middle = x.mean(0)
    x = x - middle  # distances are differences of large numbers where vectors share an offset
    centres = _starts(x, k, restarts, seed)
    last = torch.full((restarts,), torch.inf, device=x.device)
    for _ in range(steps):
        sums, counts, own, error = _step(x, centres)
        if bool((last - error <= 1e-7 * error).all()):
            break
        last = error
        centres = sums / counts.clamp(min=1)[..., None]
        for start, empty in enumerate(counts == 0):
            if empty.any():
                far = own[:, start].topk(int(empty.sum())).indices
                centres[start, empty] = x[far]
    error = _step(x, centres)[3]
    best = int(error.argmin())
    kept = centres[best : best + 1]
    nearest = torch.cat([_distances(tile, kept)[:, 0].argmin(1) for tile in _tiles(x, k)])
    return kept[0] + middle, nearest, float(error[best]) / len(x)


def _starts(x: Tensor, k: int, restarts: int, seed: int) -> Tensor:
    """`(restarts, k, d)`: each further centre is drawn by its squared distance to those so far."""
    chance = torch.Generator().manual_seed(seed)
    draws = torch.rand(k, restarts, generator=chance, dtype=torch.float64).to(x.device)
    far = torch.ones(restarts, len(x), dtype=torch.float64, device=x.device)
    centres = []
    for draw in draws:
        share = far.cumsum(1)
        index = torch.searchsorted(share, (draw * share[:, -1])[:, None])[:, 0]
        chosen = x[index.clamp(max=len(x) - 1)]
        centres.append(chosen)
        distance = torch.cat([_distances(t, chosen[:, None])[..., 0] for t in _tiles(x, restarts)])
        distance = distance.T.double()
        far = distance if len(centres) == 1 else torch.minimum(far, distance)
    return torch.stack(centres, 1)


def _step(x: Tensor, centres: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """For each start: sums and counts of each centre's own, their squared distances, the total."""
    r, k, _ = centres.shape
    sums, counts, own = torch.zeros_like(centres), centres.new_zeros(r, k), []
    for tile in _tiles(x, r * k):
        least, nearest = _distances(tile, centres).min(2)
        chosen = tile.new_zeros(len(tile), r, k).scatter_(2, nearest[..., None], 1.0)
        sums += (chosen.flatten(1).T @ tile).view(r, k, -1)
        counts += chosen.sum(0)
        own.append(least)
    far = torch.cat(own)
    return sums, counts, far, far.double().sum(0)


def _distances(x: Tensor, centres: Tensor) -> Tensor:
    """Squared distances `(n, r, k)` of `(n, d)` vectors and `(r, k, d)` centres."""
    products = x @ centres.flatten(0, 1).T
    near = products.mul_(-2).view(len(x), *centres.shape[:2]).add_(centres.square().sum(2))
    return near.add_(x.square().sum(1)[:, None, None]).clamp_(min=0)


def _tiles(x: Tensor, wide: int) -> tuple[Tensor, ...]:
    return x.split(max(1, TILE // max(1, wide)))
