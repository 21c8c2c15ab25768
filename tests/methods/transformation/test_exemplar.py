"""Exemplar: a few images, the seeds, are the classes, and each view is in its seed's class."""

from __future__ import annotations

import math

import pytest
import torch

from unlabeled.encoders import ConvNet
from unlabeled.methods.transformation.exemplar import Exemplar
from unlabeled.views import Batch, augment

N = 20


def data():
    chance = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (N, 3, 16, 16), generator=chance, dtype=torch.uint8)


def method(seeds=N, images=None, **given):
    torch.manual_seed(0)
    m = Exemplar(ConvNet(3, 16, width=8), hidden=8, seeds=seeds, **given)
    m.prepare(data() if images is None else images)
    return m


def batch(index=(7, 2, 11, 19), images=None, **given):
    index = torch.tensor(index)
    return Batch((data() if images is None else images)[index], index, **given)


def test_where_there_are_enough_classes_every_image_is_one():
    images, which = method(copies=3).views(batch())
    assert which.tolist() == [7] * 3 + [2] * 3 + [11] * 3 + [19] * 3
    assert images.shape == (12, 3, 16, 16)
    assert len({tuple(image.flatten().tolist()) for image in images}) == 12  # no view twice


def test_seeds_lie_evenly_and_an_image_stands_for_the_seed_before_it():
    shades = torch.arange(N, dtype=torch.uint8).view(N, 1, 1, 1).expand(N, 3, 16, 16)
    m = method(6, shades, colour=0.0)
    images, which = m.views(batch(range(N), shades))
    first = torch.tensor([0, 4, 7, 10, 14, 17])  # as many as were asked for, 3 or 4 apart
    assert which.tolist() == [int((first <= i).sum()) - 1 for i in range(N)]
    torch.testing.assert_close(images, shades[first[which]].float() / 255)
    assert m.images[:, 0, 0, 0].tolist() == first.tolist()


def test_images_with_one_seed_are_shown_it_in_other_ways():
    images, which = method(6).views(batch(range(4)))
    assert which.tolist() == [0] * 4
    assert len({tuple(image.flatten().tolist()) for image in images}) == 4


def test_the_loss_is_the_cross_entropy_over_all_seeds():
    """Eq. 1 and 2: -log softmax of the view's own class among all classes."""
    m = method(copies=2).double().eval()
    images, which = m.views(batch())
    scores = m.body(m.encoder(images.double())) @ m.classes.T
    expected = torch.stack([s.exp().sum().log() - s[k] for s, k in zip(scores, which, strict=True)])
    torch.testing.assert_close(m.loss(images.double(), which), expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(
        m.energy(images.double(), which, samples=4), expected.view(4, 2).mean(1)
    )


def test_where_all_look_alike_every_class_is_as_likely():
    m = method()
    with torch.no_grad():
        m.body[-1].weight.zero_()
    assert m(*m.views(batch()))[0].item() == pytest.approx(math.log(N), abs=1e-6)
    assert m.learned_nothing() == math.log(N)


def test_of_few_images_only_those_that_exist_are_classes():
    """40 images and 2,000 seeds: chance is ln 40, and no class without an image is chosen."""
    few = torch.randint(0, 256, (40, 3, 16, 16), dtype=torch.uint8)
    m = method(2000, few)
    assert m.learned_nothing() == math.log(40)
    with torch.no_grad():
        m.body[-1].weight.zero_()
    views = m.views(batch(range(40), few))
    assert m(*views)[0].item() == pytest.approx(math.log(40), abs=1e-5)
    assert m.scores(m.embed(views[0])).shape == (40, 40)
    assert sorted(views[1].tolist()) == list(range(40))


def test_the_energy_of_a_sample_is_minus_the_log_density_of_the_mixture_behind_the_softmax():
    """Unit Gaussians about the classes' vectors, as heavy as makes the softmax their posterior.

    Of the sample itself, not of the seed that stands in its place in training.
    """
    m = method(6).double().eval()
    other = Batch(data().flip(0).double() / 255, torch.arange(N), seed=3)
    found = m.energy_of(other)
    z = m.body(m.encoder(augment(Batch(other.data, other.index, seed=3), 16, m.look)))
    weight = (m.classes.square().sum(1) / 2).exp()
    gaussian = (-(z[:, None] - m.classes).square().sum(2) / 2).exp()  # but for a constant
    expected = -(weight * gaussian).sum(1).log()
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-10)
    posterior = weight * gaussian / (weight * gaussian).sum(1, keepdim=True)
    torch.testing.assert_close(posterior, (z @ m.classes.T).softmax(1), rtol=1e-8, atol=1e-10)
    assert not found.requires_grad
    as_trained = m.energy_of(Batch(data().double() / 255, torch.arange(N), seed=3))
    assert not torch.allclose(found, as_trained)


def test_a_picture_shows_any_image_a_view_of_it_and_the_seed_guessed():
    m = method(6, copies=2)
    with torch.no_grad():
        shown = m.picture(batch(range(N)))
    true, seen, guessed = shown.values()
    torch.testing.assert_close(true, data().float() / 255)  # itself, not the seed that it is of
    views = augment(batch(range(N)), 16, m.look)
    torch.testing.assert_close(seen, views)
    scores = m.body(m.encoder(views)) @ m.classes.T
    seeds = data()[[0, 4, 7, 10, 14, 17]].float() / 255
    torch.testing.assert_close(guessed, seeds[scores.argmax(1)])
    assert len(scores.argmax(1).unique()) > 1


def test_on_images_that_it_was_not_trained_on_it_keeps_its_classes_and_has_no_picture():
    trained = method(6)
    asked = method(6, data().flip(0)[:4])  # four images: of six classes
    asked.load_state_dict(trained.state_dict())
    assert asked.scores(torch.rand(2, 8)).shape == (2, 6)
    assert asked.picture(batch(range(4), data().flip(0)[:4])) == {}


def test_classes_start_as_the_seed_says_and_are_never_all_alike():
    assert torch.equal(method().classes, method().classes)
    torch.manual_seed(1)
    other = Exemplar(ConvNet(3, 16, width=8), hidden=8, seeds=N)
    assert not torch.equal(method().classes, other.classes)
    assert method().classes.std(0).min() > 0.1


def test_the_first_gradient_of_a_class_that_is_not_in_the_batch_is_no_rounding_error():
    """Batch norm makes the views' vectors sum to 0, so equal classes would get exactly nothing."""
    m = method().double()
    images, which = m.views(batch())
    m(images.double(), which)[0].backward()
    unseen = torch.tensor([i for i in range(N) if i not in which])
    assert m.classes.grad[unseen].norm(dim=1).min() > 1e-4


def test_a_step_pulls_the_own_class():
    m = method()
    images, which = m.views(batch())
    m(images, which)[0].backward()
    toward = -(m.classes.grad @ m.embed(images).detach().T)
    assert (toward[which, torch.arange(4)] > 0).all()


def test_views_are_strong():
    """Neither the crop nor the colours of two views of an image agree."""
    plain = torch.full((64, 3, 16, 16), 128, dtype=torch.uint8)
    images, _ = method(64, plain, copies=2, colour=1.0).views(batch(range(64), plain))
    one, two = images.mean((2, 3)).view(64, 2, 3).unbind(1)
    assert (one - two).abs().mean() > 0.1


def test_a_trained_classifier_knows_its_images_again():
    """It is the method's own promise: after some steps a fresh view is told by its class."""
    coarse = data()[:, :, ::4, ::4].repeat_interleave(4, 2).repeat_interleave(4, 3)
    m = method(N, coarse, copies=2, crop=0.7, colour=0.2)
    optimizer = torch.optim.Adam(m.parameters(), lr=1e-2)
    for epoch in range(40):
        m(*m.views(batch(range(N), coarse, epoch=epoch)))[0].backward()
        optimizer.step()
        optimizer.zero_grad()
    images, which = m.views(batch(range(N), coarse, epoch=100))
    guess = (m.embed(images) @ m.classes.T).argmax(1)
    assert (guess == which).float().mean() > 0.6
