"""The linear probe: the best linear classifier on frozen features, for all labels.

The strength of the L2 penalty is chosen on a part of the training labels, never on the test. Where
samples belong together (patches of a photograph, scans of a patient) a part that shares groups with
the rest would choose what knows the groups by heart: then whole groups are held out, each in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from unlabeled.evaluate.logistic import Problem, Scale, fit

STRENGTHS = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5)  # of the penalty, strong to weak
HELD = 0.1  # share of the training samples that choose among them
TURNS = 5  # parts of whole groups, each held out in turn: groups are few

Labelled: TypeAlias = tuple[np.ndarray, np.ndarray]
"""Features `(n, d)` float32 and labels `(n,)` int64."""


def choose_strength(
    problem: Problem,
    splits: Sequence[tuple[Tensor, Tensor]],
    strengths: Sequence[float] = STRENGTHS,
) -> tuple[float, Tensor, float]:
    """The strength with the most right on held-out parts of the training samples.

    From strong to weak, each started where the last ended; it stops where one is worse than the
    last, and ties go to the stronger.

    Args:
        problem: The training samples.
        splits: Rows to fit and rows to score, once or several times.
        strengths: To choose from, strong to weak.

    Returns:
        The strength, the weights that it gave at first, and the share that was right.
    """
    parts = [(problem.at(fitted), problem.at(held)) for fitted, held in splits]
    weights: list[Tensor] = []
    best, last = (strengths[0], problem.x, -1.0), -1.0
    for l2 in strengths:
        starts = weights or [None] * len(parts)
        weights = [
            fit(fitted, l2, start, tolerance=1e-3)
            for (fitted, _), start in zip(parts, starts, strict=True)
        ]
        right = [
            held.scores(weight)[0, 0].argmax(0) == held.y[0]
            for (_, held), weight in zip(parts, weights, strict=True)
        ]
        now = float(torch.cat(right).double().mean())
        if now > best[2]:
            best = l2, weights[0], now
        if now < last:
            break
        last = now
    return best


def accuracy(weight: Tensor, x: Tensor, y: Tensor) -> float:
    """Percent of samples that the weights name right."""
    guess = torch.addmm(weight[:, -1], x, weight[:, :-1].T).argmax(1)
    return 100 * float((guess == y).double().mean())


def folds(
    labels: np.ndarray, parts: int, seed: int, groups: np.ndarray | None = None
) -> list[np.ndarray]:
    """Deal the samples of every class evenly into parts: the rows of each part.

    Whole groups are dealt where `(n,)` of them are given; the first sample tells a group's class.
    """
    if groups is not None:
        _, first, member = np.unique(groups, return_index=True, return_inverse=True)
        return [np.flatnonzero(np.isin(member, part)) for part in folds(labels[first], parts, seed)]
    chance = np.random.default_rng(seed)
    dealt = np.empty(len(labels), np.int64)
    dealt_so_far = 0
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        dealt[chance.permutation(rows)] = (dealt_so_far + np.arange(len(rows))) % parts
        dealt_so_far += len(rows)
    return [np.flatnonzero(dealt == part) for part in range(parts)]


def linear(
    train: Labelled,
    test: Labelled,
    *,
    classes: int,
    parts: int = round(1 / HELD),
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
    groups: np.ndarray | None = None,
    device: str | torch.device = "cpu",
) -> dict[str, Any]:
    """Accuracy of the best linear classifier on frozen, standardised features.

    Args:
        train: Features and labels to fit.
        test: The same, to score.
        classes: How many there are.
        parts: Equal parts that the training samples are dealt into, the same mix of classes in
            each; one of them chooses the penalty.
        strengths: Penalties to choose from, strong to weak.
        seed: Of the deal.
        groups: `(n,)`, which training samples belong together, as equal numbers. Whole groups are
            then dealt into five parts, and each part has its turn to choose.
        device: Where to compute.

    Returns:
        "accuracy" in percent on the test samples, the "l2" chosen, and the accuracy on what was
        "held" out to choose it: the number to choose a layer by.
    """
    x, y = (torch.as_tensor(part, device=device) for part in train)
    xs, ys = (torch.as_tensor(part, device=device) for part in test)
    scale = Scale.of(x)
    x, xs = scale(x), scale(xs)
    if len(x) < x.shape[1]:  # the weights lie in the span of the samples: less to turn over
        span, _ = torch.linalg.qr(x.T)
        x, xs = x @ span, xs @ span
    problem = Problem.of(x, y, classes)
    l2, start, held = strengths[0], None, {}
    if len(strengths) > 1:
        if groups is None:
            turns = folds(train[1], parts, seed)[:1]
        else:
            turns = folds(train[1], min(TURNS, len(np.unique(groups))), seed, groups)
        rest = [np.setdiff1d(np.arange(len(y)), out) for out in turns]
        both = zip(map(torch.from_numpy, rest), map(torch.from_numpy, turns), strict=True)
        splits = [(fitted.to(device), held.to(device)) for fitted, held in both]
        l2, start, right = choose_strength(problem, splits, strengths)
        held = {"held": 100 * right}
    weight = fit(problem, l2, start)[0, 0]
    return {"accuracy": accuracy(weight, xs, ys), "l2": l2, **held}
