"""Holes: where they may be and how large, one row a sample."""

from __future__ import annotations

import pytest
import torch

from unlabeled.errors import UsageError
from unlabeled.views.dice import Dice
from unlabeled.views.masks import blocks, centre, field, rim, scattered, shape


def dice(b=64, epoch=0):
    return Dice(0, epoch, torch.arange(b))


def test_the_centre_is_the_middle_quarter():
    hole = centre(dice(3), 28)
    assert hole.shape == (3, 1, 28, 28)
    expected = torch.zeros(28, 28, dtype=torch.bool)
    expected[7:21, 7:21] = True  # 14 x 14 of 28 x 28
    assert all(torch.equal(h[0], expected) for h in hole)


def test_blocks_are_four_rectangles_within_the_image():
    hole = blocks(dice(500), 32)
    area = hole.float().mean((1, 2, 3))
    assert area.min() >= (4 / 32) ** 2  # all four in one place
    assert area.max() <= 4 * (8 / 32) ** 2
    assert 0.08 < area.mean() < 0.16  # 4 x (6 / 32)^2 = 0.14, less what overlaps
    assert blocks(dice(3000), 32).any(0).all()  # corners too


def test_a_field_takes_exactly_a_quarter_in_smooth_shapes():
    hole = field(dice(), 32)
    assert hole.shape == (64, 1, 32, 32)
    assert (hole.sum((1, 2, 3)) == 256).all()
    change = (hole[..., 1:] != hole[..., :-1]).float().mean()
    assert change < 0.15  # single pixels drawn by chance would change at 3 of 8 places
    assert not torch.equal(hole[0], hole[1])


@pytest.mark.parametrize("kind", ["blocks", "field"])
def test_holes_are_drawn_anew_each_epoch_and_are_the_samples_own(kind):
    hole = shape(kind)(dice(8), 16)
    assert hole.dtype == torch.bool
    assert torch.equal(hole, shape(kind)(dice(8), 16))
    assert not torch.equal(hole, shape(kind)(dice(8, epoch=1), 16))
    assert torch.equal(hole[3:4], shape(kind)(Dice(0, 0, torch.tensor([3])), 16))


def test_an_unknown_mask_is_refused_with_those_there_are():
    with pytest.raises(UsageError, match="no mask `center`") as error:
        shape("center")
    assert "centre, blocks, field" in error.value.hint


def test_the_rim_is_what_lies_around():
    hole = torch.zeros(1, 1, 7, 7, dtype=torch.bool)
    hole[..., 3, 3] = True
    ring = rim(hole, 2)
    assert ring.sum() == 24
    assert not (ring & hole).any()
    assert ring[0, 0, 1:6, 1:6].sum() == 24
    hole[..., 0, 0] = True  # at the image's own edge nothing is added
    assert rim(hole, 1).sum() == 8 + 3


def test_scattered_squares_are_whole_and_as_many_as_asked_for():
    taken = scattered(dice(), squares=4, grid=8, share=0.6)
    assert taken.shape == (64, 8, 8)
    assert (taken.sum((1, 2)) == 40).all()  # ten of sixteen, of four places each
    tiles = taken.unflatten(1, (4, 2)).unflatten(3, (4, 2)).float().mean((2, 4))
    assert torch.equal(tiles, tiles.round())
    assert (tiles.sum(0) > 0).all()
    assert scattered(dice(), squares=6, grid=4, share=0.5).sum() == 64 * 8
    assert scattered(dice(), squares=3, grid=8, share=0.5).shape == (64, 8, 8)
    assert scattered(dice(), squares=2, grid=8, share=0.01).sum() == 64 * 16  # never none
