"""Anomalies: does a class that is held out look strange beside the others?"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

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
    near = torch.cat([nearest(bank[train[1] == c], queries, 1)[0] for c in known], 1)
    scores = []
    for held, c in enumerate(known):
        strange = torch.from_numpy(test[1] == c).to(device)
        if strange.any() and not strange.all():
            rest = torch.cat([near[:, :held], near[:, held + 1 :]], 1)
            distance = 1 - rest.amax(1)
            scores.append(100 * auroc(distance[strange], distance[~strange]))
    spread = float(np.std(scores, ddof=1)) if len(scores) > 1 else 0.0
    return {"AUROC": float(np.mean(scores)), "deviation": spread}
