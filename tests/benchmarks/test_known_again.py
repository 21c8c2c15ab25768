"""One's own among others: measured where the answer is known."""

import numpy as np
import pytest
import torch

from benchmarks import known_again
from unlabeled.data import open_data
from unlabeled.encoders import ConvNet
from unlabeled.encoders.base import Encoder
from unlabeled.methods.adversarial.bigan import BiGAN
from unlabeled.methods.transformation.exemplar import Exemplar


def test_one_is_found_where_its_own_is_nearest_and_a_tie_is_no_find():
    one, other = torch.eye(4), torch.eye(4)[[0, 1, 3, 2]]
    assert known_again.own_first(one, one) == 100
    assert known_again.own_first(one, other) == 50
    assert known_again.own_first(torch.zeros(4, 2), torch.zeros(4, 2)) == 0


class Shade(Encoder):
    """How bright an image is: sixty-four steps, of which one is on."""

    dim, size, channels, steps = 64, 16, 1, 64

    def features(self, x):
        at = (x.mean((1, 2, 3)) * (self.steps - 1)).round().long()
        return {"out": torch.eye(self.dim)[at]}


def shades(n, step=4):
    """Each image of one brightness, which no crop or flip changes."""
    return torch.arange(0, n * step, step, dtype=torch.uint8).view(n, 1, 1, 1).expand(n, 1, 16, 16)


def knowing(seeds, among, named=None):
    """An exemplar that reads a view's brightness, and takes seed i for the one `named` says."""
    method = Exemplar(Shade(), seeds=seeds, hidden=64, colour=0.0, copies=2)
    method.body = torch.nn.Identity()
    method.prepare(shades(among))
    own = method.images[:, 0, 0, 0] / 255 * (Shade.steps - 1)
    with torch.no_grad():
        order = torch.arange(seeds) if named is None else torch.tensor(named)
        method.classes.copy_(torch.eye(64)[own.round().long()[order]])
    return method.eval()


@torch.no_grad()
@pytest.mark.parametrize(("named", "right"), [(None, 100), ([0, 1, 2, 3, 5, 4, 7, 6], 50)])
def test_a_seed_is_named_in_views_of_seeds_that_lie_between_other_images(named, right):
    store = open_data(shades(6, 40).numpy()[:, 0])
    found = known_again.exemplar(knowing(8, 60, named), None, store, np.zeros(6))
    assert found["accuracy"] == right
    assert found["chance"] == 100 / 8


@torch.no_grad()
def test_views_are_paired_by_what_they_remind_of():
    store = open_data(shades(12).numpy()[:, 0])
    found = known_again.exemplar(knowing(60, 60), None, store, np.zeros(12))
    assert found["pairs"] == found["pairs, pixels"] == 100
    blind = knowing(60, 60)
    blind.classes.data[:] = torch.eye(64)[:60]
    blind.encoder.steps = 1  # all alike to it
    found = known_again.exemplar(blind, None, store, np.zeros(12))
    assert (found["pairs"], found["pairs, pixels"]) == (0, 100)
    assert found["pairs, chance"] == 100 / 12


@torch.no_grad()
def test_the_two_views_are_not_one():
    noise = open_data(np.random.default_rng(0).integers(0, 255, (40, 16, 16), np.uint8))
    method = knowing(60, 60)
    method.body = torch.nn.Linear(64, 64)
    method.encoder.features = lambda x: {"out": x.flatten(2)[:, 0, ::4]}
    found = known_again.exemplar(method, None, noise, np.zeros(40))
    assert found["pairs"] < 50  # crops of noise have little in common; one view is all its own


class Brightness(torch.nn.Module):
    """A critic to whom an image is real that is nowhere below black."""

    def forward(self, images, codes):
        return (images.amin((1, 2, 3)) >= 0).float() - 0.5


@torch.no_grad()
def test_what_was_rebuilt_is_measured_beside_the_mean_and_another_image():
    torch.manual_seed(0)
    train, test = (
        np.random.default_rng(k).integers(0, 255, (200, 16, 16), np.uint8) for k in (0, 1)
    )
    method = BiGAN(ConvNet(1, 16, width=4), code=256, width=4, hidden=8).eval()
    method.embed = lambda x: x.flatten(1)
    method.paint = lambda codes: codes.view(-1, 1, 16, 16)
    method.critic = Brightness()
    found = known_again.bigan(method, open_data(train), open_data(test), np.zeros(200))
    assert (found["error"], found["own"], found["own, chance"]) == (0, 100, 1)
    assert found["critic"] == {"real": 100, "made": 100, "both": 100}
    assert found["gradient energy"] == pytest.approx(4, rel=0.02)  # 2 of each axis, of white noise
    x, t = (part.reshape(200, -1) / 255 for part in (test, train))
    pairs = ((x[:, None] - t[None]) ** 2).mean()
    assert found["error of another"] == pytest.approx(pairs, rel=1e-5)
    assert found["error of the mean"] == pytest.approx(((x - t.mean(0)) ** 2).mean(), rel=1e-5)
    method.paint = lambda codes: codes.view(-1, 1, 16, 16).roll(1, 0)  # another's
    assert known_again.bigan(method, open_data(train), open_data(test), np.zeros(200))["own"] == 0
