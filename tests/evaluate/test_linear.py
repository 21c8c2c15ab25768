import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from unlabeled.evaluate.linear import Problem, Scale, accuracy, fit, folds, linear, objective


def clouds(n, d=20, classes=3, seed=0, gap=1.0):
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, classes, n)
    centres = gap * np.random.default_rng(99).standard_normal((classes, d))
    mix = np.random.default_rng(7).standard_normal((d, d))  # correlated, of unequal scale
    x = (centres[labels] + chance.standard_normal((n, d))) @ mix * np.logspace(-1, 2, d)
    return x.astype(np.float32), labels


def posed(x, y, classes=3):
    x = torch.from_numpy(x)
    return Problem.of(Scale.of(x)(x), torch.from_numpy(y), classes)


def loss64(problem, l2, weight):
    """The objective written down again, in float64."""
    x, y, w = problem.x.double(), problem.y, weight.double()
    log = torch.log_softmax(x @ w[:, :-1].T + w[:, -1], 1)
    return -log[torch.arange(len(y)), y].mean() + l2 / 2 * w[:, :-1].square().sum()


def test_objective_and_gradient_are_the_formula():
    problem = posed(*clouds(200))
    weight = torch.randn(3, 21).double().requires_grad_()
    expected = loss64(problem, 0.01, weight)
    expected.backward()
    value, slope = objective(problem, 0.01, weight.detach().float())
    assert value == pytest.approx(float(expected.detach()), rel=1e-6)
    np.testing.assert_allclose(slope, weight.grad, atol=1e-5)


@pytest.mark.parametrize("l2", [1.0, 1e-2, 1e-4])
def test_the_optimum_is_scikit_learns(l2):
    problem = posed(*clouds(600, gap=0.5))
    weight = fit(problem, l2, tolerance=1e-6)
    peer = LogisticRegression(C=1 / (600 * l2), max_iter=10_000, tol=1e-8)
    peer.fit(problem.x.double().numpy(), problem.y.numpy())
    theirs = torch.from_numpy(np.c_[peer.coef_, peer.intercept_])
    assert float(loss64(problem, l2, weight)) == pytest.approx(
        float(loss64(problem, l2, theirs)), abs=1e-4
    )
    assert float(objective(problem, l2, weight)[1].abs().max()) < 1e-3
    # the default tolerance stays within a thousandth too
    quick = float(loss64(problem, l2, fit(problem, l2)))
    assert quick == pytest.approx(float(loss64(problem, l2, theirs)), abs=1e-3)


def test_correlated_features_take_few_steps():
    problem = posed(*clouds(2000, d=100, gap=0.3))
    rough = float(loss64(problem, 1e-3, fit(problem, 1e-3, steps=25)))
    best = float(loss64(problem, 1e-3, fit(problem, 1e-3, tolerance=1e-7)))
    assert rough < best + 1e-3


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
    assert linear(train, (x, y), classes=3)["l2"] == linear(train, (x, shuffled), classes=3)["l2"]


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
