"""Colours apart from lightness: CIE Lab, and its colours as a finite set of answers."""

from __future__ import annotations

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from unlabeled.errors import DataError
from unlabeled.views.dice import Samples
from unlabeled.views.images import floats

FAINT = 5.0  # an a or b up to this is no colour
RANGE = 110.0  # about the largest a or b of sRGB
STEP = 10  # side of a colour bin, in units of a and b
SIGMA = 5.0  # of the Gaussian that spreads a colour over its nearest bins
NEAREST = 5  # bins that a colour is spread over
REACH = 12  # bins from grey to the edge of the plane of colours
LOOKED_AT = 1000  # images that say how common colours are
PRIMARIES = (  # linear sRGB to CIE XYZ: IEC 61966-2-1
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
BACK = (  # its inverse
    (3.2404542, -1.5371385, -0.4985314),
    (-0.9692660, 1.8760108, 0.0415560),
    (0.0556434, -0.2040259, 1.0572252),
)
WHITE = tuple(map(sum, PRIMARIES))  # D65; by this, grey has no colour at all
BEND = 6 / 29  # where Lab's cube root turns into a line


def to_lab(rgb: Tensor) -> Tensor:
    """SRGB `(b, 3, h, w)` in [0, 1] to CIE Lab: L in [0, 100], a and b about [-110, 110].

    Source: IEC 61966-2-1 and CIE 15, with the white point of D65.
    """
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055).clamp(min=0) ** 2.4)
    x, y, z = (v / w for v, w in zip(_mixed(linear, PRIMARIES), WHITE, strict=True))
    x, y, z = (
        torch.where(v > BEND**3, v.clamp(min=1e-9) ** (1 / 3), v / (3 * BEND**2) + 4 / 29)
        for v in (x, y, z)
    )
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def to_rgb(lab: Tensor) -> Tensor:
    """CIE Lab `(b, 3, h, w)` to sRGB in [0, 1]; colours that sRGB lacks are clipped."""
    level, a, b = lab.unbind(1)
    y = (level + 16) / 116
    xyz = [
        torch.where(f > BEND, f**3, 3 * BEND**2 * (f - 4 / 29)) * white
        for f, white in zip((y + a / 500, y, y - b / 200), WHITE, strict=True)
    ]
    linear = torch.stack(_mixed(torch.stack(xyz, 1), BACK), 1).clamp(0, 1)
    return torch.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * linear.clamp(min=1e-9) ** (1 / 2.4) - 0.055
    )


def _mixed(x: Tensor, rows: tuple[tuple[float, ...], ...]) -> list[Tensor]:
    """Three mixtures of three channels, in full precision even where products are halved."""
    one, two, three = x.unbind(1)
    return [a * one + b * two + c * three for a, b, c in rows]


def grey(lab: Tensor) -> Tensor:
    """The grey image `(b, 3, h, w)` in [0, 1] as light as a coloured one, in three channels."""
    return to_rgb(torch.cat([lab[:, :1], torch.zeros_like(lab[:, 1:])], 1))


def pixels(maps: Tensor) -> Tensor:
    """The places of maps `(b, c, h, w)`, row by row: `(b * h * w, c)`."""
    return maps.permute(0, 2, 3, 1).flatten(0, 2)


def coarse(x: Tensor, side: int) -> Tensor:
    """The mean of each part of `(b, c, h, w)`, row by row: `(b * side * side, c)`."""
    return pixels(F.interpolate(x, (side, side), mode="area"))


def coloured(parts: Tensor, images: int) -> Tensor:
    """Which images `(b,)` bool have any colour, from their parts' a and b `(b * k, 2)`.

    Source: the code of Zhang, Isola & Efros 2016, which does not count images without.
    """
    return (parts.abs() > FAINT).view(images, -1).any(1)


def spread(parts: Tensor, like: Tensor) -> Tensor:
    """Undo `coarse`, smoothly: `(b * side * side, c)` to `(b, c, h, w)`, as large as `like`."""
    side = math.isqrt(len(parts) // len(like))
    small = parts.view(len(like), side, side, -1).permute(0, 3, 1, 2)
    return F.interpolate(small, like.shape[2:], mode="bilinear", align_corners=False)


@cache
def bins() -> Tensor:
    """The colours of sRGB on a grid of 10 by 10 units of a and b: `(261, 2)` centres.

    Every line of equal colour through the gamut leaves it through its surface, so the surface's
    shadow on the plane of colours is the shadow of all of it.
    """
    scale = torch.linspace(0, 1, 256, dtype=torch.float64)
    u, v = (x.flatten() for x in torch.meshgrid(scale, scale, indexing="ij"))
    faces = [
        torch.stack([u, v, torch.full_like(u, end)], 1).roll(axis, 1)
        for axis in range(3)
        for end in (0.0, 1.0)
    ]
    ab = to_lab(torch.cat(faces)[..., None, None])[:, 1:, 0, 0]
    return (ab / STEP).round().unique(dim=0).float() * STEP


@cache
def _nearby() -> Tensor:
    """The bins around each cell of the plane of colours, in gamut or not: `(25 * 25, 25)`."""
    side = torch.arange(-REACH, REACH + 1.0) * STEP
    return torch.cdist(torch.cartesian_prod(side, side), bins()).argsort(dim=1, stable=True)[:, :25]


def soft_code(ab: Tensor) -> Tensor:
    """Colours as shares of their five nearest bins, by a Gaussian of sigma 5.

    Args:
        ab: `(n, 2)`.

    Returns:
        `(n, 261)` rows that sum to 1.

    Source: Zhang, Isola & Efros 2016, section 2.1.
    """
    cell = (ab / STEP).round().clamp(-REACH, REACH).long() + REACH
    nearby = _nearby().to(ab.device)[cell[:, 0] * (2 * REACH + 1) + cell[:, 1]]  # (n, 25)
    away = (ab[:, None] - bins().to(ab)[nearby]).square().sum(2)
    away, order = away.topk(NEAREST, largest=False)
    share = (-away / (2 * SIGMA**2)).softmax(1)
    return ab.new_zeros(len(ab), len(bins())).scatter(1, nearby.gather(1, order), share)


def shares(images: Samples, side: int) -> Tensor:
    """How common each bin is among the parts of uint8 images `(n, 3, h, w)`: `(261,)`.

    A thousand of them, evenly spread, are looked at; those without any colour are passed over, so
    all are 0 where there is none.
    """
    total = torch.zeros(len(bins()))
    for few in images[:: -(-len(images) // LOOKED_AT)].split(64):
        ab = coarse(to_lab(floats(few))[:, 1:], side)
        counts = coloured(ab, len(few)).repeat_interleave(side**2)
        total += soft_code(ab[counts]).sum(0)
    return total


def annealed_mean(scores: Tensor, temperature: float = 0.38) -> Tensor:
    """One colour `(n, 2)` from scores `(n, 261)`: between their mode and, at 1, their mean.

    Source: Zhang, Isola & Efros 2016, eq. 5: the mean of f_T(z) = z^(1/T) / sum z^(1/T).
    """
    return (scores / temperature).softmax(1) @ bins().to(scores)


def rebalanced(share: Tensor, mix: float) -> Tensor:
    """How much a pixel counts, by its bin: rare colours more, so that grey does not win.

    Args:
        share: `(261,)` how often each bin occurs in the data.
        mix: Lambda in [0, 1]: 1 counts all alike, 0 by the inverse of the (smoothed) share.

    Returns:
        `(261,)` weights whose mean over the smoothed data is 1.

    Raises:
        DataError: Where no image has any colour.

    Source: Zhang, Isola & Efros 2016, eq. 4.
    """
    if not share.any():
        raise DataError(
            "images in colour are needed, and none of these has any",
            hint="inpainting, super-resolution and split-brain take grey images too",
        )
    near = (-torch.cdist(bins(), bins()).square() / (2 * SIGMA**2)).exp().to(share)
    share = (near / near.sum(0)) @ (share / share.sum())
    weight = 1 / ((1 - mix) * share + mix / len(share))
    return weight / (share * weight).sum()
