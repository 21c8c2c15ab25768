import itertools

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from sklearn import metrics

from unlabeled.evaluate.clustering import agreement, clustering, match


@pytest.mark.parametrize("n", [1, 2, 5, 30])
def test_the_match_is_the_best_there_is(n):
    chance = np.random.default_rng(n)
    for cost in (chance.standard_normal((n, n)), chance.integers(-9, 9, (n, n)).astype(float)):
        columns = match(cost)
        assert sorted(columns) == list(range(n))
        theirs = cost[linear_sum_assignment(cost)].sum()
        assert cost[np.arange(n), columns].sum() == pytest.approx(theirs)


def test_agreement_is_scikit_learns():
    chance = np.random.default_rng(0)
    labels = chance.integers(0, 5, 300)
    for clusters in (
        chance.integers(0, 5, 300),
        np.where(chance.random(300) < 0.7, (labels + 2) % 5, chance.integers(0, 5, 300)),
        labels // 2,
        labels * 2 + chance.integers(0, 2, 300),
        np.zeros(300, int),
    ):
        found = agreement(labels, clusters)
        assert found["NMI"] / 100 == pytest.approx(
            metrics.normalized_mutual_info_score(labels, clusters), abs=1e-9
        )
        assert found["ARI"] / 100 == pytest.approx(
            metrics.adjusted_rand_score(labels, clusters), abs=1e-9
        )
        assert found["homogeneity"] / 100 == pytest.approx(
            metrics.homogeneity_score(labels, clusters), abs=1e-9
        )
        assert found["completeness"] / 100 == pytest.approx(
            metrics.completeness_score(labels, clusters), abs=1e-9
        )


def test_accuracy_is_that_of_the_best_renaming():
    chance = np.random.default_rng(1)
    labels, clusters = chance.integers(0, 4, (2, 60))
    names = itertools.permutations(range(4))
    best = max(np.mean(np.array(name)[clusters] == labels) for name in names)
    assert agreement(labels, clusters)["accuracy"] == pytest.approx(100 * best)
    assert agreement(labels, (labels + 1) % 4)["accuracy"] == 100
    split = 2 * labels + chance.integers(0, 2, 60)  # more clusters than classes: some have none
    assert 50 <= agreement(labels, split)["accuracy"] < 100
    assert agreement(labels, split)["homogeneity"] == pytest.approx(100)


def test_clear_classes_are_found_whatever_their_vectors_lengths():
    chance = np.random.default_rng(0)
    labels = chance.integers(0, 6, 400)
    x = 4 * np.random.default_rng(2).standard_normal((6, 10))[labels] + chance.standard_normal(
        (400, 10)
    )
    x *= chance.uniform(0.1, 10, (400, 1))
    found = clustering(x.astype(np.float32), labels, classes=6)
    assert min(found.values()) > 95
    noise = clustering(chance.standard_normal((400, 10)).astype(np.float32), labels, classes=6)
    assert abs(noise["ARI"]) < 3
