"""The linear probe: multinomial logistic regression on frozen features, to its optimum.

The problem is convex, so there is one answer and no learning rate to choose. Full-batch L-BFGS
finds it; told the curvature of the features, it needs few steps however correlated they are. The
strength of the L2 penalty is chosen on a part of the training labels, never on the test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

STRENGTHS = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5)  # of the penalty, strong to weak
HELD = 0.1  # share of the training samples that choose among them
MEMORY = 10  # steps that L-BFGS remembers
SAMPLE = 8192  # rows from which the curvature is estimated

Labelled: TypeAlias = tuple[np.ndarray, np.ndarray]
"""Features `(n, d)` float32 and labels `(n,)` int64."""


@dataclass(frozen=True)
class Scale:
    """Each feature to mean 0 and deviation 1 over the samples it was made from.

    Attributes:
        mean: `(d,)`.
        deviation: `(d,)`; infinite for features that never vary, which become zero.
    """

    mean: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, x: Tensor) -> Scale:
        """The scale of `(n, d)` samples."""
        variance, mean = torch.var_mean(x, dim=0, correction=0)
        flat = variance <= 1e-12 * mean.square().clamp(min=1e-30)
        return cls(mean, torch.where(flat, torch.inf, variance.sqrt()))

    def __call__(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.deviation


@dataclass(frozen=True)
class Problem:
    """Which class each sample has, to be told from its features.

    Attributes:
        x: `(n, d)` float32, standardised.
        y: `(n,)` int64.
        classes: How many.
        axes: `(d, d)`, the features' principal axes in its columns.
        curvature: `(d,)`, the mean square along each.
    """

    x: Tensor
    y: Tensor
    classes: int
    axes: Tensor
    curvature: Tensor

    @classmethod
    def of(cls, x: Tensor, y: Tensor, classes: int) -> Problem:
        """Pose the problem; every few rows of many tell the curvature well enough."""
        some = x[:: max(1, len(x) // SAMPLE)]
        curvature, axes = torch.linalg.eigh(some.T @ some / len(some))
        return cls(x, y, classes, axes, curvature.clamp(min=0))

    def at(self, rows: Tensor) -> Problem:
        """The same problem on fewer samples."""
        return Problem(self.x[rows], self.y[rows], self.classes, self.axes, self.curvature)


def objective(problem: Problem, l2: float, weight: Tensor) -> tuple[float, Tensor]:
    """Mean cross-entropy plus l2 / 2 times the squared weights, and its gradient.

    Args:
        problem: n samples of d features and c classes.
        l2: Strength of the penalty; scikit-learn's C is 1 / (n l2).
        weight: `(c, d + 1)`; the last column, the bias, is not penalised.
    """
    x, y = problem.x, problem.y
    # classes by samples, as this way round the thin products are twice as fast
    log = F.log_softmax(torch.addmm(weight[:, -1:], weight[:, :-1], x.T), 0)
    loss = -log.gather(0, y[None]).double().mean()
    loss = loss + l2 / 2 * weight[:, :-1].double().square().sum()
    error = log.exp_().scatter_add_(0, y[None], log.new_full((1, len(y)), -1.0)).div_(len(y))
    slope = torch.cat([error @ x + l2 * weight[:, :-1], error.sum(1, keepdim=True)], 1)
    return float(loss), slope


def fit(
    problem: Problem,
    l2: float,
    start: Tensor | None = None,
    *,
    tolerance: float = 1e-4,
    steps: int = 500,
) -> Tensor:
    """The optimum, `(c, d + 1)`, by L-BFGS told the curvature of the features.

    Args:
        problem: What to fit.
        l2: Strength of the penalty.
        start: Where to begin; zero if None.
        tolerance: It ends where five steps lower the loss by less than this share of it.
        steps: Most steps.

    Source: Nocedal & Wright 2006, algorithm 7.4. The first Hessian is the features' covariance
    times the p (1 - p) / 2 of equal classes, of the size of Böhning's bound (1992,
    https://doi.org/10.1007/BF00048682).
    """
    x, c = problem.x, problem.classes
    at = x.new_zeros(c, x.shape[1] + 1) if start is None else start
    bend = problem.curvature / (2 * c) + l2 + 1e-6
    value, slope = objective(problem, l2, at)
    pairs: list[tuple[Tensor, Tensor, float]] = []
    losses = [value]
    for _ in range(steps):
        direction = -_newton(slope, pairs, problem.axes, bend)
        found = _search(problem, l2, at, value, slope, direction)
        if found is None:  # as low as float32 can tell
            break
        new, value, rise = found
        step, change = new - at, rise - slope
        bent = float((step * change).double().sum())
        if bent > 1e-12:
            pairs = [*pairs[1 - MEMORY :], (step, change, bent)]
        at, slope = new, rise
        losses.append(value)
        if len(losses) > 5 and losses[-6] - value < tolerance * value:
            break
    return at


def _newton(
    slope: Tensor, pairs: list[tuple[Tensor, Tensor, float]], axes: Tensor, bend: Tensor
) -> Tensor:
    """The inverse Hessian, as past steps tell it, times the slope: the two-loop recursion."""
    q, shares = slope.clone(), []
    for step, change, bent in reversed(pairs):
        shares.append(float((step * q).sum()) / bent)
        q.add_(change, alpha=-shares[-1])
    q[:, :-1] = (q[:, :-1] @ axes / bend) @ axes.T
    q[:, -1] *= 2 * len(q)
    for (step, change, bent), share in zip(pairs, reversed(shares), strict=True):
        q.add_(step, alpha=share - float((change * q).sum()) / bent)
    return q


def _search(
    problem: Problem, l2: float, at: Tensor, value: float, slope: Tensor, direction: Tensor
) -> tuple[Tensor, float, Tensor] | None:
    """Halve the step until the loss falls enough (Armijo); None where it does not fall."""
    fall = float((slope * direction).double().sum())
    for halvings in range(12):
        size = 0.5**halvings
        new = at + size * direction
        reached, rise = objective(problem, l2, new)
        if reached <= value + 1e-4 * size * fall:
            return new, reached, rise
    return None


def choose_strength(
    problem: Problem,
    splits: Sequence[tuple[Tensor, Tensor]],
    strengths: Sequence[float] = STRENGTHS,
) -> tuple[float, Tensor]:
    """The strength with the most right on held-out parts of the training samples.

    From strong to weak, each started where the last ended; it stops where one is worse than the
    last, and ties go to the stronger.

    Args:
        problem: The training samples.
        splits: (rows to fit, rows to score), one for each round.
        strengths: To choose from, strong to weak.

    Returns:
        The strength, and the weights it gave in the first round.
    """
    parts = [(problem.at(fitted), problem.at(held)) for fitted, held in splits]
    starts: list[Any] = [None] * len(parts)
    best, most, last = (strengths[0], problem.x), -1.0, -1.0
    for l2 in strengths:
        right = []
        for i, (fitted, held) in enumerate(parts):
            starts[i] = weight = fit(fitted, l2, starts[i], tolerance=1e-3)
            right.append(accuracy(weight, held.x, held.y))
        now = float(np.mean(right))
        if now > most:
            best, most = (l2, starts[0]), now
        if now < last:
            break
        last = now
    return best


def accuracy(weight: Tensor, x: Tensor, y: Tensor) -> float:
    """Percent of samples that the weights name right."""
    guess = torch.addmm(weight[:, -1], x, weight[:, :-1].T).argmax(1)
    return 100 * float((guess == y).double().mean())


def folds(labels: np.ndarray, parts: int, seed: int) -> list[np.ndarray]:
    """Deal the samples of every class evenly into parts: the rows of each part."""
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
    rounds: int = 1,
    parts: int = round(1 / HELD),
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> dict[str, Any]:
    """Accuracy of the best linear classifier on frozen, standardised features.

    Args:
        train: Features and labels to fit.
        test: The same, to score.
        classes: How many there are.
        rounds: Times that another part of the training samples chooses the penalty.
        parts: How many parts they are dealt into, the same mix of classes in each.
        strengths: Penalties to choose from, strong to weak.
        seed: Of the deal.
        device: Where to compute.

    Returns:
        "accuracy" in percent on the test samples, and the "l2" chosen.
    """
    x, y = (torch.as_tensor(part, device=device) for part in train)
    xs, ys = (torch.as_tensor(part, device=device) for part in test)
    scale = Scale.of(x)
    x, xs = scale(x), scale(xs)
    if len(x) < x.shape[1]:  # the weights lie in the span of the samples: less to turn over
        span, _ = torch.linalg.qr(x.T)
        x, xs = x @ span, xs @ span
    problem = Problem.of(x, y, classes)
    splits = []
    for held in folds(train[1], parts, seed)[:rounds]:
        rest = np.setdiff1d(np.arange(len(y)), held)
        splits.append((torch.from_numpy(rest).to(device), torch.from_numpy(held).to(device)))
    l2, start = strengths[0], None
    if len(strengths) > 1:
        l2, start = choose_strength(problem, splits, strengths)
    weight = fit(problem, l2, start)
    return {"accuracy": accuracy(weight, xs, ys), "l2": l2}
