"""Whole batches of views: of the size that was asked for, and another one each time."""

from __future__ import annotations

import pytest
import torch

from unlabeled.views import Batch, Look, augment, floats, plain, whole


def batch(b=4, c=3, side=20):
    pixels = torch.rand(b, c, side, side, generator=torch.Generator().manual_seed(0))
    return Batch((pixels * 255).byte(), torch.arange(b))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("make", [augment, plain, whole])
def test_views_are_floats_of_the_size_asked_for(make, channels):
    view = make(batch(c=channels), 12)
    assert view.shape == (4, channels, 12, 12)
    assert view.dtype == torch.float32
    assert view.min() >= 0
    assert view.max() <= 1
    assert view.is_contiguous(memory_format=torch.channels_last)


def test_small_views_are_never_blurred():
    look = Look(crop=(1.0, 1.0), ratio=1.0, flip=0.0, jitter=0.0, gray=0.0, blur=1.0)
    for side, blurred in ((64, False), (96, True)):
        data = batch(side=side)
        same = torch.allclose(augment(data, side, look), floats(data.data), atol=1e-5)
        assert same != blurred


def test_a_plain_view_keeps_its_colours_and_most_of_the_image():
    flat = Batch(torch.full((6, 3, 8, 8), 77, dtype=torch.uint8), torch.arange(6))
    torch.testing.assert_close(plain(flat, 8), torch.full((6, 3, 8, 8), 77 / 255))


def test_two_views_of_a_batch_differ():
    data = batch()
    assert not torch.equal(augment(data, 16), augment(data, 16))


def test_whole_is_the_image_where_it_has_the_size_already():
    data = batch()
    assert torch.equal(whole(data, 20), data.data.float() / 255)
