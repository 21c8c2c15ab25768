"""Split-brain: two halves, each foretold from the other alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from unlabeled.encoders import ConvNet, Halves
from unlabeled.errors import UsageError
from unlabeled.methods.reconstruction.split_brain import SplitBrain
from unlabeled.views import Batch, colours, plain


def method(channels=3):
    torch.manual_seed(0)
    return SplitBrain(Halves(channels, 16, width=8), width=8)


def batch(channels=3, b=4):
    chance = torch.Generator().manual_seed(0)
    data = torch.randint(0, 256, (b, channels, 16, 16), generator=chance, dtype=torch.uint8)
    return Batch(data, torch.arange(b))


def entropy(scores, target):
    """Cross-entropy of rows of scores with rows of shares, in float64."""
    log_p = scores - np.log(np.exp(scores - scores.max(1, keepdims=True)).sum(1, keepdims=True))
    return -(target * (log_p - scores.max(1, keepdims=True))).sum(1)


def test_lightness_foretells_colour_and_colour_lightness():
    """Zhang et al. 2017, eq. 1 and 2, as classifications: the sum of two cross-entropies."""
    made = method().double().eval()
    images, one, two = (v.double() if v.is_floating_point() else v for v in made.views(batch()))
    lab = colours.to_lab(plain(batch(), 16))
    level = (lab[:, 0] / 100 * 99).round().flatten().long()
    assert torch.equal(one, level)
    torch.testing.assert_close(two.float(), colours.soft_code(colours.coarse(lab[:, 1:], 16)))

    lightness, ab = made.encoder.halves(images)
    rows = lambda maps: maps.detach().permute(0, 2, 3, 1).flatten(0, 2).numpy()
    of_colour = rows(made.second(made.encoder.one(lightness)))
    of_lightness = rows(made.first(made.encoder.two(ab)))
    energies = made.loss(images, one, two)
    assert list(energies) == ["lightness", "colour"]
    for name, scores, target in (
        ("colour", of_colour, two.numpy()),
        ("lightness", of_lightness, np.eye(100)[one.numpy()]),
    ):
        expected = entropy(scores, target).reshape(4, -1).mean(1)
        np.testing.assert_allclose(energies[name].detach(), expected, rtol=1e-10)


@pytest.mark.parametrize("channels", [1, 3])
def test_no_half_helps_to_foretell_itself(channels):
    """Change one half of an image: what is guessed about that half stays as it was."""
    made = method(channels).eval()
    encoder, x = made.encoder, plain(batch(channels), 16)
    one, two = encoder.halves(x)
    other_one, other_two = encoder.halves(x.flip(0))
    with torch.no_grad():
        first, second = made.guesses(x)
        for halves, same, moved in (
            ((other_one, two), 0, 1),
            ((one, other_two), 1, 0),
        ):
            encoder.halves = lambda _, halves=halves: halves
            again = made.guesses(x)
            torch.testing.assert_close(again[same], (first, second)[same])
            assert not torch.allclose(again[moved], (first, second)[moved])


def test_a_constant_costs_the_logarithms_of_the_answers():
    assert method().learned_nothing(*method().views(batch())) == math.log(100) + math.log(261)
    assert method(1).learned_nothing(*method(1).views(batch(1))) == pytest.approx(2 * math.log(100))


def test_it_needs_two_networks():
    with pytest.raises(UsageError, match="Halves"):
        SplitBrain(ConvNet(3, 16, width=8))


@pytest.mark.parametrize("channels", [1, 3])
def test_the_picture_replaces_one_half_at_a_time(channels):
    made = method(channels).eval()
    with torch.no_grad():
        shown = made.picture(batch(channels))
    names = made.encoder.names
    assert list(shown) == ["seen", f"{names[0]} guessed", f"{names[1]} guessed"]
    assert all(x.shape == (4, channels, 16, 16) for x in shown.values())
    if channels == 3:  # its own lightness, other colours; but for clipping
        seen, kept = (colours.to_lab(shown[k])[:, 0] for k in ("seen", "colour guessed"))
        assert (seen - kept).abs().median() < 2
