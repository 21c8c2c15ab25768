"""Patches of images: cut from a grid with gaps and jitter, evened out, put together again.

Two patches that touch give their places away by the lines that run on from one to the other. A gap
between them and a little jitter close that shortcut; one contrast for all closes another.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from unlabeled.errors import UsageError
from unlabeled.views.dice import Batch, Dice
from unlabeled.views.images import floats, lines, weigh

MEAN, DEVIATION = 0.5, 0.25  # what encoders take for zero and one
FLAT = 0.02  # a deviation below this is the camera's noise, which is not blown up


def grid(
    batch: Batch,
    size: int,
    *,
    side: int = 3,
    gap: float = 0.25,
    jitter: float = 1.0,
    extent: float = 1.0,
) -> Tensor:
    """Cut a square grid of patches from every image.

    Args:
        batch: The images.
        size: Side at which a patch is shown, in pixels.
        side: Patches in a row of the grid.
        gap: Share of its cell's side that a patch leaves free, in [0, 1).
        jitter: Share of that room over which it is moved about, in [0, 1]: 0 leaves it in the
            middle of its cell, at 1 it lies anywhere in it.
        extent: Share of the image's side that the grid takes, in (0, 1]; it lies anywhere.

    Returns:
        `(b, side**2, c, size, size)` floats in [0, 1], row by row of the grid.
    """
    y, x, share = places(batch.dice, side, gap=gap, jitter=jitter, extent=extent)
    return cut_patches(floats(batch.data), y, x, share, size)


def places(
    dice: Dice, side: int, *, gap: float, jitter: float, extent: float
) -> tuple[Tensor, Tensor, float]:
    """Where a grid's patches lie: their centres y and x, `(b, side**2)`, and their side.

    All are shares of the image's side; the arguments are those of `grid`.
    """
    cell = extent / side
    corner = dice.uniform(2, 1, high=1 - extent)
    moved = cell * gap * jitter * (dice.uniform(2, side**2) - 0.5)
    at = (torch.arange(side, device=corner.device) + 0.5) * cell
    y, x = (corner + torch.stack([at.repeat_interleave(side), at.repeat(side)]) + moved).unbind(1)
    return y, x, cell * (1 - gap)


def cut_patches(images: Tensor, y: Tensor, x: Tensor, share: float, size: int) -> Tensor:
    """Cut squares from `(b, c, h, w)` floats: `(b, k, c, size, size)`, all in two products.

    Args:
        images: The images.
        y: Centres of the patches, `(b, k)`, as shares of the image's height.
        x: The same, of its width.
        share: Side of a patch as a share of the image's.
        size: Side at which it is shown, in pixels; bilinear, antialiased.
    """

    def taken(centre: Tensor, n: int) -> Tensor:
        middle, reach = lines(centre.flatten(), centre.new_full((centre.numel(),), share), n, size)
        return weigh(middle, reach, n).unflatten(0, centre.shape).to(images)

    h, w = images.shape[-2:]
    rows = torch.einsum("bksh,bchw->bkcsw", taken(y, h), images)
    return torch.einsum("bkcsw,bktw->bkcst", rows, taken(x, w))


def even_out(patches: Tensor) -> Tensor:
    """Give every channel of every patch one mean and one deviation, 0.5 and 0.25.

    Brightness, contrast and cast tell patches of one image from another's, and the sky from the
    ground, without a look at what is in them. Encoders take these numbers for zero and one. A
    patch without anything in it stays flat.
    """
    mean = patches.mean((-2, -1), keepdim=True)
    deviation = patches.std((-2, -1), correction=0, keepdim=True)
    return MEAN + DEVIATION * (patches - mean) / deviation.clamp(min=FLAT)


def standardise(patches: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Patches `(b, k, pixels)` at mean 0 and deviation 1, and what these were, `(b, k, 1)` each.

    Source: He et al. 2022, sec. 3, "Reconstruction target"; unbiased variance plus 1e-6.
    """
    variance, mean = torch.var_mean(patches, 2, keepdim=True, correction=1)
    deviation = (variance + 1e-6).sqrt()
    return (patches - mean) / deviation, mean, deviation


def coarsen(patches: Tensor, dice: Dice, share: float) -> Tensor:
    """Shrink some patches and enlarge them again, so that fine grain tells of no neighbour.

    Args:
        patches: `(b, k, c, s, s)`, as they are shown.
        dice: The dice of the b samples.
        share: Of the patches, so many are shrunk, to between 10 / 96 of their side and all of it:
            a whole number of pixels, 2 at least, every area as likely; bilinear, antialiased.

    Source: Doersch et al. 2015, sec. 3.1: patches of 96 x 96 pixels to as few as 10 x 10.
    """
    if share == 0:
        return patches
    k, s = patches.shape[1], patches.shape[-1]
    chosen, area = dice.coin(share, k, 1, 1, 1), dice.uniform(k, low=(10 / 96) ** 2)
    side = (s * area.sqrt()).floor().clamp(min=2).flatten()
    shrink = weigh(*lines(s / side / 2, s / side, s, s), s)  # its first `side` rows count
    middle, reach = lines(side / s / 2, side / s, s, s)
    enlarge = weigh(middle.minimum(side[:, None] - 1), reach, s)
    both = (enlarge @ shrink).unflatten(0, area.shape)[:, :, None].to(patches)
    return torch.where(chosen, both @ patches @ both.mT, patches)


def move_colours(patches: Tensor, dice: Dice, most: int) -> Tensor:
    """Move every colour channel of every patch by itself, up to `most` pixels each way.

    What a lens does to the channels then tells nothing of where a patch lay. The pixels at an edge
    are repeated where there are no others. Grey patches have nothing to move.

    Args:
        patches: `(b, k, c, s, s)`, as they are shown.
        dice: The dice of the b samples.
        most: Pixels, 0 or more; every whole number of them up to it is as likely.

    Source: Noroozi & Favaro 2016: by up to 2 pixels, tiles being of 64 pixels.
    """
    k, c, s = patches.shape[1:4]
    if c == 1 or most == 0:
        return patches
    moves = dice.integers(2 * most + 1, 2, k, c, 1) - most
    y, x = (torch.arange(s, device=moves.device) - moves).clamp(0, s - 1).unbind(1)
    return patches.take_along_dim(y[..., None], 3).take_along_dim(x[..., None, :], 4)


def drop_colours(patches: Tensor, dice: Dice, share: float = 1.0) -> Tensor:
    """Keep one colour channel of a patch, by chance, and put faint noise for the others.

    A lens bends blue more than red, and more so off its axis: the channels together tell where in
    the photograph a patch lay. Grey patches have nothing to drop.

    Args:
        patches: `(b, k, c, h, w)`, evened out.
        dice: The dice of the b samples.
        share: Of the patches, so many keep one channel; the others keep all.

    Source: Doersch et al. 2015, sec. 3.1: noise of a hundredth of the kept channel's deviation.
    """
    k, c, h, w = patches.shape[1:]
    if c == 1 or share == 0:
        return patches
    kept = dice.integers(c, k, 1) == torch.arange(c, device=patches.device)
    if share < 1:
        kept |= dice.uniform(k, 1) >= share
    noise = MEAN + DEVIATION / 100 * dice.normal(k, c, h, w)
    return torch.where(kept[..., None, None], patches, noise.to(patches))


def assemble(patches: Tensor) -> Tensor:
    """Lay patches side by side: `(b, side**2, c, s, s)` to `(b, c, side * s, side * s)`."""
    side = round(patches.shape[1] ** 0.5)
    return patches.unflatten(1, (side, side)).permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)


def all_orders(n: int) -> Tensor:
    """Every order of n things, `(n!, n)` uint8, the natural one first.

    The last thing is put at each place of every order of the things before it.
    """
    orders = torch.zeros(1, 1, dtype=torch.uint8)
    for new in range(1, n):
        last = orders.new_full((len(orders), 1), new)
        places = reversed(range(new + 1))
        orders = torch.cat([torch.cat([orders[:, :i], last, orders[:, i:]], 1) for i in places])
    return orders


@cache
def far_orders(n: int, count: int, published: bool = False) -> Tensor:
    """Choose orders of n things that are hard to take for one another.

    One after the other the order is taken that lies farthest from those chosen, as the number of
    places (Hamming) at which two orders differ. No chance is involved.

    Args:
        n: How many things are put in order, 9 at most.
        count: How many orders are chosen.
        published: False takes the order whose nearest chosen one is farthest and, among equals,
            the one that is farthest on average; True looks at the average alone, as Noroozi &
            Favaro 2016 do (algorithm 1), and lets in pairs that differ in a swap of two tiles.

    Returns:
        `(count, n)` int64.

    Raises:
        UsageError: Where there are fewer orders than that.
    """
    every = all_orders(n)
    if count > len(every):
        raise UsageError(f"{n} tiles have {len(every):,} orders, not {count:,}")
    slots, chosen = every.T.contiguous(), [0]
    total = torch.zeros(len(every), dtype=torch.int32)
    nearest = total + n
    while len(chosen) < count:
        away = (slots != every[chosen[-1], :, None]).view(torch.uint8).sum(0, dtype=torch.int32)
        nearest, total = torch.minimum(nearest, away), total + away
        score = total if published else nearest * (n * count) + total
        chosen.append(int(score.masked_fill(nearest == 0, -1).argmax()))
    return every[chosen].long()
