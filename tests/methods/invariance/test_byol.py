"""BYOL against its formula; and without its predictor it collapses, as it must."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from unlabeled.encoders import ConvNet
from unlabeled.methods.invariance.byol import BYOL
from unlabeled.views import Batch


def method(seed=0):
    torch.manual_seed(seed)
    return BYOL(ConvNet(1, 16, width=8), hidden=32, projection=16, teacher_momentum=0.9)


def pictures(n=64):
    """Smooth blobs, each in a place of its own."""
    chance = torch.Generator().manual_seed(0)
    small = torch.rand(n, 1, 4, 4, generator=chance)
    return (nn.functional.interpolate(small, (16, 16), mode="bilinear") * 255).byte()


def test_the_loss_is_the_papers_in_both_directions():
    """Grill et al. 2020, eq. 2 and below: sum over directions of 2 - 2 <q, z'> / (|q| |z'|)."""
    byol = method().double().eval()
    with torch.no_grad():
        byol.teacher.nets[1][0].weight.mul_(0.5).add_(0.01)  # a teacher of its own
    a, b = (x.double() for x in byol.views(Batch(pictures(5), torch.arange(5))))
    unit = lambda z: z / z.square().sum(1, keepdim=True).sqrt()
    q = lambda x: unit(byol.predictor(byol.projector(byol.encoder(x))))
    z = lambda x: unit(byol.teacher.nets[1](byol.teacher.nets[0](x)))
    expected = 4 - 2 * (q(a) * z(b)).sum(1) - 2 * (q(b) * z(a)).sum(1)
    torch.testing.assert_close(byol.loss(a, b), expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(byol.loss(b, a), expected, rtol=0, atol=1e-10)


def test_the_teacher_has_no_predictor():
    byol = method()
    assert len(byol.teacher.nets) == 2
    shapes = [p.shape for net in (byol.encoder, byol.projector) for p in net.parameters()]
    assert [p.shape for p in byol.teacher.parameters()] == shapes


def spread(byol, images):
    """Mean deviation of the unit projections' dimensions, as a share of an isotropic cloud's."""
    with torch.no_grad():
        z = nn.functional.normalize(byol.projector(byol.encoder(images)), dim=1)
    return (z.std(0).mean() * z.shape[1] ** 0.5).item()


@pytest.mark.parametrize(("predictor", "collapses"), [(True, False), (False, True)])
def test_the_predictor_is_what_keeps_it_from_collapse(predictor, collapses):
    byol = method().train()
    for net in (byol.projector, byol.teacher.nets[1]):
        net[1] = nn.Identity()  # in both, as batch norm would slow a collapse down
    if not predictor:
        byol.predictor = nn.Identity()
    students = [p for p in byol.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(students, lr=3e-3, weight_decay=1e-4)
    data = pictures()
    before = spread(byol.train(), data.float() / 255)
    for step in range(60):
        with torch.no_grad():
            views = byol.views(Batch(data, torch.arange(64), epoch=step))
        loss, _ = byol(*views)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        byol.advance(step / 1000)
    after = spread(byol, data.float() / 255)
    assert (after < 0.1 * before) == collapses, (before, after, loss.item())
