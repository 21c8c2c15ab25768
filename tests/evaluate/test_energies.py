"""Energies of single samples: what is the sample's own is told from chance."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from unlabeled.data import Store
from unlabeled.encoders import Encoder, Shape, Words
from unlabeled.errors import UsageError
from unlabeled.evaluate import evaluate, table
from unlabeled.evaluate.energies import energies, energy, own_energies
from unlabeled.fields import hp
from unlabeled.method import Method
from unlabeled.methods.prediction.word2vec import Word2Vec
from unlabeled.report.gather import extremes
from unlabeled.report.pool import Pool


class Level(Encoder):
    """The mean of an image."""

    dim = size = channels = 1

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))

    def reset_parameters(self):
        torch.nn.init.constant_(self.scale, -1.0)

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


def expected(labels, levels):
    """The mean and the deviation over classes, in percent."""
    scores = [100 * roc_auc_score(labels == c, levels) for c in np.unique(labels)]
    return np.mean(scores), np.std(scores, ddof=1)


def test_each_class_in_turn_is_strange_by_its_energy():
    samples, levels = store()
    labels = np.digitize(levels, [-0.4, 1.0])  # the last class is the brightest
    mean, deviation = expected(labels, levels)
    found = energy(Bright(Level()), (samples, labels))
    assert list(found) == ["encoder", "untrained"]
    score = found["encoder"]["energy"]
    assert next(iter(score)) == "AUROC"
    assert score["AUROC"] == pytest.approx(mean, abs=1e-3)
    assert score["deviation"] == pytest.approx(deviation, abs=1e-3)
    assert deviation > 40  # the brightest always fit worst, the darkest always best
    assert score["reliability"] == pytest.approx(1)
    assert found["untrained"]["energy"]["AUROC"] == pytest.approx(100 - mean, abs=1e-3)
    assert energy(Bright(Level()), (samples, labels), untrained=False) == {
        "encoder": {"energy": score}
    }


def test_classes_that_are_equally_familiar_are_at_chance():
    samples, _ = store()
    score = energy(Bright(Level()), (samples, np.arange(900) % 3))["encoder"]["energy"]
    assert score["AUROC"] == pytest.approx(50, abs=3)


def test_it_is_a_protocol_that_asks_the_method():
    samples, levels = store()
    given = samples, (levels > 1).astype(int)
    method = Bright(Level())
    found = evaluate(method.encoder, given, given, protocols=("energy",), method=method)
    assert found["scores"]["encoder"] == energy(method, given)["encoder"]
    assert found["settings"]["energy"] == {"draws": 8, "seed": 0}
    assert [row[0] for row in table(found)] == ["", "encoder", "untrained"]
    assert table(found)[0][1] == "energy AUROC"
    alone = evaluate(method.encoder, given, given, protocols=("energy",), beside=(), method=method)
    assert list(alone["scores"]) == ["encoder"]
    with pytest.raises(UsageError, match="this is an encoder alone"):
        evaluate(method.encoder, given, given, protocols=("energy",))


def test_energies_that_say_nothing_of_a_sample_are_refused():
    samples, _ = store(60)
    for method in (Bright(Level()), Bright(Level(), others=True)):
        if not method.others:
            torch.nn.init.zeros_(method.encoder.scale)  # all alike
        with pytest.raises(UsageError, match="energies of Bright say nothing") as caught:
            own_energies(method, samples)
        assert "anomaly" in caught.value.hint


def test_energies_of_text_are_refused_for_they_grow_with_its_length():
    chance = np.random.default_rng(0)
    lengths = chance.integers(2, 21, 200)
    tokens = chance.integers(1, 9, (200, 20)) * (np.arange(20) < lengths[:, None])
    text = Store(tokens.astype(np.int32), Shape("text", 1, 20, 9), list(map(str, range(200))))
    method = Word2Vec(Words(9, dim=8, size=20), threshold=1.0)
    method.prepare(torch.from_numpy(tokens))
    found, _ = energies(method, text, torch.arange(200))
    assert np.corrcoef(found.numpy(), lengths)[0, 1] > 0.9
    with pytest.raises(UsageError, match="grow with its length"):
        own_energies(method, text)
