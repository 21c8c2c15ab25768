"""Vectors on a plane: principal components, then a neighbour embedding, and how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

MOST = 2000  # points for which all pairs are cheap: a few seconds on one core
EXAGGERATION = 12.0  # Belkina et al. 2019, with the learning rate n / 12 that goes with it
NEAR = 10  # neighbours compared between the map and the full space


@dataclass(frozen=True)
class Layout:
    """Where things lie.

    Attributes:
        points: `(n, 2)` places, float32.
        how: How they got there, in words.
        kept: Share of each point's 10 nearest on the map that are among its 10 nearest in full.
    """

    points: np.ndarray
    how: str
    kept: float | None


def lay_out(vectors: np.ndarray, *, perplexity: float = 30.0) -> Layout:
    """Lay `(n, d)` vectors out on a plane by their directions; the same each time.

    t-SNE from the first two principal components for up to 2,000 points, the components alone
    for more and for fewer than ten. Where all vectors are one, or some are not finite, as after a
    run that collapsed or diverged, all points are one and `how` says why.
    """
    x = torch.from_numpy(np.array(vectors, dtype=np.float32)).flatten(1)
    nowhere = np.zeros((len(x), 2), np.float32)
    if not bool(x.isfinite().all()):
        return Layout(nowhere, "Some vectors are not finite numbers, so there is no map", None)
    x = normalize(x, dim=1)
    if float((x - x.mean(0)).square().sum(1).mean()) < 1e-8:
        return Layout(nowhere, "All vectors are the same, so all points are one", None)
    low, shares = principal(x, 50)
    flat = torch.nn.functional.pad(low, (0, max(0, 2 - low.shape[1])))[:, :2]
    if not NEAR <= len(x) <= MOST:
        said = (
            f"The two largest principal components, {float(shares[:2].sum()):.0%} of the variance"
        )
        return Layout(flat.numpy(), said, kept(x, flat))
    perplexity = min(perplexity, (len(x) - 1) / 3)
    points = tsne(low, flat, perplexity)
    return Layout(points.numpy(), f"t-SNE, perplexity {perplexity:.0f}", kept(x, points))


def principal(x: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """Coordinates `(n, most or fewer)` along the principal components, and their variance shares.

    A component points to where its furthest sample lies, so its sign is no matter of chance.
    """
    centred = (x - x.mean(0)).double()
    wide = centred.shape[1] > centred.shape[0]
    values, directions = torch.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
    values = values.flip(0)[:most].clamp(min=0)
    directions = directions.flip(1)[:, :most]
    low = directions * values.sqrt() if wide else centred @ directions
    furthest = low.gather(0, low.abs().argmax(0, keepdim=True))
    return (low * furthest.sign()).float(), values / centred.square().sum().clamp(min=1e-30)


def affinities(x: Tensor, perplexity: float) -> Tensor:
    """Symmetric probabilities `(n, n)`, sum 1, that two points are neighbours.

    Each point's Gaussian is as wide as gives it the perplexity: found by bisection among its
    nearest 3 * perplexity points, which hold nearly all of its mass.

    Source: van der Maaten & Hinton 2008, eq. 1 and sec. 3.1; the neighbours, van der Maaten 2014.
    """
    n = len(x)
    squares = torch.cdist(x, x).square().fill_diagonal_(torch.inf)
    near, where = squares.topk(min(n - 1, int(3 * perplexity) + 1), largest=False)
    near = near - near[:, :1]
    low, high = torch.full((n, 1), -30.0), torch.full((n, 1), 60.0)  # log precision
    target = np.log(perplexity)
    for _ in range(40):
        middle = (low + high) / 2
        p = torch.softmax(-near * middle.exp(), 1)
        too_wide = torch.special.entr(p).sum(1, keepdim=True) > target
        low, high = torch.where(too_wide, middle, low), torch.where(too_wide, high, middle)
    p = torch.softmax(-near * ((low + high) / 2).exp(), 1)
    full = torch.zeros(n, n).scatter_(1, where, p)
    return (full + full.T) / (2 * n)


def tsne(x: Tensor, start: Tensor, perplexity: float, steps: int = 600) -> Tensor:
    """t-SNE of `(n, d)` points, from `(n, 2)` starting places; deterministic.

    All pairs are visited, in blocks of rows that stay in the processor's cache; nothing of size
    n * n is written but the affinities.

    Source: van der Maaten & Hinton 2008, eq. 5 and algorithm 1; gains, Jacobs 1988; rate and
    exaggeration, Belkina et al. 2019, https://doi.org/10.1038/s41467-019-13055-y; the start,
    Kobak & Linderman 2021.
    """
    n, early = len(x), steps // 4
    p = affinities(x, perplexity)
    y = start / start[:, :1].std().clamp(min=1e-12) * 1e-4
    move, gain = torch.zeros_like(y), torch.ones_like(y)
    rate = max(50.0, n / EXAGGERATION / 4)
    for step in range(steps):
        pull, push = forces(p, y)
        gradient = 4 * (pull * (EXAGGERATION if step < early else 1.0) - push)
        against = (gradient * move) < 0
        gain = torch.where(against, gain + 0.2, gain * 0.8).clamp(min=0.01)
        move = move * (0.5 if step < early else 0.8) - rate * gain * gradient
        y = y + move
        y = y - y.mean(0)
    return y


def forces(p: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """What pulls `(n, 2)` points together and what pushes them apart, without the factor 4."""
    n = len(y)
    ones, square = torch.ones(n, 1), y.square().sum(1, keepdim=True)
    left = torch.cat([-2 * y, square + 1, ones], 1)
    right = torch.cat([y, ones, square], 1).T.contiguous()
    y1 = torch.cat([y, ones], 1).T.contiguous()
    pull, push, mass = torch.empty(3, n), torch.empty(3, n), -float(n)  # a point is no pair
    for at in range(0, n, 128):
        rows = slice(at, at + 128)
        w = (left[rows] @ right).reciprocal_()  # 1 / (1 + squared distance)
        mass += float(w.sum())
        pull[:, rows] = y1 @ (p[rows] * w).T  # this way round, four times as fast
        push[:, rows] = y1 @ w.square_().T
    away = lambda total: y * total[2:].T - total[:2].T
    return away(pull), away(push) / max(mass, 1e-12)


def kept(x: Tensor, points: Tensor, near: int = NEAR) -> float:
    """Share of each point's nearest on the map that are among its nearest in full, in [0, 1]."""
    x, points = x[:MOST], points[:MOST]
    near = min(near, len(x) - 1)
    nearest = lambda a: torch.cdist(a, a).fill_diagonal_(torch.inf).topk(near, largest=False)[1]
    inside = (nearest(points)[:, :, None] == nearest(x)[:, None, :]).any(2)
    return float(inside.float().mean())
