"""Patches: where they lie, what they hold, and what a gap hides."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
import torch.nn.functional as F

from unlabeled.views import Batch, Dice
from unlabeled.views.patches import (
    assemble,
    coarsen,
    cut_patches,
    drop_colours,
    even_out,
    grid,
    move_colours,
    places,
)

BARE = {"gap": 0.0, "jitter": 0.0}


def dice(n=2000):
    return Dice(0, 0, torch.arange(n))


def photos(b=4, c=3, side=24, seed=0):
    chance = torch.Generator().manual_seed(seed)
    data = torch.randint(0, 256, (b, c, side, side), generator=chance, dtype=torch.uint8)
    return Batch(data, torch.arange(b))


def ramps(side=24):
    """Images whose red is a pixel's row and whose green is its column, as shares of the image."""
    at = (torch.arange(side) + 0.5) / side
    rows, columns = at[:, None].expand(side, side), at[None].expand(side, side)
    return torch.stack([rows, columns, torch.zeros(side, side)])[None]


# ---- where they lie -----------------------------------------------------------------------


def test_without_jitter_the_patches_lie_in_the_middle_of_their_cells():
    y, x, share = places(dice(3), 3, gap=0.25, jitter=0.0, extent=1.0)
    thirds = torch.tensor([1, 3, 5]) / 6
    assert share == pytest.approx(0.25)
    torch.testing.assert_close(y, thirds.repeat_interleave(3).expand(3, 9))
    torch.testing.assert_close(x, thirds.repeat(3).expand(3, 9))


@pytest.mark.parametrize(("gap", "jitter"), [(0.25, 1.0), (0.25, 0.4), (0.5, 0.9), (0.0, 1.0)])
def test_a_patch_moves_over_its_share_of_the_gap_and_no_farther(gap, jitter):
    y, x, _ = places(dice(), 3, gap=gap, jitter=jitter, extent=1.0)
    thirds = torch.tensor([1, 3, 5]) / 6
    for at, middle in ((y, thirds.repeat_interleave(3)), (x, thirds.repeat(3))):
        moved = at - middle
        most = gap * jitter / 6
        assert moved.abs().max() <= most + 1e-6
        assert moved.min() == pytest.approx(-most, abs=0.01)
        assert moved.max() == pytest.approx(most, abs=0.01)


def test_patches_of_a_sample_move_each_by_itself():
    y, x, _ = places(dice(), 3, gap=0.25, jitter=1.0, extent=1.0)
    together = torch.corrcoef(torch.cat([y, x], 1).T) - torch.eye(18)
    assert together.abs().max() < 5 / math.sqrt(2000)


@pytest.mark.parametrize("extent", [0.3, 0.75, 1.0])
def test_no_patch_leaves_the_image(extent):
    for at in places(dice(), 3, gap=0.2, jitter=1.0, extent=extent)[:2]:
        half = extent / 3 * 0.8 / 2
        assert (at - half).min() > -1e-6
        assert (at + half).max() < 1 + 1e-6


def test_a_small_grid_lies_anywhere():
    y, _, _ = places(dice(), 3, gap=0.2, jitter=0.0, extent=0.4)
    assert y[:, 0].min() == pytest.approx(0.4 / 6, abs=0.01)
    assert y[:, 8].max() == pytest.approx(1 - 0.4 / 6, abs=0.01)


@pytest.mark.parametrize("jitter", [0.0, 0.5, 0.9])
def test_patches_never_touch_where_the_jitter_leaves_room(jitter):
    y, x, share = places(dice(), 3, gap=0.3, jitter=jitter, extent=1.0)
    for a, b in itertools.combinations(range(9), 2):
        apart = torch.maximum((y[:, a] - y[:, b]).abs(), (x[:, a] - x[:, b]).abs())
        assert apart.min() > share


# ---- what they hold -----------------------------------------------------------------------


def test_a_patch_on_whole_pixels_is_those_pixels():
    image = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    y, x = (
        torch.tensor([[4.0, 12.0], [20.0, 6.0]]) / 24,
        torch.tensor([[8.0, 4.0], [20.0, 12.0]]) / 24,
    )
    cut = cut_patches(image, y, x, 8 / 24, 8)
    assert cut.shape == (2, 2, 3, 8, 8)
    for i, j in itertools.product(range(2), range(2)):
        top, left = round(float(y[i, j]) * 24) - 4, round(float(x[i, j]) * 24) - 4
        torch.testing.assert_close(cut[i, j], image[i, :, top : top + 8, left : left + 8])


@pytest.mark.parametrize("size", [4, 8, 14])
def test_a_patch_of_another_size_is_a_bilinear_antialiased_resize(size):
    """Inside, where a resize of the cut piece alone knows the same neighbours."""
    at = torch.linspace(0, 1, 48)
    image = torch.sin(5 * at[:, None] + 3 * at[None]).expand(1, 1, 48, 48)
    cut = cut_patches(image, torch.tensor([[0.5]]), torch.tensor([[0.5]]), 0.5, size)[0]
    piece = image[:, :, 12:36, 12:36]
    expected = F.interpolate(piece, (size, size), mode="bilinear", antialias=True)
    torch.testing.assert_close(cut[..., 1:-1, 1:-1], expected[..., 1:-1, 1:-1], rtol=0, atol=1e-5)


def test_the_patches_come_row_by_row():
    cut = cut_patches(ramps(), *places(dice(1), 3, **BARE, extent=1.0), 8)[0].mean((2, 3))
    middles = torch.tensor([1, 3, 5]) / 6
    torch.testing.assert_close(cut[:, 0], middles.repeat_interleave(3))
    torch.testing.assert_close(cut[:, 1], middles.repeat(3))


def test_a_grid_is_cut_from_the_image_as_stored():
    """No pixel is lost to a smaller view in between."""
    batch = photos(side=24)
    bare = grid(batch, 8, **BARE)
    assert bare.shape == (4, 9, 3, 8, 8)
    torch.testing.assert_close(assemble(bare), batch.data.float() / 255, rtol=0, atol=1e-5)


def test_images_need_not_be_square():
    wide = torch.arange(12.0).repeat(6, 1).view(1, 1, 6, 12)
    cut = cut_patches(wide, *places(dice(1), 3, **BARE, extent=1.0), 2)
    torch.testing.assert_close(
        cut[0, :3, 0].mean((1, 2)), torch.tensor([1.5, 5.5, 9.5]), rtol=0, atol=0.2
    )


# ---- the shortcuts ------------------------------------------------------------------------


def seam(patches):
    """How much the pixels on both sides of neighbours' edges have in common: a correlation."""
    left, right = patches[:, [0, 1, 3, 4, 6, 7]], patches[:, [1, 2, 4, 5, 7, 8]]
    pair = torch.stack([left[..., -1].flatten(), right[..., 0].flatten()])
    return float(torch.corrcoef(pair)[0, 1])


def textures(b=64, side=36):
    """Images of fine grain: pixels are alike two apart, and no longer at the distance of a gap."""
    noise = torch.rand(b, 1, side + 2, side + 2, generator=torch.Generator().manual_seed(0))
    return Batch(F.avg_pool2d(noise, 3, 1), torch.arange(b))


def test_lines_run_on_from_patch_to_patch_unless_there_is_a_gap():
    assert seam(grid(textures(), 12, **BARE)) > 0.6
    assert abs(seam(grid(textures(), 8, gap=1 / 3, jitter=0.0))) < 0.1


def test_jitter_without_a_gap_is_no_jitter():
    assert torch.equal(grid(photos(), 8, gap=0.0, jitter=1.0), grid(photos(), 8, **BARE))


def test_jitter_breaks_the_seam_even_where_patches_may_touch():
    assert seam(grid(textures(), 9, gap=0.25, jitter=1.0)) < 0.3


def test_brightness_and_contrast_do_not_tell_which_image_a_patch_is_from():
    light = torch.rand(2, 9, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    even = even_out(light)
    torch.testing.assert_close(even.mean((3, 4)), torch.full((2, 9, 3), 0.5))
    torch.testing.assert_close(even.std((3, 4), correction=0), torch.full((2, 9, 3), 0.25))
    torch.testing.assert_close(even_out(0.3 * light + 0.2), even)


def test_a_patch_without_anything_in_it_stays_flat():
    flat = torch.full((1, 9, 1, 8, 8), 0.7)
    torch.testing.assert_close(even_out(flat), torch.full_like(flat, 0.5))
    faint = flat + 0.001 * torch.randn(flat.shape, generator=torch.Generator().manual_seed(0))
    assert even_out(faint).std() < 0.02


def test_one_colour_of_each_patch_is_kept_and_the_others_are_faint_noise():
    even = even_out(torch.rand(300, 9, 3, 8, 8, generator=torch.Generator().manual_seed(0)))
    dropped = drop_colours(even, dice(300))
    kept = (dropped == even).all(4).all(3)
    assert (kept.sum(2) == 1).all()
    share = kept.float().mean((0, 1))
    assert (share - 1 / 3).abs().max() < 5 * math.sqrt(2 / 9 / 2700)
    assert (kept[:, :1] != kept[:, 1:]).any(2).any(1).float().mean() > 0.99  # each patch its own
    noise = dropped[~kept]
    assert noise.mean() == pytest.approx(0.5, abs=1e-4)
    assert noise.std() == pytest.approx(0.25 / 100, rel=0.01)


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_a_share_of_the_patches_may_keep_all_colours(share):
    even = even_out(torch.rand(300, 9, 3, 8, 8, generator=torch.Generator().manual_seed(0)))
    kept = (drop_colours(even, dice(300), share) == even).all(4).all(3).sum(2)
    assert set(kept.unique().tolist()) <= {1, 3}
    assert (kept == 1).float().mean() == pytest.approx(share, abs=5 * math.sqrt(0.21 / 2700))
    mixed = (kept[:, :1] != kept[:, 1:]).any(1).float().mean()
    assert mixed == pytest.approx(1 - share**9 - (1 - share) ** 9, abs=0.06)  # each patch its own


def test_grey_patches_have_no_colour_to_drop():
    even = torch.rand(4, 9, 1, 8, 8)
    assert drop_colours(even, dice(4)) is even


def some(b=20, c=3, side=16):
    return torch.rand(b, 9, c, side, side, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("side", [14, 33, 96])
def test_a_coarsened_patch_is_shrunk_and_enlarged_again(side):
    """As Doersch et al. do it, patch by patch: any area from 10 x 10 of 96 x 96 pixels upwards."""
    patches, drawn = some(8, 2, side), dice(8)
    hit, area = drawn.uniform(9) < 0.5, drawn.uniform(9)
    found = coarsen(patches, dice(8), 0.5)
    least = (10 / 96) ** 2
    for i, j in itertools.product(range(8), range(9)):
        small = max(2, math.floor(side * math.sqrt(least + (1 - least) * area[i, j].item())))
        how = {"mode": "bilinear", "align_corners": False}
        down = F.interpolate(patches[i, j : j + 1], (small, small), antialias=True, **how)
        coarse = F.interpolate(down, (side, side), **how)[0]
        expected = coarse if hit[i, j] else patches[i, j]
        torch.testing.assert_close(found[i, j], expected, rtol=0, atol=3e-5)
    assert torch.equal(found[~hit], patches[~hit])
    assert (found[hit] != patches[hit]).flatten(1).any(1).all()


def test_a_third_of_the_patches_is_coarsened_each_by_itself():
    patches = some(300, 1, 12)
    changed = (coarsen(patches, dice(300), 1 / 3) != patches).flatten(2).any(2)
    assert changed.float().mean() == pytest.approx(1 / 3, abs=5 * math.sqrt(2 / 9 / 2700))
    whole = changed.all(1) | ~changed.any(1)
    assert whole.float().mean() == pytest.approx((1 / 3) ** 9 + (2 / 3) ** 9, abs=0.06)


@pytest.mark.parametrize("most", [1, 2, 5])
def test_every_colour_of_every_patch_moves_by_itself(most):
    """Each channel by hand: rolled, and what came in from the other side replaced by the edge."""
    patches = some()
    moves = dice(20).integers(2 * most + 1, 2, 9, 3) - most
    found = move_colours(patches, dice(20), most)
    for i, j, k in itertools.product(range(20), range(9), range(3)):
        y, x = moves[i, :, j, k].tolist()
        by_hand = patches[i, j, k].roll((y, x), (0, 1))
        for axis, n in enumerate((y, x)):
            lines = by_hand if axis == 0 else by_hand.T
            if n > 0:
                lines[:n] = lines[n].clone()
            elif n < 0:
                lines[n:] = lines[n - 1].clone()
        assert torch.equal(found[i, j, k], by_hand), (y, x)
    assert moves.unique().tolist() == list(range(-most, most + 1))


def test_the_moves_of_two_colours_and_of_two_patches_have_nothing_in_common():
    spot = torch.zeros(1500, 2, 2, 9, 9)
    spot[..., 4, 4] = 1.0
    at = move_colours(spot, dice(1500), 2).flatten(3).argmax(3)
    moves = torch.stack([at // 9, at % 9], 3).flatten(1).double() - 4
    assert moves.abs().max() == 2
    assert (moves.square().mean(0) - 2).abs().max() < 5 * math.sqrt(2.8 / 1500)
    together = torch.corrcoef(moves.T) - torch.eye(8)
    assert together.abs().max() < 5 / math.sqrt(1500)


def test_a_sample_is_changed_alike_whatever_else_is_in_the_batch():
    patches, few = some(), torch.tensor([7, 2])
    for change, much in ((coarsen, 0.5), (move_colours, 2)):
        whole = change(patches, dice(20), much)
        assert torch.equal(change(patches[few], Dice(0, 0, few), much), whole[few])
        assert not torch.equal(change(patches, Dice(0, 1, torch.arange(20)), much), whole)


def test_without_them_nothing_changes_and_nothing_is_drawn():
    patches, drawn = some(), dice(20)
    assert coarsen(patches, drawn, 0.0) is patches
    assert move_colours(patches, drawn, 0) is patches
    assert move_colours(patches[:, :, :1], drawn, 2).shape == (20, 9, 1, 16, 16)
    assert drawn.draws == 0
