import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from unlabeled.evaluate.linear import STRENGTHS, accuracy, folds, linear


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


def together(seed=0, size=8, groups=60):
    """Samples in groups: a class shows in two features, and each group has a look of its own."""
    chance = np.random.default_rng(seed)
    which = np.repeat(np.arange(groups), size)
    labels = which % 3
    x = 0.7 * chance.standard_normal((len(which), 80)).astype(np.float32)
    x += np.random.default_rng(seed + 50).standard_normal((groups, 80)).astype(np.float32)[which]
    x[:, :2] += np.array([[0, 2], [2, 0], [-2, -2]], np.float32)[labels]
    mixed = chance.permutation(len(which))
    return x[mixed], labels[mixed], which[mixed]


def test_whole_groups_are_dealt_and_every_part_has_its_share_of_classes():
    _, y, groups = together()
    parts = folds(y, 5, seed=1, groups=groups)
    assert sorted(np.concatenate(parts)) == list(range(len(y)))
    assert [len(set(groups[part])) for part in parts] == [12] * 5
    assert all(np.bincount(y[part]).tolist() == [32] * 3 for part in parts)
    assert not np.array_equal(parts[0], folds(y, 5, seed=2, groups=groups)[0])


def test_a_part_that_shares_groups_with_the_rest_flatters_and_whole_groups_do_not():
    x, y, groups = together()
    test = together(seed=1, groups=300)[:2]
    leaky, fair = (linear((x, y), test, classes=3, groups=g) for g in (None, groups))
    assert leaky["held"] > 95
    assert leaky["accuracy"] < 68
    assert abs(fair["held"] - fair["accuracy"]) < 3
    assert fair["accuracy"] > leaky["accuracy"] + 3


def test_what_whole_groups_choose_is_what_a_loop_over_them_chooses():
    x, y, groups = together(size=3)
    scaled = (x - x.mean(0)) / x.std(0)
    right = []
    for l2 in STRENGTHS:
        kept = 0
        for out in folds(y, 5, 0, groups):
            rest = np.setdiff1d(np.arange(len(y)), out)
            model = LogisticRegression(C=1 / (len(rest) * l2), tol=1e-8, max_iter=10_000)
            model.fit(scaled[rest].astype(np.float64), y[rest])
            kept += int((model.predict(scaled[out]) == y[out]).sum())
        right.append(kept / len(y))
    found = linear((x, y), (x, y), classes=3, groups=groups)
    assert found["l2"] == STRENGTHS[int(np.argmax(right))]
    np.testing.assert_allclose(found["held"], 100 * max(right), atol=0.6)
