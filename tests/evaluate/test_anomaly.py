import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from unlabeled.errors import DataError
from unlabeled.evaluate.anomaly import anomaly, distance, in_turn


def clouds(n, gap, seed=0, classes=4):
    chance = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    centres = np.random.default_rng(9).standard_normal((classes, 12))
    return (gap * centres[labels] + chance.standard_normal((n, 12))).astype(np.float32), labels


def test_each_class_in_turn_is_strange_by_its_distance_to_the_others():
    train, test = clouds(100, 1.0), clouds(60, 1.0, seed=1)
    unit = lambda a: a / np.linalg.norm(a.astype(np.float64), axis=1, keepdims=True)
    scores = []
    for c in range(4):
        normal = unit(train[0][train[1] != c])
        distance = [min(1 - normal @ q) for q in unit(test[0])]
        scores.append(100 * roc_auc_score(test[1] == c, distance))
    found = anomaly(train, test)
    assert found["AUROC"] == pytest.approx(np.mean(scores), abs=0.02)
    assert found["deviation"] == pytest.approx(np.std(scores, ddof=1), abs=0.05)


def test_clear_classes_are_strange_and_noise_is_not():
    assert anomaly(clouds(200, 10.0), clouds(100, 10.0, seed=1))["AUROC"] > 99
    noise = anomaly(clouds(2000, 0.0), clouds(1000, 0.0, seed=1))
    assert noise["AUROC"] == pytest.approx(50, abs=3)


def test_each_class_is_scored_by_its_own_column_and_one_without_samples_by_none():
    labels = np.array([0, 0, 1, 1, 1])
    scores = torch.tensor([[3.0, 1, 9, 9, 1], [0, 2, 1, 1, 3]]).T  # half of class 0, all but one
    found = in_turn(torch.cat([scores, scores[:, :1]], 1), labels, np.array([0, 1, 7]))
    assert found["AUROC"] == pytest.approx(
        100
        * (roc_auc_score(labels == 0, scores[:, 0]) + roc_auc_score(labels == 1, scores[:, 1]))
        / 2
    )
    assert in_turn(scores[:, :1], labels, np.array([0]))["deviation"] == 0


def test_the_distance_is_one_minus_the_cosine_with_the_nearest():
    bank, queries = torch.tensor([[2.0, 0], [0, 5]]), torch.tensor([[1.0, 1], [0, 3], [-1, 0]])
    assert distance(bank, queries).tolist() == pytest.approx([1 - 0.5**0.5, 0, 1], abs=1e-6)


def test_one_class_alone_has_nothing_to_stand_out_from():
    train, (x, _) = clouds(40, 1.0), clouds(20, 1.0, seed=1)
    with pytest.raises(DataError, match="have one class"):
        anomaly(train, (x, np.zeros(20, int)))
