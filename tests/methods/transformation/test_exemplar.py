"""Exemplar: as many classes as images, each view in its own image's class."""

from __future__ import annotations

import math

import pytest
import torch

from unlabeled.encoders import ConvNet
from unlabeled.methods.transformation.exemplar import Exemplar
from unlabeled.views import Batch

N = 20


def data():
    chance = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (N, 3, 16, 16), generator=chance, dtype=torch.uint8)


def method(**given):
    torch.manual_seed(0)
    m = Exemplar(ConvNet(3, 16, width=8), hidden=8, **given)
    m.prepare(data())
    return m


def batch(index=(7, 2, 11, 19)):
    index = torch.tensor(index)
    return Batch(data()[index], index)


def test_every_image_is_a_class_and_every_view_is_in_its_images_class():
    m = method(copies=3)
    assert m.classes.shape == (N, 8)
    images, which = m.views(batch())
    assert which.tolist() == [7] * 3 + [2] * 3 + [11] * 3 + [19] * 3
    assert images.shape == (12, 3, 16, 16)
    assert len({tuple(image.flatten().tolist()) for image in images}) == 12  # no view twice


def test_the_loss_is_the_cross_entropy_over_all_images():
    """Eq. 1 and 2: -log softmax of the view's own class among the classes of all images."""
    m = method(copies=2).double().eval()
    torch.nn.init.normal_(m.classes)
    images, which = m.views(batch())
    scores = m.body(m.encoder(images.double())) @ m.classes.T
    expected = torch.stack([s.exp().sum().log() - s[k] for s, k in zip(scores, which, strict=True)])
    torch.testing.assert_close(m.loss(images.double(), which), expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(
        m.energy(images.double(), which, samples=4), expected.view(4, 2).mean(1)
    )


def test_at_first_every_image_is_as_likely():
    m = method()
    assert m(*m.views(batch()))[0].item() == pytest.approx(math.log(N), abs=1e-6)
    assert m.learned_nothing() == math.log(N)


def test_a_step_pulls_the_own_class_and_pushes_all_others():
    m = method()
    images, which = m.views(batch())
    m(images, which)[0].backward()
    z = m.embed(images).detach()
    toward = -(m.classes.grad @ z.T)
    assert (toward[which, torch.arange(4)] > 0).all()
    seen = set(which.tolist())
    unseen = torch.tensor([i for i in range(N) if i not in seen])
    torch.testing.assert_close(m.classes.grad[unseen], (z.sum(0) / N / 4).expand(len(unseen), -1))


def test_views_are_strong():
    """Neither the crop nor the colours of two views of an image agree."""
    plain = torch.full((64, 3, 16, 16), 128, dtype=torch.uint8)
    images, _ = method(copies=2, colour=1.0).views(Batch(plain, torch.arange(64)))
    one, two = images.mean((2, 3)).view(64, 2, 3).unbind(1)
    assert (one - two).abs().mean() > 0.1


def test_a_trained_classifier_knows_its_images_again():
    """It is the method's own promise: after some steps a fresh view is told by its class."""
    coarse = data()[:, :, ::4, ::4].repeat_interleave(4, 2).repeat_interleave(4, 3)
    m = method(copies=2, crop=0.7, colour=0.2)
    optimizer = torch.optim.Adam(m.parameters(), lr=1e-2)
    everything = torch.arange(N)
    for epoch in range(40):
        m(*m.views(Batch(coarse, everything, epoch=epoch)))[0].backward()
        optimizer.step()
        optimizer.zero_grad()
    images, which = m.views(Batch(coarse, everything, epoch=100))
    guess = (m.embed(images) @ m.classes.T).argmax(1)
    assert (guess == which).float().mean() > 0.6
