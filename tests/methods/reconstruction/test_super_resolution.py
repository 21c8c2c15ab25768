"""Super-resolution: what is lost on the way down, and what plain enlargement brings back."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from unlabeled.encoders import ConvNet
from unlabeled.errors import UsageError
from unlabeled.methods.reconstruction.super_resolution import SuperResolution, resized
from unlabeled.views import Batch, plain


def method(**given):
    torch.manual_seed(0)
    return SuperResolution(ConvNet(3, 16, width=8), width=8, **given)


def batch(b=6):
    chance = torch.Generator().manual_seed(0)
    data = torch.randint(0, 256, (b, 3, 16, 16), generator=chance, dtype=torch.uint8)
    return Batch(data, torch.arange(b))


@pytest.mark.parametrize("factor", [2, 4])
def test_what_is_seen_holds_the_small_image_alone(factor):
    enlarged, large = method(factor=factor).views(batch())
    torch.testing.assert_close(large, plain(batch(), 16))
    small = F.interpolate(
        large, scale_factor=1 / factor, mode="bicubic", antialias=True, align_corners=False
    ).clamp(0, 1)
    assert small.shape == (6, 3, 16 // factor, 16 // factor)
    torch.testing.assert_close(enlarged, resized(small, 16))


def test_a_smooth_image_survives_and_a_chequered_one_does_not():
    slope = torch.linspace(0.2, 0.8, 16).expand(1, 3, 16, 16)
    board = ((torch.arange(16)[:, None] + torch.arange(16)) % 2).float().expand(1, 3, 16, 16)
    there_and_back = lambda x: resized(resized(x, 4), 16)
    assert (there_and_back(slope) - slope)[..., 4:-4].abs().max() < 0.013
    torch.testing.assert_close(
        there_and_back(board), torch.full_like(board, 0.5), rtol=0, atol=0.02
    )


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("power", [1.0, 2.0])
def test_the_energy_is_the_mean_error_of_each_image(power, residual):
    made = method(power=power, residual=residual).double().eval()
    enlarged, large = (v.double() for v in made.views(batch()))
    lacking = made.decoder(made.encoder(enlarged)) - large + residual * enlarged
    expected = lacking.abs().pow(power).sum((1, 2, 3)) / (3 * 16 * 16)
    torch.testing.assert_close(made.energy(enlarged, large), expected, rtol=0, atol=1e-12)


def test_adding_nothing_costs_what_plain_enlargement_lacks():
    made = method(residual=True)
    enlarged, large = made.views(batch())
    with torch.no_grad():
        for p in made.decoder.parameters():
            p.zero_()
    value, nothing = made(enlarged, large)[0].item(), made.learned_nothing(enlarged, large)
    assert value == pytest.approx(nothing, rel=1e-6)


@pytest.mark.parametrize("adversary", [0.0, 0.2])
def test_without_an_encoder_the_mean_image_is_best_and_the_critic_at_chance(adversary):
    made = method(adversary=adversary)
    enlarged, large = made.views(batch())
    error = (large - large.mean(0)).square().mean().item()
    expected = (1 - adversary) * error + (2 * math.log(2) if adversary else 0)
    assert made.learned_nothing(enlarged, large) == pytest.approx(expected, rel=1e-6)


def test_the_critic_sees_the_true_image_and_the_rebuilt_one():
    made = method(adversary=0.2).double().eval()
    enlarged, large = (v.double() for v in made.views(batch()))
    energies = made.loss(enlarged, large)
    rebuilt = made.rebuild(enlarged)
    p, q = made.critic(large).sigmoid(), made.critic(rebuilt).sigmoid()
    torch.testing.assert_close(energies["critic"], -p.log() - (1 - q).log())
    error = 0.8 * (rebuilt - large).square().mean((1, 2, 3))
    torch.testing.assert_close(energies["reconstruction"], error)


def test_images_that_are_too_small_are_refused():
    with pytest.raises(UsageError, match="16 pixels cannot be made 9 times smaller") as error:
        method(factor=9)
    assert error.value.hint == "--factor 4"


def test_the_picture_shows_enlarged_rebuilt_and_true():
    made = method().eval()
    with torch.no_grad():
        shown = made.picture(batch())
    assert list(shown) == ["enlarged", "rebuilt", "true"]
    assert all(x.shape == (6, 3, 16, 16) and x.min() >= 0 and x.max() <= 1 for x in shown.values())
