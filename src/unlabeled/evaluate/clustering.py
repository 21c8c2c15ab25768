"""Clustering: do the classes fall out by themselves?"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from unlabeled.losses.kmeans import kmeans

RESTARTS = 8


def clustering(
    x: np.ndarray,
    labels: np.ndarray,
    *,
    classes: int,
    restarts: int = RESTARTS,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> dict[str, float]:
    """k-means of unit vectors with as many centres as classes, and how its clusters fit them.

    Args:
        x: `(n, d)` features.
        labels: `(n,)` int64; they only score.
        classes: How many centres.
        restarts: Starts of k-means, the best of which by its own measure is kept.
        seed: Of the starts.
        device: Where to compute.

    Returns:
        As `agreement`.
    """
    unit = F.normalize(torch.as_tensor(x, device=device), dim=1)
    own = kmeans(unit, classes, restarts=restarts, seed=seed)[1].cpu().numpy()
    return agreement(labels, own)


def agreement(labels: np.ndarray, clusters: np.ndarray) -> dict[str, float]:
    """How well clusters fit classes, in percent; their names do not matter.

    Args:
        labels: `(n,)` int64 from 0.
        clusters: `(n,)` int64 from 0.

    Returns:
        "accuracy": right where each cluster is given one class, all different, by the best such
        matching. "NMI": mutual information over the mean of the two entropies. "ARI": pairs
        rightly put together, adjusted for chance; it may be negative. "homogeneity" (low: classes
        are merged) and "completeness" (low: classes are split).

    Source: Hubert & Arabie 1985, https://doi.org/10.1007/BF01908075; Rosenberg & Hirschberg 2007,
    https://aclanthology.org/D07-1043.
    """
    table = np.zeros((labels.max() + 1, clusters.max() + 1))
    np.add.at(table, (labels, clusters), 1)
    n = table.sum()
    side = max(table.shape)
    square = np.zeros((side, side))
    square[: table.shape[0], : table.shape[1]] = table
    right = square[np.arange(side), match(-square)].sum()
    ours, theirs, joint = (_entropy(t / n) for t in (table.sum(1), table.sum(0), table.ravel()))
    shared = max(0.0, ours + theirs - joint)
    of = lambda entropy: shared / entropy if entropy > 1e-12 else 1.0
    found = {
        "accuracy": right / n,
        "NMI": of((ours + theirs) / 2),
        "ARI": _rand(table),
        "homogeneity": of(ours),
        "completeness": of(theirs),
    }
    return {name: 100 * float(value) for name, value in found.items()}


def match(cost: np.ndarray) -> np.ndarray:
    """For each row of a square table a column of its own, so that the total cost is least.

    Exact, by shortest augmenting paths: n^2 steps on arrays of n.

    Source: Kuhn 1955; Jonker & Volgenant 1987, https://doi.org/10.1007/BF02278710.
    """
    n = len(cost)
    row_price, price = np.zeros(n), np.zeros(n + 1)
    taken_by = np.full(n + 1, -1)  # column to row; the last column is where a path starts
    for row in range(n):
        taken_by[n], at = row, n
        least, before = np.full(n, np.inf), np.full(n, n)
        free = np.ones(n + 1, bool)
        while taken_by[at] != -1:
            free[at] = False
            offer = cost[taken_by[at]] - row_price[taken_by[at]] - price[:n]
            better = free[:n] & (offer < least)
            least[better], before[better] = offer[better], at
            nearest = int(np.where(free[:n], least, np.inf).argmin())
            rise = least[nearest]
            row_price[taken_by[~free]] += rise
            price[~free] -= rise
            least[free[:n]] -= rise
            at = nearest
        while at != n:  # hand the columns along the path
            taken_by[at], at = taken_by[before[at]], before[at]
    chosen = np.empty(n, np.int64)
    chosen[taken_by[:n]] = np.arange(n)
    return chosen


def _entropy(shares: np.ndarray) -> float:
    some = shares[shares > 0]
    return float(-(some * np.log(some)).sum())


def _rand(table: np.ndarray) -> float:
    """The adjusted Rand index of a table of counts."""
    pairs = lambda counts: (counts * (counts - 1) / 2).sum()
    both, ours, theirs = pairs(table), pairs(table.sum(1)), pairs(table.sum(0))
    expected = ours * theirs / max(1.0, pairs(table.sum()))
    most = (ours + theirs) / 2
    return float((both - expected) / (most - expected)) if most != expected else 1.0
