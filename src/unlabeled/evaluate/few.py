"""A handful of labels: what pretraining is for."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from unlabeled.evaluate.linear import STRENGTHS, Labelled, linear

DRAWS = 5
FOLDS = 5
SMALL = 20  # labels a class up to which every label takes part in choosing the penalty
WEAKEST = 1e-3  # penalty of so few labels: any weaker draws the same line between them
ALONE = (1e-2,)  # the penalty where a class has one label, and nothing to choose it on


def few(
    train: Labelled,
    test: Labelled,
    *,
    classes: int,
    labels: int,
    draws: int = DRAWS,
    device: str | torch.device = "cpu",
) -> dict[str, Any]:
    """Linear accuracy with few labels a class, over several draws of which ones.

    The penalty is chosen with the drawn labels alone: by cross-validation where they are few.

    Args:
        train: Features and labels to draw from.
        test: The same, to score.
        classes: How many there are.
        labels: Labels a class.
        draws: How many times they are drawn; draw i is the same for every encoder.
        device: Where to compute.

    Returns:
        "accuracy", the mean over the draws, their standard "deviation", both in percent, and the
        "draws" themselves.
    """
    small = labels <= SMALL
    strengths = [l2 for l2 in STRENGTHS if l2 >= WEAKEST or not small] if labels > 1 else ALONE
    scores = []
    for draw in range(draws):
        rows = chosen(train[1], labels, draw)
        found = linear(
            (train[0][rows], train[1][rows]),
            test,
            classes=classes,
            rounds=FOLDS if small else 1,
            parts=min(FOLDS, labels) if small else 10,
            strengths=strengths,
            seed=draw,
            device=device,
        )
        scores.append(found["accuracy"])
    spread = float(np.std(scores, ddof=1)) if draws > 1 else 0.0
    return {"accuracy": float(np.mean(scores)), "deviation": spread, "draws": scores}


def chosen(labels: np.ndarray, each: int, draw: int) -> np.ndarray:
    """Rows of `each` samples of every class, or all of a class that has fewer."""
    chance = np.random.default_rng(draw)
    rows = [chance.permutation(np.flatnonzero(labels == c))[:each] for c in np.unique(labels)]
    return np.concatenate(rows)
