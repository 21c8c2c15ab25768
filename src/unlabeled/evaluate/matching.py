"""The matching game: one picture on the left, four on the right; which one shows the same?"""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from unlabeled.data.store import Store
from unlabeled.views import Batch, augment
from unlabeled.views.sequences import scaled

CANDIDATES = 4
GAME = 2**31 + 1  # an epoch that no run reaches: these views were never trained on


def viewed(store: Store, seed: int = 0, batch: int = 512) -> tuple[Store, Store]:
    """Two strong views of every sample, as stores of the same shape.

    Images are cropped, flipped and recoloured as SimCLR does; series are scaled and shifted.
    """
    sides: tuple[list[np.ndarray], list[np.ndarray]] = [], []
    for index in torch.arange(len(store)).split(batch):
        part = Batch(store.read(index), index, seed=seed, epoch=GAME)
        for side in sides:
            if store.shape.modality == "image":
                floats = augment(part, store.shape.size)
                side.append((255 * floats).round().clamp(0, 255).to(torch.uint8).numpy())
            else:
                side.append(scaled(part).numpy())
    left, right = (dataclasses.replace(store, data=np.concatenate(side)) for side in sides)
    return left, right


def matching(
    left: Tensor, right: Tensor, labels: np.ndarray, *, candidates: int = CANDIDATES, seed: int = 0
) -> dict[str, float]:
    """Play the game once for every sample, by cosine.

    Args:
        left: `(n, d)` vectors of one view of each sample.
        right: `(n, d)` of another view of each, in the same order.
        labels: `(n,)`; needed for the hard game alone.
        candidates: Pictures on the right, the true one among them; chance is 1 / candidates.
        seed: Of who stands beside whom.

    Returns:
        "accuracy" beside any others, and "same class" beside others of its own class, where every
        class has candidates enough; in percent. A tie is lost.
    """
    left, right = F.normalize(left, dim=1), F.normalize(right, dim=1)
    chance = np.random.default_rng(seed)
    circles = [chance.permutation(np.flatnonzero(labels == c)) for c in np.unique(labels)]
    games = {"accuracy": [chance.permutation(len(labels))]}
    hard = [circle for circle in circles if len(circle) >= candidates]
    games |= {"same class": hard} if hard else {}
    return {name: 100 * won(left, right, circle, candidates) for name, circle in games.items()}


def won(left: Tensor, right: Tensor, circles: list[np.ndarray], candidates: int) -> float:
    """Share of games won where everybody's rivals are the next few in their circle.

    Args:
        left: `(n, d)`; who has the greatest inner product with the true one of `right` wins.
        right: `(n, d)`.
        circles: Rows of both, each in one circle at most.
        candidates: On the right, the true one among them; fewer in a smaller circle.
    """
    rounds = []
    for circle in circles:
        shown = np.stack([np.roll(circle, -i) for i in range(min(candidates, len(circle)))], 1)
        rounds.append(torch.from_numpy(shown))
    shown = torch.cat(rounds).to(left.device)
    score = torch.einsum("nd,nkd->nk", left[shown[:, 0]], right[shown])
    return float((score[:, :1] > score[:, 1:]).all(1).double().mean())
