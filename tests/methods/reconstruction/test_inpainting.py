"""Inpainting: what is hidden, what is asked for, and a critic who wants the opposite."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from unlabeled.encoders import ConvNet
from unlabeled.errors import UsageError
from unlabeled.methods.reconstruction.inpainting import Inpainting
from unlabeled.views import Batch, plain


def method(**given):
    torch.manual_seed(0)
    made = Inpainting(ConvNet(3, 16, width=8), width=8, **given)
    made.prepare(batch().data)
    return made


def batch(b=8, **given):
    chance = torch.Generator().manual_seed(0)
    data = torch.randint(0, 256, (b, 3, 16, 16), generator=chance, dtype=torch.uint8)
    return Batch(data, torch.arange(b), **given)


@pytest.mark.parametrize("mask", ["centre", "blocks", "field"])
def test_the_hole_holds_the_mean_colour_and_nothing_of_the_image(mask):
    seen, whole, hole = method(mask=mask).views(batch())
    torch.testing.assert_close(whole, plain(batch(), 16))
    mean = (batch().data.double().mean((0, 2, 3)) / 255).float()[:, None, None]
    torch.testing.assert_close(seen, torch.where(hole, mean, whole))
    assert 0 < hole.float().mean() < 0.3


def test_the_energy_is_the_error_within_the_hole_and_ten_times_that_on_its_rim():
    """Pathak et al. 2016, eq. 1 and sec. 5: here the mean over what counts."""
    made = method(mask="centre").double().eval()
    seen, whole, hole = made.views(batch())
    seen, whole = seen.double(), whole.double()
    painted = made.decoder(made.encoder(seen)).detach().numpy()
    weight = np.zeros((16, 16))
    weight[3:13, 3:13] = 10  # a rim of one pixel: 4 of 128 in the paper
    weight[4:12, 4:12] = 1
    error = ((painted - whole.numpy()) ** 2 * weight).sum((1, 2, 3)) / (3 * weight.sum())
    energies = made.loss(seen, whole, hole)
    assert list(energies) == ["reconstruction"]
    np.testing.assert_allclose(energies["reconstruction"].detach(), error, rtol=1e-10)


@pytest.mark.parametrize("mask", ["blocks", "field"])
def test_a_hole_of_any_other_shape_has_no_rim_and_its_energy_is_the_error_within(mask):
    """Pathak et al. 2016, eq. 1: the overlap is of the centre alone."""
    made = method(mask=mask).double().eval()
    seen, whole, hole = made.views(batch())
    seen, whole = seen.double(), whole.double()
    painted, within = made.decoder(made.encoder(seen)).detach().numpy(), hole.numpy()
    squares = (painted - whole.numpy()) ** 2
    error = [s[:, h[0]].mean() for s, h in zip(squares, within, strict=True)]
    energy = made.loss(seen, whole, hole)["reconstruction"].detach()
    np.testing.assert_allclose(energy, error, rtol=1e-10)
    nothing = (whole.mean(0).numpy() - whole.numpy()) ** 2
    best = np.mean([s[:, h[0]].mean() for s, h in zip(nothing, within, strict=True)])
    assert made.learned_nothing(seen, whole, hole) == pytest.approx(best, rel=1e-10)


@pytest.mark.parametrize(("mask", "share"), [("centre", 0.25), ("field", 0.25), ("blocks", 0.13)])
def test_the_share_of_the_image_that_is_hidden_is_the_one_told(mask, share):
    _, _, hole = Inpainting(ConvNet(3, 32, width=8), width=8, mask=mask).views(batch(400))
    covered = hole.float().mean((1, 2, 3))
    assert covered.mean().item() == pytest.approx(share, abs=0.01)
    assert covered.max() <= 0.25
    assert "up to a quarter, 13 % on average" in " ".join(Inpainting.__doc__.split())


@pytest.mark.parametrize("mask", ["centre", "blocks", "field"])
def test_what_is_seen_and_off_the_rim_is_never_asked_for(mask):
    made = method(mask=mask)
    seen, whole, hole = made.views(batch())
    asked = (made.weight(hole) > 0).expand_as(whole)
    other = torch.where(asked, whole, 1 - whole)
    for a, b in zip(
        made.loss(seen, whole, hole).values(), made.loss(seen, other, hole).values(), strict=True
    ):
        assert torch.equal(a, b)


def test_a_perfect_filling_costs_nothing():
    made = method(overlap=0.0)
    seen, whole, hole = made.views(batch())
    made.decoder = Says(torch.where(hole, whole, torch.rand_like(whole)))
    assert made.loss(seen, whole, hole)["reconstruction"].abs().max() == 0


class Says(torch.nn.Module):
    """A decoder that has made up its mind."""

    def __init__(self, image):
        super().__init__()
        self.image = image

    def forward(self, z):
        return self.image


def test_the_best_constant_is_the_mean_image():
    made = method(mask="centre")
    seen, whole, hole = made.views(batch())
    nothing = made.learned_nothing(seen, whole, hole)
    cost = lambda image: made(seen, whole, hole)[0].item()
    made.decoder = Says(whole.mean(0).expand_as(whole))
    assert cost(whole) == pytest.approx(nothing, rel=1e-5)
    made.decoder = Says(whole.mean(0).expand_as(whole) * 0.9)
    assert cost(whole) > nothing


# ---- the critic ---------------------------------------------------------------------------


def test_the_critics_energy_is_the_papers_and_2_ln_2_where_it_knows_nothing():
    """Eq. 2: - log D(x) - log(1 - D(F(x)))."""
    made = method(adversary=0.2).double().eval()
    seen, whole, hole = made.views(batch())
    seen, whole = seen.double(), whole.double()
    filled = torch.where(hole, made.decoder(made.encoder(seen)), whole)
    p, q = made.critic(whole).sigmoid(), made.critic(filled).sigmoid()
    energies = made.loss(seen, whole, hole)
    torch.testing.assert_close(energies["critic"], -p.log() - (1 - q).log())
    alone = method().double().eval().loss(seen, whole, hole)["reconstruction"]
    torch.testing.assert_close(energies["reconstruction"], 0.8 * alone)
    with torch.no_grad():
        for p in made.critic.parameters():
            p.zero_()
    total = made.loss(seen, whole, hole)["critic"]
    torch.testing.assert_close(total, torch.full_like(total, 2 * math.log(2)))


def test_the_painter_climbs_what_the_critic_descends():
    """One backward pass: the critic's own slope, and the painter's turned round and scaled."""
    made = method(adversary=0.2).double().eval()
    seen, whole, hole = made.views(batch())
    seen, whole = seen.double(), whole.double()
    made.loss(seen, whole, hole)["critic"].mean().backward()
    got = {name: p.grad.clone() for name, p in made.named_parameters() if p.grad is not None}
    made.zero_grad()
    filled = torch.where(hole, made.decoder(made.encoder(seen)), whole)
    plainly = -made.critic(whole).sigmoid().log() - (1 - made.critic(filled).sigmoid()).log()
    plainly.mean().backward()
    for name, p in made.named_parameters():
        factor = 1 if name.startswith("critic") else -0.2
        torch.testing.assert_close(got[name], factor * p.grad, rtol=1e-6, atol=1e-12)


def test_without_an_adversary_there_is_no_critic():
    assert not hasattr(method(), "critic")


def test_an_unknown_mask_is_refused_before_the_first_step():
    with pytest.raises(UsageError, match="no mask"):
        method(mask="round")


@pytest.mark.parametrize("mask", ["centre", "blocks", "field"])
def test_the_picture_shows_the_hole_and_its_filling(mask):
    made = method(mask=mask).eval()
    with torch.no_grad():
        shown = made.picture(batch())
    assert list(shown) == ["seen", "filled", "true"]
    _, whole, hole = made.views(batch())
    assert torch.equal(torch.where(hole, whole, shown["filled"]), whole)
    assert all(x.min() >= 0 and x.max() <= 1 for x in shown.values())
