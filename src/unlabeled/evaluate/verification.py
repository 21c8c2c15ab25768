"""Do these two belong to one class? Pairs, a threshold, and what passes it."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from unlabeled.errors import DataError
from unlabeled.evaluate.linear import Labelled
from unlabeled.evaluate.roc import accepted, auroc, equal_error, threshold

PAIRS = 50_000  # of one class, and as many of two
FARS = (1e-2, 1e-3)


def verification(
    train: Labelled,
    test: Labelled,
    *,
    pairs: int = PAIRS,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> dict[str, float]:
    """Tell pairs of one class from pairs of two by their cosine.

    Args:
        train: Features `(n, d)` and labels: its pairs choose the threshold of the accuracy.
        test: The same, to score.
        pairs: Most pairs of either kind; as many of one as of the other.
        seed: Of the pairs.
        device: Where to compute.

    Returns:
        "accuracy" at the threshold chosen on train; "AUROC"; "TAR@FAR=0.01" and "0.001", the share
        of right pairs above the threshold that this share of wrong pairs passes; and "EER", the
        equal error rate: all in percent. The last four are points of the test pairs' own curve.

    Raises:
        DataError: Where train or test holds no pair of one class, or none of two.
    """
    same, other = cosines(*train, pairs=pairs, seed=seed, device=device)
    least = threshold(same, other)
    same, other = cosines(*test, pairs=pairs, seed=seed + 1, device=device)
    right = (same > least).double().mean() + (other <= least).double().mean()
    found = {"accuracy": float(right) / 2, "AUROC": auroc(same, other)}
    found |= {f"TAR@FAR={far:g}": accepted(same, other, far) for far in FARS}
    found["EER"] = equal_error(same, other)
    return {name: 100 * share for name, share in found.items()}


def cosines(
    x: np.ndarray, labels: np.ndarray, *, pairs: int, seed: int, device: str | torch.device
) -> tuple[Tensor, Tensor]:
    """The cosines of pairs of one class and of pairs of two, as many of either."""
    unit = F.normalize(torch.as_tensor(x, device=device), dim=1)
    same, other = (torch.from_numpy(kind).to(device) for kind in draw(labels, pairs, seed))
    return tuple((unit[kind[:, 0]] * unit[kind[:, 1]]).sum(1) for kind in (same, other))  # pyright: ignore


def draw(labels: np.ndarray, pairs: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows `(m, 2)` of different samples of one class, and as many `(m, 2)` of two classes.

    Samples stand in a circle in random order, those of one class in circles of their own; everyone
    is paired with the next, then the one after that, until there are pairs enough.

    Raises:
        DataError: Where there is no pair of either kind.
    """
    counts = np.unique(labels, return_counts=True)[1]
    if len(counts) < 2 or counts.max() < 2:
        raise DataError(
            f"verification needs pairs of one class and pairs of two; {len(labels):,} samples of "
            f"{len(counts):,} classes, in train or in test, hold none",
            hint="give two classes or more, and two samples of one of them, in either part",
        )
    chance = np.random.default_rng(seed)
    everyone = chance.permutation(len(labels))
    classes = [chance.permutation(np.flatnonzero(labels == c)) for c in np.unique(labels)]
    steps = range(1, max(2, -(-2 * pairs // len(labels)) + 1))
    same = np.concatenate([_pairs(circle, s) for s in steps for circle in classes])
    every = np.concatenate([_pairs(everyone, s) for s in steps])
    other = every[labels[every[:, 0]] != labels[every[:, 1]]]
    m = min(pairs, len(same), len(other))
    return chance.permutation(same)[:m], chance.permutation(other)[:m]


def _pairs(circle: np.ndarray, step: int) -> np.ndarray:
    """Everyone with the one `step` further on; nobody where that is twice the same pair."""
    if 2 * step > len(circle):
        return np.empty((0, 2), np.int64)
    both = np.stack([circle, np.roll(circle, -step)], 1)
    return both[:step] if 2 * step == len(circle) else both
