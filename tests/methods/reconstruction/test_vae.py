"""The variational autoencoder: its bound, term by term, and what a code that tells nothing costs."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from unlabeled.encoders import ConvNet
from unlabeled.methods.reconstruction.vae import VAE, divergence
from unlabeled.views import Batch


def method(**given):
    torch.manual_seed(0)
    return VAE(ConvNet(3, 16, width=8), code=4, width=8, **given)


def batch(b=32, **given):
    chance = torch.Generator().manual_seed(0)
    data = torch.randint(0, 256, (b, 3, 16, 16), generator=chance, dtype=torch.uint8)
    return Batch(data, torch.arange(b), **given)


def test_the_bound_is_the_papers():
    """-E log p(x | z) + KL(q(z | x) || p(z)), Kingma & Welling 2014, eq. 10 and appendices B, C.1."""
    vae = method(beta=0.7).double().eval()
    images, noise = (v.double() for v in vae.views(batch(5)))
    mean, log_variance = (v.detach() for v in vae.posterior(images))
    z = mean + torch.sqrt(log_variance.exp()) * noise
    p = (1 / (1 + (-vae.decoder(z)).exp())).detach().numpy()
    x, m, s2 = images.numpy(), mean.numpy(), np.exp(log_variance.numpy())
    wrong = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum((1, 2, 3))
    told = 0.7 * -0.5 * (1 + np.log(s2) - m**2 - s2).sum(1)
    terms = vae.loss(images, noise)
    np.testing.assert_allclose(terms["reconstruction"].detach(), wrong, atol=1e-10, rtol=1e-10)
    np.testing.assert_allclose(terms["divergence"].detach(), told, atol=1e-10, rtol=1e-10)
    assert list(terms) == ["reconstruction", "divergence"]


def test_the_divergence_is_what_sampling_says():
    chance = torch.Generator().manual_seed(0)
    mean, log_variance = torch.tensor([[0.7, -1.2, 0.0]]), torch.tensor([[-1.0, 0.5, 0.2]])
    z = mean + (log_variance / 2).exp() * torch.randn(200_000, 3, generator=chance)
    inside = -((z - mean).square() / log_variance.exp() + log_variance).sum(1) / 2
    sampled = (inside + z.square().sum(1) / 2).mean()
    assert divergence(mean, log_variance).item() == pytest.approx(sampled.item(), rel=0.02)


def test_the_divergence_is_zero_at_the_prior_and_nowhere_else():
    zero = torch.zeros(1, 3)
    assert divergence(zero, zero).item() == 0
    for shift in (0.1, -0.1):
        assert divergence(zero + shift, zero).item() > 0
        assert divergence(zero, zero + shift).item() > 0


def test_the_noise_is_the_samples_own_and_standard_normal():
    _, noise = method().views(batch(512))
    assert noise.shape == (512, 4)
    assert abs(noise.mean().item()) < 4 / math.sqrt(noise.numel())
    assert noise.var().item() == pytest.approx(1, abs=0.15)
    _, again = method().views(batch(512, epoch=1))
    assert not torch.equal(noise, again)


class Always(nn.Module):
    """A decoder that paints one image whatever the code."""

    def __init__(self, image):
        super().__init__()
        self.image = image

    def forward(self, z):
        return self.image.expand(len(z), -1, -1, -1)


def test_a_code_that_tells_nothing_costs_the_mean_images_entropy():
    vae = method().double().eval()
    images, noise = (v.double() for v in vae.views(batch()))
    with torch.no_grad():
        for head in (vae.mean, vae.log_variance):
            head.weight.zero_()
            head.bias.zero_()
    scores = images.mean(0).logit()
    vae.decoder = Always(scores)
    total, terms = vae(images, noise)
    assert terms["divergence"] == 0
    assert vae.learned_nothing(images, noise) == pytest.approx(total.item(), rel=1e-9)
    for other in (scores + 0.1, scores * 0.9):
        vae.decoder = Always(other)
        assert vae(images, noise)[0] > total


def test_the_picture_shows_seen_rebuilt_and_new_images():
    shown = method().eval().picture(batch(4))
    assert list(shown) == ["seen", "rebuilt", "drawn from the prior"]
    assert all(x.shape == (4, 3, 16, 16) and x.min() >= 0 and x.max() <= 1 for x in shown.values())
    again = method().eval().picture(batch(4, epoch=1))
    torch.testing.assert_close(shown["rebuilt"], again["rebuilt"])  # from the code's mean
    assert not torch.equal(shown["drawn from the prior"], again["drawn from the prior"])
