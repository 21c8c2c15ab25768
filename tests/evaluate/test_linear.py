import numpy as np
import torch

from unlabeled.evaluate.linear import accuracy, folds, linear


def clouds(n, d=20, classes=3, seed=0, gap=1.0):
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, classes, n)
    centres = gap * np.random.default_rng(99).standard_normal((classes, d))
    mix = np.random.default_rng(7).standard_normal((d, d))  # correlated, of unequal scale
    x = (centres[labels] + chance.standard_normal((n, d))) @ mix * np.logspace(-1, 2, d)
    return x.astype(np.float32), labels


def test_features_that_never_vary_do_no_harm():
    x, y = clouds(300)
    x = np.c_[x, np.full((300, 1), 7.0), np.zeros((300, 1))].astype(np.float32)
    train, test = (x[:200], y[:200]), (x[200:], y[200:])
    test[0][:, -2:] += 1000  # nothing was learnt from them, so nothing is made of them
    plain = linear((x[:200, :-2], y[:200]), (x[200:, :-2], y[200:]), classes=3)
    assert linear(train, test, classes=3) == plain


def test_the_penalty_is_chosen_without_the_test_samples():
    train, (x, y) = clouds(300, gap=0.3), clouds(100, seed=1, gap=0.3)
    shuffled = np.random.default_rng(0).permutation(y)
    found, other = (linear(train, (x, truth), classes=3) for truth in (y, shuffled))
    assert found.pop("accuracy") > other.pop("accuracy")
    assert found == other


def test_what_chooses_a_layer_is_measured_on_what_was_held_out():
    (x, y), test = clouds(1000, gap=0.6), clouds(1000, seed=1, gap=0.6)
    found = linear((x, y), test, classes=3)
    assert abs(found["held"] - found["accuracy"]) < 8
    noise = np.random.default_rng(0).standard_normal((1000, 600)).astype(np.float32)
    learnt = linear((noise, y), (noise, y), classes=3)
    assert learnt["accuracy"] > 70
    assert learnt["held"] < 50


def test_noise_gets_a_strong_penalty_and_signal_a_weak_one():
    chance = np.random.default_rng(0)
    noise = chance.standard_normal((400, 100)).astype(np.float32)
    half = (noise[:, 0] > 0).astype(np.int64)
    half ^= chance.random(400) < 0.35
    strong = linear((noise, half), (noise[:50], half[:50]), classes=2)["l2"]
    x, y = clouds(4000, gap=0.6)
    weak = linear((x, y), (x[:50], y[:50]), classes=3)["l2"]
    assert strong > weak


def test_it_says_percent_right():
    x, y = clouds(400, gap=4.0)
    assert linear((x[:300], y[:300]), (x[300:], y[300:]), classes=3)["accuracy"] > 99
    weight = torch.tensor([[0.0, 1.0], [0.0, 0.0]])
    assert accuracy(weight, torch.zeros(4, 1), torch.tensor([0, 0, 0, 1])) == 75.0


def test_folds_have_the_same_mix_of_classes_and_share_nobody():
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    parts = folds(labels, 10, seed=3)
    assert sorted(np.concatenate(parts)) == list(range(100))
    assert all(np.bincount(labels[part]).tolist() == [5, 3, 2] for part in parts)
    assert not np.array_equal(parts[0], folds(labels, 10, seed=4)[0])
