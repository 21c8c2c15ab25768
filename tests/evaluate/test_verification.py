import numpy as np
import pytest

from unlabeled.errors import DataError
from unlabeled.evaluate.verification import draw, verification


def clouds(n, gap, seed=0, d=32):
    chance = np.random.default_rng(seed)
    labels = np.arange(n) % 5
    centres = np.random.default_rng(9).standard_normal((5, d))
    return (gap * centres[labels] + chance.standard_normal((n, d))).astype(np.float32), labels


@pytest.mark.parametrize(("n", "pairs"), [(200, 100), (60, 5000), (7, 50)])
def test_pairs_are_what_they_are_called_and_none_comes_twice(n, pairs):
    labels = np.random.default_rng(n).integers(0, 3, n)
    same, other = draw(labels, pairs, seed=0)
    assert (labels[same[:, 0]] == labels[same[:, 1]]).all()
    assert (labels[other[:, 0]] != labels[other[:, 1]]).all()
    assert (same[:, 0] != same[:, 1]).all()
    assert len(same) == len(other) <= pairs
    for kind in (same, other):
        assert len({frozenset(pair) for pair in kind.tolist()}) == len(kind)
    assert len(same) == pairs or n < 100
    assert not np.array_equal(same, draw(labels, pairs, seed=1)[0])


def test_the_pairs_of_every_class_and_of_every_two_classes_are_drawn():
    labels = np.arange(100) % 5
    same, other = draw(labels, 400, seed=0)
    assert set(labels[same[:, 0]]) == set(range(5))
    assert len({frozenset(labels[p]) for p in other}) == 10


def test_clear_classes_are_verified_and_noise_is_not():
    clear = verification(clouds(300, 20.0), clouds(200, 20.0, seed=1), pairs=2000)
    assert clear == {
        "accuracy": 100, "AUROC": 100, "TAR@FAR=0.01": 100, "TAR@FAR=0.001": 100, "EER": 0
    }  # fmt: skip
    noise = verification(clouds(300, 0.0), clouds(200, 0.0, seed=1), pairs=2000)
    assert noise["accuracy"] == pytest.approx(50, abs=4)
    assert noise["AUROC"] == pytest.approx(50, abs=4)
    assert noise["EER"] == pytest.approx(50, abs=4)
    assert noise["TAR@FAR=0.01"] == pytest.approx(1, abs=2)


def test_the_threshold_is_chosen_without_the_test_samples():
    train, test = clouds(300, 0.7), clouds(200, 0.7, seed=1)
    found = verification(train, test, pairs=2000)
    assert 60 < found["accuracy"] < 95
    shifted = (np.abs(test[0]) + 3, test[1])  # every cosine is high there: nearly all pass
    moved = verification(train, shifted, pairs=2000)
    assert moved["accuracy"] == pytest.approx(50, abs=2)
    assert moved["AUROC"] > 52


@pytest.mark.parametrize("labels", [[3], [3, 3, 3, 3], [0, 1, 2, 3]])
def test_labels_without_a_pair_of_either_kind_are_refused(labels):
    enough = clouds(20, 1.0)
    lacking = clouds(len(labels), 1.0)[0], np.array(labels)
    for train, test in ((enough, lacking), (lacking, enough)):
        with pytest.raises(DataError, match="pairs of one class and pairs of two"):
            verification(train, test, pairs=50)


def test_one_pair_of_either_kind_is_enough():
    least = clouds(3, 1.0)[0], np.array([4, 4, 7])
    assert len(draw(least[1], 50, seed=0)[0]) == 1
    assert verification(least, least, pairs=50)["EER"] in (0, 50, 100)
