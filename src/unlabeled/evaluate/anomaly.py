"""Anomalies: does a class that is held out look strange beside the others?"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from unlabeled.errors import DataError
from unlabeled.evaluate.knn import nearest
from unlabeled.evaluate.linear import Labelled
from unlabeled.evaluate.roc import auroc


def anomaly(
    train: Labelled, test: Labelled, *, device: str | torch.device = "cpu"
) -> dict[str, Any]:
    """Call a test sample strange by its distance to the nearest normal training sample.

    Each class in turn is the strange one: its training samples are left out of what is normal,
    and its test samples are to be told from all others. The distance is one minus the cosine. The
    encoder itself may have seen the class, without its label.

    Args:
        train: Features `(n, d)` and labels; two classes or more.
        test: The same, to score.
        device: Where to compute.

    Returns:
        "AUROC", the mean over the classes held out, and their "deviation", in percent; 50 is
        chance.

    Source: Bergman, Cohen & Hoshen 2020, https://arxiv.org/abs/2002.10445, with one neighbour.
    """
    bank, queries = (torch.as_tensor(part[0], device=device) for part in (train, test))
    known = np.unique(train[1])
    far = torch.stack([distance(bank[train[1] == c], queries) for c in known], 1)
    others = [far[:, known != c].amin(1) for c in known]
    return in_turn(torch.stack(others, 1), test[1], known)


def distance(bank: Tensor, queries: Tensor) -> Tensor:
    """One minus the cosine of each query with the nearest of the bank, `(m,)` in [0, 2]."""
    return 1 - nearest(bank, queries, 1)[0][:, 0]


def in_turn(scores: Tensor, labels: np.ndarray, known: np.ndarray) -> dict[str, float]:
    """How well scores tell the samples of one class from all others, each class in turn.

    Args:
        scores: `(m, classes)`: how strange each sample is where the column's class is held out.
        labels: `(m,)` the samples' classes.
        known: `(classes,)` which are held out; one without samples, or with all, is passed over.

    Returns:
        "AUROC", the mean over the classes, and their "deviation", in percent.

    Raises:
        DataError: Where all samples are of one class.
    """
    found = []
    for column, c in zip(scores.T, known, strict=True):
        strange = torch.from_numpy(labels == c).to(scores.device)
        if strange.any() and not strange.all():
            found.append(100 * auroc(column[strange], column[~strange]))
    if not found:
        raise DataError("nothing is strange beside its like alone: the test samples have one class")
    spread = float(np.std(found, ddof=1)) if len(found) > 1 else 0.0
    return {"AUROC": float(np.mean(found)), "deviation": spread}
