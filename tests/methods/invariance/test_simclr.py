"""SimCLR: two views, one projector, and NT-Xent over both."""

from __future__ import annotations

import torch

from unlabeled.encoders import ConvNet
from unlabeled.losses import nt_xent
from unlabeled.methods.invariance.simclr import SimCLR
from unlabeled.views import Batch


def method(**given):
    torch.manual_seed(0)
    return SimCLR(ConvNet(3, 16, width=8), hidden=16, projection=8, **given)


def batch(b=6, side=16):
    chance = torch.Generator().manual_seed(0)
    data = torch.randint(0, 256, (b, 3, side, side), generator=chance, dtype=torch.uint8)
    return Batch(data, torch.arange(b))


def test_the_loss_is_nt_xent_of_the_projections():
    simclr = method(temperature=0.3).double().eval()
    a, b = (x.double() for x in simclr.views(batch()))
    project = lambda x: simclr.projector(simclr.encoder(x))
    expected = nt_xent(project(a), project(b), temperature=0.3)
    torch.testing.assert_close(simclr.loss(a, b), expected, rtol=0, atol=1e-10)


def test_both_views_share_a_batch_norm():
    """In training the statistics are those of all 2 N views, as in the paper's code."""
    simclr = method().train()
    a, b = simclr.views(batch())
    simclr.loss(a, b)
    assert simclr.projector[1].num_batches_tracked == 1


def test_two_views_are_two():
    a, b = method().views(batch())
    assert a.shape == b.shape == (6, 3, 16, 16)
    assert not torch.equal(a, b)


def test_a_view_of_the_same_image_has_less_energy_than_one_of_another():
    simclr = method().eval()
    x = simclr.views(batch())[0]
    assert simclr.energy(x, x).mean() < simclr.energy(x, x.roll(1, 0)).mean()
