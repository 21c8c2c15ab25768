"""Multinomial logistic regression to its optimum, many problems at once.

The problem is convex, so there is one answer and no learning rate to choose. Full-batch L-BFGS
finds it; told the curvature of the features, it needs few steps however correlated they are.
Problems that share samples (other penalties, other folds) or only their number (other draws) are
solved together, so that hundreds of small ones cost as many steps as the slowest of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

MEMORY = 10  # steps that L-BFGS remembers
SAMPLE = 8192  # rows from which the curvature is estimated


@dataclass(frozen=True)
class Scale:
    """Each feature to mean 0 and deviation 1 over the samples it was made from.

    Attributes:
        mean: `(..., 1, d)`.
        deviation: `(..., 1, d)`; infinite for features that never vary, which become zero.
    """

    mean: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, x: Tensor) -> Scale:
        """The scale of `(..., n, d)` samples."""
        variance, mean = torch.var_mean(x, dim=-2, correction=0, keepdim=True)
        flat = variance <= 1e-12 * mean.square().clamp(min=1e-30)
        return cls(mean, torch.where(flat, torch.inf, variance.sqrt()))

    def __call__(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.deviation


@dataclass(frozen=True)
class Problem:
    """Which class each sample has, to be told from its features; g times over.

    Attributes:
        x: `(g, n, d)` float32, standardised.
        y: `(g, n)` int64.
        classes: How many.
        axes: `(g, d, d)`, the features' principal axes in its columns.
        curvature: `(g, d)`, the mean square along each.
        share: `(g, s, n)`, what each sample counts in each of the s fits of its group, in all 1;
            1 / n where it is None.
    """

    x: Tensor
    y: Tensor
    classes: int
    axes: Tensor
    curvature: Tensor
    share: Tensor | None = None

    @classmethod
    def of(cls, x: Tensor, y: Tensor, classes: int, share: Tensor | None = None) -> Problem:
        """Pose it for `(g, n, d)`, or one for `(n, d)`; every few rows tell the curvature."""
        x, y = (x, y) if x.ndim == 3 else (x[None], y[None])
        some = x[:, :: max(1, x.shape[1] // SAMPLE)]
        curvature, axes = torch.linalg.eigh(_product(some.mT, some) / some.shape[1])
        return cls(x, y, classes, axes, curvature.clamp(min=0), share)

    def at(self, rows: Tensor) -> Problem:
        """The same problem on fewer samples."""
        return Problem(self.x[:, rows], self.y[:, rows], self.classes, self.axes, self.curvature)

    def scores(self, weight: Tensor) -> Tensor:
        """`(g, s, c, n)`: what `(g, s, c, d + 1)` weights say of each sample, unsquashed."""
        # classes by samples, as this way round the thin products are twice as fast
        flat = weight.flatten(1, 2)
        return (_product(flat[..., :-1], self.x.mT) + flat[..., -1:]).view(*weight.shape[:3], -1)


def objective(problem: Problem, l2: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy plus l2 / 2 times the squared weights, and its gradient.

    Args:
        problem: g groups of n samples of d features and c classes.
        l2: `(s,)` or `(g, s)`, strengths of the penalty; scikit-learn's C is 1 / (n l2).
        weight: `(g, s, c, d + 1)`; the last column, the bias, is not penalised.

    Returns:
        `(g, s)` float64, and as `weight`.
    """
    n = problem.x.shape[1]
    log = F.log_softmax(problem.scores(weight), 2)
    truth = problem.y[:, None, None].expand(-1, log.shape[1], 1, n)
    share = 1 / n if problem.share is None else problem.share[:, :, None]
    loss = -(log.gather(2, truth).double() * share).sum((2, 3))
    loss = loss + l2 / 2 * weight[..., :-1].double().square().sum((2, 3))
    error = log.exp_().scatter_add_(2, truth, log.new_full((1,), -1.0).expand(truth.shape))
    error = error.mul_(share)
    slope = torch.cat(
        [
            _product(error.flatten(1, 2), problem.x).view(*weight.shape[:3], -1)
            + l2[..., None, None] * weight[..., :-1],
            error.sum(3, keepdim=True),
        ],
        3,
    )
    return loss, slope


def fit(
    problem: Problem,
    l2: float | Tensor,
    start: Tensor | None = None,
    *,
    tolerance: float = 1e-4,
    steps: int = 500,
) -> Tensor:
    """The optima, `(g, s, c, d + 1)`, by L-BFGS told the curvature of the features.

    Args:
        problem: What to fit.
        l2: Strength of the penalty; `(s,)` or `(g, s)` of several.
        start: Where to begin; zero if None.
        tolerance: A fit ends where five steps lower its loss by less than this share of it.
        steps: Most steps.

    Source: Nocedal & Wright 2006, algorithm 7.4. The first Hessian is the features' covariance
    times the p (1 - p) / 2 of equal classes, of the size of Böhning's bound (1992,
    https://doi.org/10.1007/BF00048682).
    """
    (g, _, d), c = problem.x.shape, problem.classes
    l2 = torch.as_tensor(l2, dtype=problem.x.dtype, device=problem.x.device)
    l2 = l2.expand(g, -1) if l2.ndim else l2.expand(g, 1)
    at = problem.x.new_zeros(g, l2.shape[1], c, d + 1) if start is None else start
    bend = problem.curvature[:, None, None] / (2 * c) + l2[..., None, None] + 1e-6
    value, slope = objective(problem, l2, at)
    live = torch.ones_like(value, dtype=torch.bool)
    pairs: list[tuple[Tensor, Tensor, Tensor]] = []
    losses = [value]
    for _ in range(steps):
        direction = -_newton(slope, pairs, problem.axes, bend)
        new, value, rise, live = _search(problem, l2, at, value, slope, direction, live)
        step, change = new - at, rise - slope
        bent = _dot(step, change)
        pairs = [*pairs[1 - MEMORY :], (step, change, torch.where(bent > 1e-12, 1 / bent, 0.0))]
        at, slope = new, rise
        losses = [*losses[-5:], value]
        if len(losses) > 5:
            live = live & (losses[0] - value >= tolerance * value)
        if not live.any():
            break
    return at


def _newton(
    slope: Tensor, pairs: list[tuple[Tensor, Tensor, Tensor]], axes: Tensor, bend: Tensor
) -> Tensor:
    """The inverse Hessians, as past steps tell them, times the slopes: the two-loop recursion."""
    q, shares = slope.clone(), []
    for step, change, unbent in reversed(pairs):
        shares.append(_dot(step, q) * unbent)
        q.addcmul_(change, shares[-1][..., None, None].to(q), value=-1)
    turned = _product(q[..., :-1].flatten(1, 2), axes).view_as(q[..., :-1]) / bend
    q[..., :-1] = _product(turned.flatten(1, 2), axes.mT).view_as(turned)
    q[..., -1] *= 2 * q.shape[2]
    for (step, change, unbent), share in zip(pairs, reversed(shares), strict=True):
        q.addcmul_(step, (share - _dot(change, q) * unbent)[..., None, None].to(q))
    return q


def _search(
    problem: Problem,
    l2: Tensor,
    at: Tensor,
    value: Tensor,
    slope: Tensor,
    direction: Tensor,
    live: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Halve each step until its loss falls enough (Armijo); who finds none stays and is done."""
    fall, size, enough = _dot(slope, direction), live.double(), ~live
    new, reached, rise = at, value, slope
    for _ in range(12):
        new = at + size[..., None, None].to(at) * direction
        reached, rise = objective(problem, l2, new)
        enough = (reached <= value + 1e-4 * size * fall) | ~live
        if enough.all():
            break
        size = torch.where(enough, size, size / 2)
    moved = (enough & live)[..., None, None]  # nobody else: as low as float32 can tell
    new, rise = torch.where(moved, new, at), torch.where(moved, rise, slope)
    return new, torch.where(enough & live, reached, value), rise, enough & live


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """`(g, s)` float64 products of weights."""
    return (a * b).sum((2, 3), dtype=torch.float64)


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Products of `(g, ...)` matrices; a single one by the faster plain routine."""
    return (a[0] @ b[0])[None] if len(a) == len(b) == 1 else a @ b
