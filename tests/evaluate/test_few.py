import importlib

import numpy as np
import pytest
import torch

from unlabeled.evaluate.few import _best, _fitted, chosen, few
from unlabeled.evaluate.linear import folds, linear
from unlabeled.evaluate.logistic import Problem, fit


def clouds(n, seed):
    chance = np.random.default_rng(seed)
    labels = np.arange(n) % 4
    centres = np.random.default_rng(5).standard_normal((4, 10))
    return (centres[labels] + chance.standard_normal((n, 10))).astype(np.float32), labels


def test_as_many_of_each_class_are_drawn_and_every_draw_is_its_own():
    labels = np.random.default_rng(0).integers(0, 5, 500)
    rows = chosen(labels, 7, draw=0)
    assert len(set(rows)) == 35
    assert np.bincount(labels[rows]).tolist() == [7] * 5
    assert np.array_equal(rows, chosen(labels, 7, draw=0))
    assert not np.array_equal(rows, chosen(labels, 7, draw=1))


def test_more_labels_score_higher_and_spread_less():
    train, test = clouds(2000, 0), clouds(500, 1)
    one, ten, many = (few(train, test, classes=4, labels=n) for n in (1, 10, 100))
    assert one["accuracy"] < ten["accuracy"] < many["accuracy"]
    assert one["deviation"] > many["deviation"]
    assert len(ten["draws"]) == 5
    assert ten["accuracy"] == np.mean(ten["draws"])
    np.testing.assert_allclose(ten["deviation"], np.std(ten["draws"], ddof=1))


def test_only_the_drawn_labels_are_used():
    train, test = clouds(400, 0), clouds(100, 1)
    drawn = chosen(train[1], 3, draw=0)
    others = np.setdiff1d(np.arange(400), drawn)
    before = few(train, test, classes=4, labels=3, draws=1)
    spoilt = train[0].copy()
    spoilt[others] = 1e3
    assert few((spoilt, train[1]), test, classes=4, labels=3, draws=1) == before


def test_a_share_of_every_class_is_drawn_and_never_nothing():
    labels = np.repeat([0, 1, 2], [400, 100, 3])
    rows = chosen(labels, 0.05, draw=0)
    assert np.bincount(labels[rows]).tolist() == [20, 5, 1]
    assert len(set(rows)) == 26


@pytest.mark.parametrize("width", [6, 40])  # fewer features than samples, and more
def test_draws_and_folds_fitted_together_score_as_one_by_one(width, monkeypatch):
    module = importlib.import_module("unlabeled.evaluate.few")
    train, test = clouds(600, 0), clouds(400, 1)
    noise = np.random.default_rng(3).standard_normal((2, 600, width)).astype(np.float32)
    train = (np.c_[train[0], noise[0]], train[1])
    test = (np.c_[test[0], noise[1][:400]], test[1])
    together = few(train, test, classes=4, labels=5, draws=3)
    held = 5 * 4 * 4 * (20 + 20 * min(20, train[0].shape[1]))
    monkeypatch.setattr(module, "NUMBERS", held)  # one draw at a time
    one = few(train, test, classes=4, labels=5, draws=3)
    np.testing.assert_allclose(together["draws"], one["draws"], atol=0.8)
    alone = [few(train, test, classes=4, labels=1, draws=2)["draws"][i] for i in range(2)]
    for draw, score in enumerate(alone):
        rows = chosen(train[1], 1, draw)
        part = train[0][rows], train[1][rows]
        assert linear(part, test, classes=4, strengths=(1e-2,))["accuracy"] == pytest.approx(
            score, abs=0.8
        )


def test_the_penalty_is_chosen_where_first_the_most_are_right():
    assert _best([5, 7, 7, 9]) == 3
    assert _best([5, 7, 6, 9]) == 1
    assert _best([5, 5, 5, 5]) == 0


def test_the_penalty_of_each_draw_is_chosen_by_its_own_folds():
    chance = np.random.default_rng(4)
    strengths, penalties = [1.0, 1e-1, 1e-2, 1e-3], set()
    y = torch.arange(24).repeat(3, 1) % 3
    noise = torch.from_numpy(chance.standard_normal((3, 24, 30))).float()
    gap = torch.tensor([0.0, 0.7, 3.0])[:, None, None]
    x = noise + gap * torch.nn.functional.pad(torch.eye(3)[y], (0, 27))
    parts = [folds(y[g].numpy(), 4, seed=g) for g in range(3)]
    weight = _fitted(x, y, 3, parts)
    for g in range(3):
        right = []
        for l2 in strengths:
            count = 0
            for held in map(torch.from_numpy, parts[g]):
                rest = torch.ones(24, dtype=torch.bool)
                rest[held] = False
                alone = fit(Problem.of(x[g, rest], y[g, rest], 3), l2, tolerance=1e-5)[0, 0]
                guess = (x[g, held] @ alone[:, :-1].T + alone[:, -1]).argmax(1)
                count += int((guess == y[g, held]).sum())
            right.append(count)
        l2 = strengths[_best(right)]
        penalties.add(l2)
        expected = fit(Problem.of(x[g], y[g], 3), l2, tolerance=1e-6)[0, 0]
        size = float(expected.norm())
        assert float((weight[g] - expected).norm()) < 0.1 * size
    assert len(penalties) > 1
