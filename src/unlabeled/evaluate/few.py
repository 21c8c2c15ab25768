"""A handful of labels: what pretraining is for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unlabeled.evaluate.linear import STRENGTHS, Labelled, accuracy, folds, linear
from unlabeled.evaluate.logistic import MEMORY, Problem, Scale, fit

DRAWS = 5
FOLDS = 5
SMALL = 20  # labels a class, on average, up to which every label helps to choose the penalty
WEAKEST = 1e-3  # penalty of so few labels: any weaker draws the same line between them
ALONE = (1e-2,)  # the penalty where a class has one label, and nothing to choose it on
NUMBERS = 2**26  # that the fits of several draws may hold at a time: 256 MiB


def few(
    train: Labelled,
    test: Labelled,
    *,
    classes: int,
    labels: int | float,
    draws: int = DRAWS,
    groups: np.ndarray | None = None,
    device: str | torch.device = "cpu",
) -> dict[str, Any]:
    """Linear accuracy with few labels, over several draws of which ones.

    The penalty is chosen with the drawn labels alone: by cross-validation where they are few.

    Args:
        train: Features and labels to draw from.
        test: The same, to score.
        classes: How many there are.
        labels: Labels a class, or a share of each class in (0, 1).
        draws: How many times they are drawn; draw i is the same for every encoder.
        groups: `(n,)`, which training samples belong together: none is on both sides where the
            penalty is chosen.
        device: Where to compute.

    Returns:
        "accuracy", the mean over the draws, their standard "deviation", both in percent, and the
        "draws" themselves.
    """
    drawn = [chosen(train[1], labels, draw) for draw in range(draws)]
    own = [None if groups is None else groups[rows] for rows in drawn]
    least = min(fewest(train[1][rows], who) for rows, who in zip(drawn, own, strict=True))
    strengths = STRENGTHS if least > 1 else ALONE
    n, d = len(drawn[0]), train[0].shape[1]
    fits = FOLDS * sum(l2 >= WEAKEST for l2 in strengths) if least > 1 else 1
    held = fits * classes * (n + 2 * MEMORY * min(n, d))  # scores, and what L-BFGS remembers
    if n <= SMALL * classes and held <= NUMBERS:
        wide = NUMBERS // held
        dealt = [
            folds(train[1][rows], min(FOLDS, least), seed=0, groups=who)
            for rows, who in zip(drawn, own, strict=True)
        ]
        some = [slice(i, i + wide) for i in range(0, draws, wide)]
        each = [_together(train, test, np.stack(drawn[s]), dealt[s], classes, device) for s in some]
        scores = [score for group in each for score in group]
    else:  # a few large fits, each started where the last ended, are less work than all at once
        given: dict[str, Any] = {"classes": classes, "strengths": strengths, "device": device}
        found = [
            linear((train[0][rows], train[1][rows]), test, seed=draw, groups=who, **given)
            for draw, (rows, who) in enumerate(zip(drawn, own, strict=True))
        ]
        scores = [score["accuracy"] for score in found]
    return over(scores)


def over(draws: list[float], what: str = "accuracy") -> dict[str, Any]:
    """The mean over the draws, named by `what`, their sample "deviation", and the "draws"."""
    spread = float(np.std(draws, ddof=1)) if len(draws) > 1 else 0.0
    return {what: float(np.mean(draws)), "deviation": spread, "draws": draws}


def fewest(labels: np.ndarray, groups: np.ndarray | None = None) -> int:
    """How many samples, or groups of samples, the class has that has the fewest."""
    if groups is not None:
        labels = np.unique(np.stack([labels, groups]), axis=1)[0]
    return int(np.unique(labels, return_counts=True)[1].min())


def chosen(labels: np.ndarray, each: int | float, draw: int) -> np.ndarray:
    """Rows of `each` samples of every class, or of that share of it; at least one, at most all."""
    chance = np.random.default_rng(draw)
    rows = [chance.permutation(np.flatnonzero(labels == c)) for c in np.unique(labels)]
    many = lambda n: max(1, round(each * n)) if isinstance(each, float) else each
    return np.concatenate([part[: many(len(part))] for part in rows])


def _together(
    train: Labelled,
    test: Labelled,
    drawn: np.ndarray,
    dealt: Sequence[Sequence[np.ndarray]],
    classes: int,
    device: str | torch.device,
) -> list[float]:
    """The accuracy of each draw `(g, n)`; penalties, folds and draws are fitted in one go."""
    xs, ys = (torch.as_tensor(part, device=device) for part in test)
    x, y = (torch.as_tensor(part[drawn], device=device) for part in train)
    scale = Scale.of(x)
    x, span = scale(x), None
    if x.shape[1] < x.shape[2]:  # the weights lie in the span of the samples
        span, _ = torch.linalg.qr(x.mT)
        x = x @ span
    weight = _fitted(x, y, classes, dealt)
    slope = weight[..., :-1] if span is None else weight[..., :-1] @ span.mT
    scores = []
    for i in range(len(drawn)):
        scaled = (xs - scale.mean[i]) / scale.deviation[i]
        scores.append(accuracy(torch.cat([slope[i], weight[i, :, -1:]], 1), scaled, ys))
    return scores


def _fitted(
    x: Tensor,
    y: Tensor,
    classes: int,
    parts: Sequence[Sequence[np.ndarray]],
) -> Tensor:
    """`(g, c, d + 1)`: the weights of each draw with the penalty that its folds choose."""
    if len(parts[0]) == 1:
        return fit(Problem.of(x, y, classes), ALONE[0])[:, 0]
    l2 = x.new_tensor([l2 for l2 in STRENGTHS if l2 >= WEAKEST])
    (g, n, _), s = x.shape, len(l2)
    held = torch.zeros(g, len(parts[0]), n, dtype=torch.bool)
    for i, folded in enumerate(parts):
        for j, rows in enumerate(folded):
            held[i, j, torch.from_numpy(rows)] = True
    held = held.to(x.device)
    share = (~held).to(x) / (~held).sum(2, keepdim=True)
    # all penalties of the first fold, then all of the next
    problem = Problem.of(x, y, classes, share.repeat_interleave(s, 1))
    weight = fit(problem, l2.repeat(held.shape[1]), tolerance=1e-3)
    right = (problem.scores(weight).argmax(2) == y[:, None]).view(g, -1, s, n)
    kept = (right & held[:, :, None]).sum((1, 3)).tolist()  # each label is held out once
    best = torch.tensor([_best(found) for found in kept], device=x.device)
    start = weight[torch.arange(g, device=x.device), best][:, None]
    return fit(Problem.of(x, y, classes), l2[best][:, None], start)[:, 0]


def _best(right: Sequence[int]) -> int:
    """Which penalty, strong to weak, has the most right before the first that has fewer."""
    best = 0
    for i in range(1, len(right)):
        if right[i] < right[i - 1]:
            break
        best = i if right[i] > right[best] else best
    return best
