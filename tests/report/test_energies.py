"""Energies of single samples: what is the sample's own is told from chance."""

import numpy as np
import pytest
import torch

from unlabeled.data import Store
from unlabeled.encoders import Encoder, Shape
from unlabeled.fields import hp
from unlabeled.method import Method
from unlabeled.report.energies import energies
from unlabeled.report.gather import extremes
from unlabeled.report.pool import Pool


class Level(Encoder):
    """The mean of an image."""

    dim = size = channels = 1

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))

    def features(self, x):
        return {"out": x.flatten(1).mean(1, keepdim=True) * self.scale}


class Bright(Method):
    """The energy is the brightness, and as much noise of the view as is asked for."""

    noise: float = hp("deviation of the noise", default=0.0, low=0)
    others: bool = hp("whether other samples stand in their place", default=False)

    def views(self, batch):
        seen = batch.index[:, None, None, None] if self.others else batch.data
        return seen.float(), self.noise * batch.dice.normal(1)[:, 0]

    def loss(self, x, noise):
        return self.encoder(x)[:, 0] + noise


def store(n=900):
    """Images whose brightness is a standard normal number."""
    levels = np.random.default_rng(0).standard_normal(n).astype(np.float32)
    data = levels[:, None, None, None] + np.zeros((1, 2, 2), np.float32)
    return Store(data, Shape("image", 1, 2), list(map(str, range(n)))), levels


def test_energies_are_those_of_the_samples_asked_about_in_their_order():
    samples, levels = store()
    index = torch.tensor([5, 3, 899, 10, 11])
    found, steady = energies(Bright(Level()), samples, index)
    assert found.numpy() == pytest.approx(levels[index.numpy()], rel=1e-5)
    assert steady == pytest.approx(1)


@pytest.mark.parametrize(("noise", "expected"), [(1.0, 8 / 9), (2.0, 8 / 12), (4.0, 8 / 24)])
def test_draws_that_disagree_are_not_trusted(noise, expected):
    """With own variance 1 and noise s^2, the mean of eight keeps 1 / (1 + s^2 / 8)."""
    samples, levels = store()
    found, steady = energies(Bright(Level(), noise=noise), samples, torch.arange(900))
    assert steady == pytest.approx(expected, abs=0.05)
    assert np.corrcoef(found.numpy(), levels)[0, 1] == pytest.approx(expected**0.5, abs=0.03)


def test_a_method_that_shows_other_samples_says_nothing_of_these():
    samples, _ = store(60)
    found, steady = energies(Bright(Level(), others=True), samples, torch.arange(60))
    assert found.std() > 1
    assert np.isnan(steady)


def test_energies_that_are_no_numbers_or_all_alike_are_not_steady():
    samples, _ = store(60)
    for level in (torch.nan, 0.0):
        encoder = Level()
        torch.nn.init.constant_(encoder.scale, level)
        assert not energies(Bright(encoder), samples, torch.arange(60))[1] > 0


def test_the_hardest_are_shown_where_that_is_their_own():
    samples, levels = store(60)
    pool = Pool(samples, torch.arange(60), torch.randn(60, 8), 60)
    shown = extremes(Bright(Level()), samples, pool, seed=0)
    order = [str(i) for i in levels.argsort()]
    assert shown.hardest is not None
    assert shown.easiest is not None
    assert shown.hardest.names == order[::-1][:8]
    assert shown.easiest.names == order[:8]
    for said in ({"others": True}, {"noise": 30.0}):
        shown = extremes(Bright(Level(), **said), samples, pool, seed=0)
        assert shown.hardest is None
        assert shown.strangest is not None


def test_every_batch_is_as_large_and_the_method_knows_which_samples_it_sees():
    samples, _ = store()
    seen = []

    class Listens(Bright):
        """Writes down what it is told."""

        def views(self, batch):
            assert torch.equal(self.index, batch.index)
            seen.append(batch.index.tolist())
            return super().views(batch)

    method = Listens(Level())
    method.train()
    energies(method, samples, torch.arange(900))
    assert {len(part) for part in seen[:9]} == {300}
    assert sorted(i for part in seen[:3] for i in part) == list(range(900))
    assert seen[0] != seen[3]
    assert method.training
