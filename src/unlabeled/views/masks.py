"""Holes in images: where they are, `(b, 1, size, size)` bool, and what lies around them."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from unlabeled.errors import UsageError
from unlabeled.views.dice import Dice

BLOCKS = 4  # rectangles of a blocky hole
CELLS = 8  # cells of noise along the side of an image


def centre(dice: Dice, size: int) -> Tensor:
    """The middle square, half as wide as the image."""
    inside = torch.arange(size, device=dice.key.device) - size // 4
    inside = (inside >= 0) & (inside < size // 2)
    return (inside[:, None] & inside).expand(len(dice), 1, size, size)


def blocks(dice: Dice, size: int) -> Tensor:
    """Four rectangles, with sides between an eighth and a quarter, which may overlap.

    Together they take up to a quarter of the image, as in Pathak et al. 2016, sec. 3.3; 13 % on
    average.
    """
    sides = dice.uniform(BLOCKS, 2, low=size / 8, high=size / 4).round().clamp(min=1)
    first = (dice.uniform(BLOCKS, 2) * (size + 1 - sides)).floor()
    at = torch.arange(size, device=first.device)
    inside = (at >= first[..., None]) & (at < (first + sides)[..., None])  # (b, blocks, 2, size)
    rows, columns = inside.unbind(2)
    return (rows[..., None] & columns[:, :, None]).any(1, keepdim=True)


def field(dice: Dice, size: int) -> Tensor:
    """The lowest quarter of a smooth random landscape: a hole of any shape.

    Source: the code of Pathak et al. 2016, where noise enlarged 16 times (of 128 pixels) is cut off
    at a fixed height, and maps with too small or large a hole are drawn again.
    """
    noise = dice.normal(1, CELLS, CELLS)
    height = F.interpolate(noise, (size, size), mode="bicubic", align_corners=False).flatten(1)
    rank = height.argsort(1).argsort(1)
    return (rank < size * size // 4).view(-1, 1, size, size)


def scattered(dice: Dice, squares: int, grid: int, share: float) -> Tensor:
    """Squares taken from an image by chance: `(b, grid, grid)` bool, true for a share of them.

    Args:
        dice: The samples'.
        squares: Squares along a side; no more than `grid` are told apart.
        grid: Places along a side of what is returned.
        share: How many of the squares are taken, in [0, 1]; one at least is.
    """
    squares = min(squares, grid)
    rank = dice.order(squares**2)
    taken = (rank < max(1, round(share * squares**2))).view(-1, squares, squares)
    at = torch.arange(grid, device=rank.device) * squares // grid
    return taken[:, at[:, None], at]


def rim(hole: Tensor, width: int) -> Tensor:
    """What lies around a hole, at most `width` pixels from it: of the shape of `hole`."""
    near = F.max_pool2d(hole.float(), 2 * width + 1, 1, width)
    return (near > 0) & ~hole


def shape(kind: str) -> Callable[[Dice, int], Tensor]:
    """What makes holes, of (dice, size): of a quarter of each image, or in blocks of less.

    Args:
        kind: "centre", "blocks" or "field".

    Raises:
        UsageError: For another kind.
    """
    kinds = {"centre": centre, "blocks": blocks, "field": field}
    if kind not in kinds:
        raise UsageError(f"there is no mask `{kind}`", hint=f"it is one of {', '.join(kinds)}")
    return kinds[kind]
