"""The answers that a network must beat, and how near an answer is."""

from __future__ import annotations

import torch
from torch import Tensor


def smooth_fill(images: Tensor, hole: Tensor) -> Tensor:
    """Fill a hole by the surface through its border that has no hills of its own (Laplace).

    Args:
        images: `(b, c, h, w)`; what they have in the hole is not looked at.
        hole: `(h, w)` bool, of all images alike, away from their edges.

    Returns:
        The images, filled: each pixel of the hole is the mean of its four neighbours.
    """
    h, w = hole.shape
    place = torch.arange(h * w).view(h, w)
    mean = torch.zeros(h * w, h * w, dtype=torch.float64)
    for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
        mean[place, place.roll(step, axis)] = 0.25
    within, known = hole.flatten(), ~hole.flatten()
    inner = torch.eye(int(within.sum()), dtype=torch.float64) - mean[within][:, within]
    flat = images.double().flatten(2)
    filled = flat.clone()
    filled[..., within] = torch.linalg.solve(inner, mean[within][:, known] @ flat[..., known].mT).mT
    return filled.view_as(images).to(images)


def principal(train: Tensor, test: Tensor, width: int) -> Tensor:
    """What `width` principal components, found on `train`, keep of `test`: both `(n, d)`."""
    mean = train.double().mean(0)
    _, directions = torch.linalg.eigh((train.double() - mean).T.cov())
    kept = directions[:, -width:]
    return (mean + (test.double() - mean) @ kept @ kept.T).to(test)


def squared(made: Tensor, real: Tensor) -> float:
    """Mean squared error."""
    return float((made.double() - real.double()).square().mean())


def decibels(made: Tensor, real: Tensor) -> float:
    """Peak signal-to-noise ratio of images `(b, c, h, w)` in [0, 1], on average, in dB."""
    error = (made.double() - real.double()).square().flatten(1).mean(1)
    return float((-10 * error.clamp(min=1e-10).log10()).mean())


def gradient_energy(images: Tensor) -> float:
    """Mean squared step from a pixel of `(b, c, h, w)` to its neighbours: small where blurred."""
    x = images.double()
    return float(x.diff(dim=-1).square().mean() + x.diff(dim=-2).square().mean())
