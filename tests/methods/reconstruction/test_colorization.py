"""Colorization: what is seen, what is asked for, and the paper's loss."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from unlabeled.encoders import ConvNet
from unlabeled.errors import DataError, UsageError
from unlabeled.methods.reconstruction.colorization import Colorization
from unlabeled.recipe import Recipe
from unlabeled.train.optimizers import optimizer
from unlabeled.views import Batch, colours, plain


def images(b=6, size=16):
    chance = torch.Generator().manual_seed(0)
    flat = torch.randint(0, 256, (b, 3, 1, 1), generator=chance)
    spots = torch.randint(-60, 60, (b, 3, size, size), generator=chance)
    return (flat + spots).clamp(0, 255).to(torch.uint8)


def method(**given):
    torch.manual_seed(0)
    made = Colorization(ConvNet(3, 16, width=8), width=8, **given)
    made.prepare(images())
    return made


def batch(**given):
    data = images()
    return Batch(data, torch.arange(len(data)), **given)


def double(views):
    return [v.double() if v.is_floating_point() else v for v in views]


def test_it_sees_the_lightness_and_is_asked_for_the_colours():
    whole = colours.to_lab(plain(batch(), 16))
    grey, asked, _ = method().views(batch())
    seen = colours.to_lab(grey)
    torch.testing.assert_close(seen[:, :1], whole[:, :1], rtol=0, atol=1e-2)
    assert seen[:, 1:].abs().max() < 0.01
    torch.testing.assert_close(asked, colours.soft_code(colours.coarse(whole[:, 1:], 16)))
    _, asked, _ = method(answer="l2").views(batch())
    torch.testing.assert_close(asked * 110, colours.coarse(whole[:, 1:], 16))


def test_photographs_are_coloured_at_a_quarter_of_their_side():
    torch.manual_seed(0)
    big = Colorization(ConvNet(3, 96, width=8), width=8)
    assert big.decoder(torch.rand(2, big.encoder.dim)).shape == (2, 261, 24, 24)


def test_the_energy_is_the_weighted_cross_entropy_of_each_image():
    """Zhang et al. 2016, eq. 2: - sum over places of v(Z) sum over q of Z log Z', here a mean."""
    made = method().double().eval()
    grey, asked, coloured = double(made.views(batch()))
    scores = made.decoder(made.encoder(grey)).detach().numpy()
    z, weight = asked.numpy().reshape(6, 16, 16, 261), made.weight.numpy()
    expected = []
    for i in range(6):
        each = []
        for y in range(16):
            for x in range(16):
                q = scores[i, :, y, x]
                log_p = q - q.max() - np.log(np.exp(q - q.max()).sum())
                each.append(-weight[z[i, y, x].argmax()] * (z[i, y, x] * log_p).sum())
        expected.append(np.mean(each))
    np.testing.assert_allclose(made.loss(grey, asked, coloured).detach(), expected, rtol=1e-10)


def test_the_mean_colour_is_asked_for_by_squared_error():
    made = method(answer="l2").double().eval()
    grey, asked, coloured = double(made.views(batch()))
    guess = made.decoder(made.encoder(grey))
    ab = colours.coarse(colours.to_lab(plain(batch(), 16))[:, 1:], 16).view(6, 16, 16, 2) / 110
    expected = (guess.permute(0, 2, 3, 1) - ab).square().mean((1, 2, 3))
    torch.testing.assert_close(made.loss(grey, asked, coloured), expected, rtol=1e-5, atol=1e-8)
    mean = asked.view(6, -1).mean(0)
    nothing = (asked.view(6, -1) - mean).square().mean()
    assert made.learned_nothing(grey, asked, coloured) == pytest.approx(nothing.item())


def test_equal_scores_cost_ln_q_as_often_as_each_counts():
    made = method()
    made.weight.fill_(1.0)
    assert made.learned_nothing(*made.views(batch())) == pytest.approx(math.log(261))


def test_weights_come_from_the_data():
    made, plainly = method(), method(mix=1.0)
    torch.testing.assert_close(plainly.weight, torch.ones(261))
    share = colours.shares(images(), 16)
    common, absent = share.argmax(), share.argmin()
    assert made.weight[common] < 1 < made.weight[absent]


def test_what_is_learnt_from_grey_images_holds_for_coloured_ones():
    """After training, the encoder still cannot tell apart what differs in colour alone."""
    made = method()
    steps = optimizer(made, Recipe(lr=1e-2, weight_decay=1e-2))
    views = made.views(batch())
    first = made.encoder.stage1[0][0].weight
    before = first.detach().clone()
    for _ in range(5):
        made(*views)[0].backward()
        steps.step()
        steps.zero_grad()
    assert not torch.allclose(first, before)
    torch.testing.assert_close(
        first, first.mean(1, keepdim=True).expand_as(first), atol=1e-5, rtol=0
    )
    made.eval()
    x = torch.rand(4, 3, 16, 16)
    alike = x.mean(1, keepdim=True).expand_as(x)
    torch.testing.assert_close(made.encoder(x), made.encoder(alike), atol=1e-4, rtol=1e-3)


def test_grey_images_are_refused_with_what_to_use_instead():
    with pytest.raises(UsageError, match="needs images in colour") as error:
        Colorization(ConvNet(1, 16, width=8))
    assert "inpainting" in error.value.hint
    with pytest.raises(UsageError, match="no answer `l1`"):
        method(answer="l1")


@pytest.mark.parametrize("answer", ["bins", "l2"])
def test_grey_images_in_three_channels_count_nothing(answer):
    """The paper's code: an image whose |a| and |b| are 5 or less everywhere has weight 0."""
    data = images()
    data[::2] = data[::2, :1]
    made = method(answer=answer)
    made.prepare(data)
    views = made.views(Batch(data, torch.arange(6)))
    energy = made.loss(*views)
    assert energy[::2].tolist() == [0, 0, 0]
    assert (energy[1::2] > 0).all()
    torch.testing.assert_close(made.weight, weights(data[1::2]))
    alone = made.views(Batch(data[1::2], torch.arange(6)[1::2]))
    nothing = made.learned_nothing(*alone)
    assert made.learned_nothing(*views) == pytest.approx(nothing / 2, rel=1e-5)
    grey = made.views(Batch(data[::2], torch.arange(6)[::2]))
    assert made.learned_nothing(*grey) == 0


def weights(data):
    return colours.rebalanced(colours.shares(data, 16), 0.5)


def test_an_image_is_without_colour_up_to_five_units_of_a_and_b():
    parts = torch.tensor([[5.0, -5.0], [0.0, 0.0], [5.1, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, -5.1]])
    assert colours.coloured(parts, 3).tolist() == [False, True, True]


def test_data_without_any_colour_are_refused():
    with pytest.raises(DataError, match="none of these has any") as error:
        method().prepare(images()[:, :1].expand(-1, 3, -1, -1))
    assert "inpainting" in error.value.hint


@pytest.mark.parametrize("answer", ["bins", "l2"])
def test_the_picture_shows_grey_coloured_and_true(answer):
    made = method(answer=answer).eval()
    with torch.no_grad():
        shown = made.picture(batch())
    assert list(shown) == ["seen", "coloured", "true"]
    assert all(x.shape == (6, 3, 16, 16) and x.min() >= 0 and x.max() <= 1 for x in shown.values())
    torch.testing.assert_close(shown["true"], plain(batch(), 16), atol=1e-3, rtol=0)
