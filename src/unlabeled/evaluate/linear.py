"""The linear probe: multinomial logistic regression on frozen features, to its optimum.

The problem is convex, so there is one answer and no learning rate to choose. Full-batch L-BFGS
finds it; started from the curvature of the features it needs few steps, however correlated they
are. The strength of the L2 penalty is chosen on a part of the training labels, never on the test.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

STRENGTHS = tuple(10.0 ** (-half / 2) for half in range(13))  # of the penalty, strong to weak
HELD = 0.1  # share of the training samples that choose among them
MEMORY = 10  # steps that L-BFGS remembers
SAMPLE = 20_000  # rows from which the curvature is estimated
Folds = Sequence[tuple[Tensor, Tensor]]


@dataclass
class Problem:
    """Standardised features along their principal axes, and what is to be told from them.

    Attributes:
        x: `(n, d)` float32.
        y: `(n,)` int64.
        classes: How many.
        curvature: `(d,)` mean square of each axis.
    """

    x: Tensor
    y: Tensor
    classes: int
    curvature: Tensor

    def at(self, rows: Tensor) -> Problem:
        """The same problem on fewer samples."""
        return Problem(self.x[rows], self.y[rows], self.classes, self.curvature)


@dataclass(frozen=True)
class Axes:
    """How features become a problem's: `(x - mean) / scale`, turned to the principal axes."""

    mean: Tensor
    scale: Tensor
    turn: Tensor

    def __call__(self, features: np.ndarray | Tensor) -> Tensor:
        """(n, d) to (n, d); dimensions that never vary become zero."""
        x = torch.as_tensor(features, dtype=torch.float32, device=self.mean.device)
        return ((x - self.mean) / self.scale) @ self.turn


def pose(
    features: np.ndarray | Tensor, labels: np.ndarray | Tensor, classes: int, device: str = "cpu"
) -> tuple[Problem, Axes]:
    """Standardise the features of the training samples and turn them to their principal axes.

    A turn changes neither the penalty nor the answer: it makes the curvature a diagonal.
    """
    x = torch.as_tensor(features, dtype=torch.float32, device=device)
    y = torch.as_tensor(labels, dtype=torch.long, device=device)
    variance, mean = torch.var_mean(x, dim=0, correction=0)
    flat = variance <= 1e-12 * (mean.square() + variance).clamp(min=1e-30)
    scale = torch.where(flat, torch.inf, variance.sqrt())
    some = (x[:: -(-len(x) // SAMPLE)] - mean) / scale
    curvature, turn = torch.linalg.eigh((some.T @ some / len(some)).double())
    axes = Axes(mean, scale, turn.float())
    return Problem(axes(x), y, classes, curvature.clamp(min=0).float()), axes


def objective(problem: Problem, l2: float, weight: Tensor) -> tuple[float, Tensor]:
    """Mean cross-entropy plus l2 / 2 times the squared weights, and its gradient.

    Args:
        problem: n samples of d features and c classes.
        l2: Strength of the penalty; scikit-learn's C is 1 / (n l2).
        weight: `(d + 1, c)`; the last row, the bias, is not penalised.
    """
    scores = torch.addmm(weight[-1], problem.x, weight[:-1])
    log = F.log_softmax(scores, 1)
    loss = -log.gather(1, problem.y[:, None]).double().mean()
    loss = loss + l2 / 2 * weight[:-1].double().square().sum()
    error = log.exp_().scatter_add_(1, problem.y[:, None], log.new_full((len(log), 1), -1.0))
    error /= len(error)
    slope = torch.cat([(problem.x.T @ error).add_(weight[:-1], alpha=l2), error.sum(0)[None]])
    return float(loss), slope


def fit(
    problem: Problem,
    l2: float,
    start: Tensor | None = None,
    *,
    tolerance: float = 1e-5,
    steps: int = 500,
) -> Tensor:
    """The optimum, `(d + 1, c)`, by L-BFGS started from the features' curvature.

    Args:
        problem: What to fit.
        l2: Strength of the penalty.
        start: Where to begin; zero if None.
        tolerance: Largest entry of the gradient at the end.
        steps: Most steps.

    Source: Nocedal & Wright 2006, algorithm 7.4; the curvature bound p (1 - p) <= 1/4 of Böhning
    1992, https://doi.org/10.1007/BF00048682.
    """
    d = problem.x.shape[1]
    at = problem.x.new_zeros(d + 1, problem.classes) if start is None else start
    bound = problem.curvature.new_ones(d + 1)
    bound[:-1] = problem.curvature
    bound = bound / (2 * problem.classes) + 1e-6  # p (1 - p) of equal classes, about
    bound[:-1] += l2
    pairs: list[tuple[Tensor, Tensor, float]] = []
    value, slope = objective(problem, l2, at)
    for _ in range(steps):
        if float(slope.abs().max()) < tolerance:
            break
        direction = -_newton(slope, pairs, lambda g: g / bound[:, None])
        moved = _search(problem, l2, at, value, slope, direction)
        if moved is None:  # the loss cannot be told from its minimum in float32
            break
        new, value, rise = moved
        step, change = new - at, rise - slope
        bent = float((step * change).double().sum())
        if bent > 1e-12:
            pairs = [*pairs[1 - MEMORY :], (step, change, bent)]
        at, slope = new, rise
    return at


def _newton(
    slope: Tensor, pairs: list[tuple[Tensor, Tensor, float]], first: Callable[[Tensor], Tensor]
) -> Tensor:
    """The inverse Hessian, as past steps tell it, times the slope: the two-loop recursion."""
    q, shares = slope.clone(), []
    for step, change, bent in reversed(pairs):
        shares.append(float((step * q).sum()) / bent)
        q.add_(change, alpha=-shares[-1])
    q = first(q)
    for (step, change, bent), share in zip(pairs, reversed(shares), strict=True):
        q.add_(step, alpha=share - float((change * q).sum()) / bent)
    return q


def _search(
    problem: Problem, l2: float, at: Tensor, value: float, slope: Tensor, direction: Tensor
) -> tuple[Tensor, float, Tensor] | None:
    """Halve the step until the loss falls enough (Armijo); None where it does not fall."""
    fall = float((slope * direction).double().sum())
    size = 1.0
    for _ in range(12):
        new = at + size * direction
        reached, rise = objective(problem, l2, new)
        if reached <= value + 1e-4 * size * fall:
            return new, reached, rise
        size /= 2
    return None


def choose_strength(problem: Problem, folds: Folds, strengths: Sequence[float]) -> float:
    """The strength with the most right on held-out parts of the training samples.

    From strong to weak, each started where the last ended; ties go to the stronger. It stops where
    two in a row are no better.

    Args:
        problem: The training samples.
        folds: (rows to fit, rows to score) of each part.
        strengths: To choose from, strong to weak.
    """
    parts = [(problem.at(fitted), problem.at(held)) for fitted, held in folds]
    starts: list[Tensor | None] = [None] * len(parts)
    best, right, worse = strengths[0], -1.0, 0
    for l2 in strengths:
        starts = [
            fit(part, l2, start, tolerance=1e-4)
            for (part, _), start in zip(parts, starts, strict=True)
        ]
        scores = [accuracy(held, w) for (_, held), w in zip(parts, starts, strict=True) if w is not None]
        now = float(np.mean(scores))
        best, right, worse = (l2, now, 0) if now > right else (best, right, worse + 1)
        if worse == 2:
            break
    return best


def accuracy(problem: Problem, weight: Tensor) -> float:
    """Percent of a problem's samples that the weights name right."""
    guess = torch.addmm(weight[-1], problem.x, weight[:-1]).argmax(1)
    return 100 * float((guess == problem.y).float().mean())


def stratified(labels: Tensor, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Split rows in two with the same mix of classes: (the rest, `share` of each class).

    At least one sample of every class that has two is held out, and at least one stays.
    """
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(labels)))
    held = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        rows = order[(labels.cpu() == label.cpu())[order]]
        count = max(1, round(share * len(rows))) if len(rows) > 1 else 0
        held[rows[:count]] = True
    return (~held).nonzero()[:, 0].to(labels.device), held.nonzero()[:, 0].to(labels.device)


def linear(
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    *,
    classes: int,
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
    device: str = "cpu",
) -> dict[str, Any]:
    """Accuracy of the best linear classifier on frozen features.

    Args:
        train: Features `(n, d)` and labels `(n,)`.
        test: The same, to score.
        classes: How many there are.
        strengths: Penalties to choose from on a tenth of the training samples, strong to weak.
        seed: Of the choice of that tenth.
        device: Where to compute.

    Returns:
        "accuracy" in percent on the test samples, and the "l2" chosen.
    """
    problem, axes = pose(*train, classes, device)
    l2 = choose_strength(problem, [stratified(problem.y, HELD, seed)], strengths)
    weight = fit(problem, l2)
    labels = torch.as_tensor(test[1], dtype=torch.long, device=device)
    scored = Problem(axes(test[0]), labels, classes, problem.curvature)
    return {"accuracy": accuracy(scored, weight), "l2": l2}
