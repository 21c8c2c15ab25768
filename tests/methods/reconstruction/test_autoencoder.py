"""The autoencoder: what is hidden, what is asked for, and the theorem of its linear kin."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from unlabeled.encoders import ConvNet
from unlabeled.encoders.base import Encoder
from unlabeled.losses import regress
from unlabeled.methods.reconstruction.autoencoder import Autoencoder
from unlabeled.views import Batch


def method(**given):
    torch.manual_seed(0)
    return Autoencoder(ConvNet(3, 16, width=8), code=8, width=8, **given)


def batch(b=64):
    chance = torch.Generator().manual_seed(0)
    data = torch.randint(1, 256, (b, 3, 16, 16), generator=chance, dtype=torch.uint8)
    return Batch(data, torch.arange(b))


def test_without_noise_it_is_asked_for_what_it_sees():
    noisy, clean = method().views(batch())
    assert torch.equal(noisy, clean)
    torch.testing.assert_close(clean, batch().data.float() / 255)


def test_noise_takes_whole_pixels_and_never_touches_the_target():
    noisy, clean = method(noise=0.25).views(batch())
    torch.testing.assert_close(clean, batch().data.float() / 255)
    gone = (noisy == 0).all(1)
    assert torch.equal(torch.where(gone[:, None], clean, noisy), clean)
    assert gone.double().mean().item() == pytest.approx(
        0.25, abs=4 * (0.1875 / gone.numel()) ** 0.5
    )
    assert torch.equal((noisy == 0).any(1), gone)  # all channels of a pixel go together


def test_the_energy_is_the_mean_squared_error_of_each_image():
    auto = method().double().eval()
    _, clean = auto.views(batch(4))
    clean = clean.double()
    expected = (auto.rebuild(clean) - clean).square().mean((1, 2, 3))
    torch.testing.assert_close(auto.loss(clean, clean), expected, rtol=0, atol=1e-10)


def test_the_best_constant_is_the_mean_image():
    auto = method()
    noisy, clean = auto.views(batch())
    nothing = auto.learned_nothing(noisy, clean)
    mean = clean.mean(0, keepdim=True)
    assert nothing == pytest.approx(regress(mean.expand_as(clean), clean).mean().item(), rel=1e-5)
    for other in (mean + 0.05, mean * 0.9, torch.rand_like(mean)):
        assert regress(other.expand_as(clean), clean).mean() > nothing


def test_the_picture_shows_seen_rebuilt_and_true():
    shown = method(noise=0.25).eval().picture(batch(4))
    assert list(shown) == ["seen", "rebuilt", "true"]
    assert all(x.shape == (4, 3, 16, 16) and x.min() >= 0 and x.max() <= 1 for x in shown.values())


class Flat(Encoder):
    """A linear encoder."""

    def __init__(self, size, dim):
        super().__init__()
        self.channels, self.size, self.dim = 1, size, dim
        self.map = nn.Linear(size * size, dim)

    def forward(self, x):
        return self.map(x.flatten(1))


def test_a_linear_autoencoder_spans_the_principal_subspace():
    """Baldi & Hornik 1989: its rebuilt images lie where PCA's do, and cost as much."""
    torch.manual_seed(0)
    size, rank = 4, 3
    spread = torch.linspace(1.2, 0.05, size * size, dtype=torch.float64)
    axes = torch.linalg.qr(torch.randn(size * size, size * size, dtype=torch.float64))[0]
    images = ((torch.randn(400, size * size, dtype=torch.float64) * spread) @ axes.T).view(
        -1, 1, size, size
    )
    auto = Autoencoder(Flat(size, 8), code=rank)
    auto.decoder = nn.Sequential(nn.Linear(rank, size * size), nn.Unflatten(1, (1, size, size)))
    auto = auto.double()
    optimizer = torch.optim.LBFGS(auto.parameters(), max_iter=400, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        value = auto.loss(images, images).mean()
        value.backward()
        return value

    optimizer.step(loss)
    centred = (images - images.mean(0)).flatten(1)
    _, s, v = torch.linalg.svd(centred, full_matrices=False)
    assert auto.loss(images, images).mean().item() == pytest.approx(
        (s[rank:].square().sum() / centred.numel()).item(), rel=1e-3
    )
    ours = torch.linalg.qr(auto.decoder[0].weight.detach())[0]
    angles = torch.linalg.svdvals(v[:rank] @ ours).clamp(max=1).arccos()
    assert angles.max() < 1e-2
