"""BiGAN: who is told what, by whom, and what it costs where nobody can tell."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from unlabeled.encoders import ConvNet
from unlabeled.methods.adversarial.bigan import BiGAN
from unlabeled.views import Batch, whole


def method(**given):
    torch.manual_seed(0)
    return BiGAN(ConvNet(3, 16, width=8), **{"code": 4, "width": 8, "hidden": 16, **given})


def batch(b=16, **given):
    chance = torch.Generator().manual_seed(0)
    data = torch.randint(0, 256, (b, 3, 16, 16), generator=chance, dtype=torch.uint8)
    return Batch(data, torch.arange(b), **given)


def pairs(made, images, noise):
    """Real and made pairs, as the paper writes them: (x, E(x)) and (G(z), z)."""
    painted = made.painter(noise).sigmoid()
    return (images, made.head(made.encoder(images))), (painted, noise)


def test_both_sides_energies_are_the_papers():
    """Eq. 3, - log D(x, E(x)) - log(1 - D(G(z), z)), and for the deceivers the opposite answers."""
    made = method().double().eval()
    images, noise = (v.double() for v in made.views(batch()))
    real, fake = pairs(made, images, noise)
    scores = (made.critic(*real), made.critic(*fake))
    p, q = (1 / (1 + np.exp(-s.detach().numpy())) for s in scores)
    energies = made.loss(images, noise)
    assert list(energies) == ["critic", "deceivers"]
    critic, deceivers = (e.detach().numpy() for e in energies.values())
    np.testing.assert_allclose(critic, -np.log(p) - np.log(1 - q), rtol=1e-10)
    np.testing.assert_allclose(deceivers, -np.log(1 - p) - np.log(q), rtol=1e-10)


def test_each_side_follows_its_own_slope_and_never_the_others():
    made = method().double()
    images, noise = (v.double() for v in made.views(batch()))
    sum(e.mean() for e in made.loss(images, noise).values()).backward()
    got = {name: p.grad for name, p in made.named_parameters()}
    made = method().double()
    real, fake = pairs(made, images, noise)
    p, q = made.critic(*real).sigmoid(), made.critic(*fake).sigmoid()
    judged = [p for name, p in made.named_parameters() if name.startswith("critic")]
    others = [p for name, p in made.named_parameters() if not name.startswith("critic")]
    told, fooled = (-p.log() - (1 - q).log()).mean(), (-(1 - p).log() - q.log()).mean()
    slopes = torch.autograd.grad(told, judged, retain_graph=True)
    slopes += torch.autograd.grad(fooled, others)
    names = sorted(got, key=lambda name: not name.startswith("critic"))
    for name, slope in zip(names, slopes, strict=True):
        torch.testing.assert_close(got[name], slope, rtol=1e-6, atol=1e-12, msg=name)


def test_a_critic_that_knows_nothing_costs_4_ln_2_and_no_deceiver_can_lower_that():
    made = method()
    views = made.views(batch())
    with torch.no_grad():
        for p in made.critic.judge.parameters():
            p.zero_()
    assert made(*views)[0].item() == pytest.approx(4 * math.log(2), rel=1e-6)
    for belief in (-1.0, 0.5):  # whoever is ahead, the sum only rises
        torch.nn.init.constant_(made.critic.judge[-1].bias, belief)
        assert made(*views)[0] > 4 * math.log(2) + 0.1
    assert made.learned_nothing(*views) is None


def test_the_energy_is_low_where_the_critic_finds_an_image_and_its_code_real():
    """A critic set by hand: bright images are real to it. Its loss is - log D(x, E(x))."""
    made = method().eval()
    made.critic = Brightness()
    shades = torch.linspace(0.1, 0.9, 5)[:, None, None, None].expand(5, 3, 16, 16)
    energy = made.energy(shades, torch.zeros(5, 4), samples=5)
    assert (energy.diff() < 0).all()
    belief = 1 / (1 + np.exp(-10 * (shades[:, 0, 0, 0].double().numpy() - 0.5)))
    np.testing.assert_allclose(energy, -np.log(belief), rtol=1e-5)
    assert not energy.requires_grad
    assert torch.equal(energy, made.energy(shades, torch.ones(5, 4)))  # no made image has a say


class Brightness(torch.nn.Module):
    """A critic that has made up its mind."""

    def forward(self, images, codes):
        return 10 * (images.mean((1, 2, 3)) - 0.5)


def test_codes_start_with_the_mean_and_the_deviation_of_the_prior():
    made = method(code=8)
    images, noise = made.views(batch(256))
    codes = made.embed(images)
    assert codes.shape == noise.shape == (256, 8)
    torch.testing.assert_close(codes.mean(0), torch.zeros(8), atol=1e-4, rtol=0)
    torch.testing.assert_close(codes.std(0), torch.ones(8), atol=0.02, rtol=0)
    assert noise.mean().abs() < 4 / noise.numel() ** 0.5
    assert noise.std().item() == pytest.approx(1, abs=0.05)


def test_the_critic_sees_the_code_as_well_as_the_image():
    made = method()
    images, noise = made.views(batch())
    seen = made.critic(images, noise)
    assert seen.shape == (16,)
    assert not torch.allclose(seen, made.critic(images, noise.flip(0)))
    assert not torch.allclose(seen, made.critic(images.flip(0), noise))


def test_a_code_is_not_seen_by_what_judges_another_pair():
    made = method()
    images, noise = made.views(batch())
    torch.testing.assert_close(made.critic(images, noise)[:3], made.critic(images[:3], noise[:3]))


def test_the_painter_learns_how_bright_the_data_are():
    bright = Batch(torch.full((16, 3, 16, 16), 230, dtype=torch.uint8), torch.arange(16))
    made, views = method(), method().views
    optimizer = torch.optim.Adam(made.parameters(), lr=5e-3, betas=(0.5, 0.999))
    before = made.paint(views(bright)[1]).mean().item()
    for epoch in range(60):
        again = Batch(bright.data, bright.index, epoch=epoch)
        made(*made.views(again))[0].backward()
        optimizer.step()
        optimizer.zero_grad()
    after = made.paint(views(bright)[1]).mean().item()
    assert abs(after - 230 / 255) < 0.8 * abs(before - 230 / 255)


def test_the_picture_shows_seen_rebuilt_and_new_images():
    made = method().eval()
    with torch.no_grad():
        shown, again = made.picture(batch(4)), made.picture(batch(4, epoch=1))
    assert list(shown) == ["seen", "rebuilt", "drawn from the prior"]
    assert all(x.shape == (4, 3, 16, 16) and x.min() >= 0 and x.max() <= 1 for x in shown.values())
    torch.testing.assert_close(shown["seen"], whole(batch(4), 16))
    torch.testing.assert_close(shown["rebuilt"], again["rebuilt"])
    assert not torch.equal(shown["drawn from the prior"], again["drawn from the prior"])
