import numpy as np
import pytest
import torch

from unlabeled.data.store import Store
from unlabeled.encoders import Shape
from unlabeled.evaluate.matching import matching, viewed


def test_an_oracle_always_wins_and_chance_wins_one_in_four():
    chance = torch.Generator().manual_seed(0)
    x, other = torch.randn(2, 4000, 16, generator=chance)
    labels = np.arange(4000) % 10
    assert matching(x, 3 * x, labels) == {"accuracy": 100, "same class": 100}
    assert matching(x, other, labels)["accuracy"] == pytest.approx(25, abs=3)
    assert matching(x, other, labels, candidates=8)["accuracy"] == pytest.approx(12.5, abs=2)


def test_one_vector_for_all_loses():
    assert matching(torch.ones(50, 3), torch.ones(50, 3), np.zeros(50))["accuracy"] == 0


def test_who_knows_the_class_alone_wins_the_easy_game_more_often_than_the_hard_one():
    labels = np.arange(2000) % 20
    x = torch.eye(20)[labels] + 0.01 * torch.randn(2000, 20)
    y = torch.eye(20)[labels] + 0.01 * torch.randn(2000, 20)
    found = matching(x, y, labels)
    assert found["accuracy"] > 85  # three of nineteen other classes
    assert found["same class"] == pytest.approx(25, abs=6)


def test_the_hard_game_needs_rivals_of_the_same_class():
    x = torch.randn(9, 4)
    assert set(matching(x, x, np.arange(9) // 3)) == {"accuracy"}
    assert set(matching(x, x, np.array([0] * 4 + [1] * 5))) == {"accuracy", "same class"}


def test_views_are_two_and_differ_and_are_the_same_each_time(test):
    left, right = viewed(test[0])
    again, _ = viewed(test[0])
    assert left.data.shape == right.data.shape == test[0].data.shape
    assert left.data.dtype == np.uint8
    assert np.array_equal(left.data, again.data)
    assert not np.array_equal(left.data, right.data)
    assert not np.array_equal(left.data, viewed(test[0], seed=1)[0].data)
    series = Store(np.random.default_rng(0).standard_normal((6, 2, 50)).astype(np.float32),
                   Shape("series", 2, 50), list("abcdef"))  # fmt: skip
    left, right = viewed(series)
    assert left.data.shape == (6, 2, 50)
    assert not np.allclose(left.data, right.data)
