"""Rotation: the four turns form a group, and every sample brings all of them."""

from __future__ import annotations

import math

import pytest
import torch

from unlabeled.encoders import ConvNet
from unlabeled.methods.transformation.rotation import Rotation
from unlabeled.views import Batch


@pytest.fixture
def method():
    torch.manual_seed(0)
    return Rotation(ConvNet(1, 16, width=8))


def batch(b=5):
    chance = torch.Generator().manual_seed(0)
    return Batch(
        torch.randint(0, 256, (b, 1, 16, 16), generator=chance, dtype=torch.uint8), torch.arange(b)
    )


def test_row_4i_plus_r_is_image_i_turned_r_times(method):
    turned, turns = method.views(batch())
    assert turns.tolist() == [0, 1, 2, 3] * 5
    upright = turned[::4]
    for row, (image, turn) in enumerate(zip(turned, turns, strict=True)):
        assert torch.equal(image, upright[row // 4].rot90(int(turn), (1, 2)))


def test_turns_are_exact_and_form_a_group(method):
    """Turned r times and then s times is turned r + s times; no pixel is interpolated."""
    turned, _ = method.views(batch())
    for r in range(4):
        for s in range(4):
            assert torch.equal(turned[r::4].rot90(s, (2, 3)), turned[(r + s) % 4 :: 4])
    pixels = turned.flatten(1).sort(1).values
    assert all(torch.equal(pixels[r::4], pixels[::4]) for r in range(4))


def test_the_loss_is_the_cross_entropy_of_the_paper(method):
    """Gidaris et al. 2018, eq. 2 and 3: the mean over the four turns of -log F^y(X^y)."""
    method = method.double().eval()
    turned, turns = method.views(batch())
    probability = method.head(method.encoder(turned.double())).softmax(1)
    expected = torch.stack([-p[t].log() for p, t in zip(probability, turns, strict=True)])
    torch.testing.assert_close(method.loss(turned.double(), turns), expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(
        method.energy(turned.double(), turns, samples=5), expected.view(5, 4).mean(1)
    )


def test_a_head_that_knows_nothing_loses_ln_4(method):
    torch.nn.init.zeros_(method.head.weight)
    torch.nn.init.zeros_(method.head.bias)
    assert method(*method.views(batch()))[0].item() == pytest.approx(math.log(4), abs=1e-6)


def test_the_picture_turns_images_back_by_the_guess(method):
    method.eval()
    with torch.no_grad():
        method.head.weight.zero_()
        method.head.bias.copy_(torch.tensor([0.0, 9, 0, 0]))  # always guesses one turn
        shown = method.picture(batch())
        turned, _ = method.views(batch())
    assert torch.equal(shown["turned"], turned)
    assert torch.equal(shown["turned back by the guess"], turned.rot90(-1, (2, 3)))
