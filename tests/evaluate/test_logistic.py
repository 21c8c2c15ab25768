import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from unlabeled.evaluate.logistic import Problem, Scale, fit, objective


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


def loss64(x, y, l2, weight, share=None):
    """The objective written down again, in float64, for one fit."""
    x, w = x.double(), weight.double()
    log = torch.log_softmax(x @ w[:, :-1].T + w[:, -1], 1)[torch.arange(len(y)), y]
    mean = log.mean() if share is None else (log * share.double()).sum()
    return -mean + l2 / 2 * w[:, :-1].square().sum()


def test_objective_and_gradient_are_the_formula():
    problem = posed(*clouds(200))
    weight = torch.randn(3, 21).double().requires_grad_()
    expected = loss64(problem.x[0], problem.y[0], 0.01, weight)
    expected.backward()
    value, slope = objective(problem, torch.tensor([0.01]), weight.detach().float()[None, None])
    assert float(value) == pytest.approx(float(expected.detach()), rel=1e-6)
    np.testing.assert_allclose(slope[0, 0], weight.grad, atol=1e-5)


def test_so_they_are_for_many_problems_at_once():
    chance = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, 30, 5, generator=chance), torch.randint(0, 4, (2, 30), generator=chance)
    share = torch.rand(2, 3, 30, generator=chance)
    share = share / share.sum(2, keepdim=True)
    l2 = torch.tensor([[0.1, 0.01, 0.0], [1.0, 0.2, 0.3]])
    weight = torch.randn(2, 3, 4, 6, generator=chance)
    value, slope = objective(Problem.of(x, y, 4, share), l2, weight)
    for g in range(2):
        for s in range(3):
            one = weight[g, s].double().requires_grad_()
            expected = loss64(x[g], y[g], float(l2[g, s]), one, share[g, s])
            expected.backward()
            assert float(value[g, s]) == pytest.approx(float(expected.detach()), rel=1e-5)
            np.testing.assert_allclose(slope[g, s], one.grad, atol=1e-5)


@pytest.mark.parametrize("l2", [1.0, 1e-2, 1e-4])
def test_the_optimum_is_scikit_learns(l2):
    problem = posed(*clouds(600, gap=0.5))
    x, y = problem.x[0], problem.y[0]
    weight = fit(problem, l2, tolerance=1e-6)
    peer = LogisticRegression(C=1 / (600 * l2), max_iter=10_000, tol=1e-8)
    peer.fit(x.double().numpy(), y.numpy())
    theirs = torch.from_numpy(np.c_[peer.coef_, peer.intercept_])
    best = float(loss64(x, y, l2, theirs))
    assert float(loss64(x, y, l2, weight[0, 0])) == pytest.approx(best, abs=1e-4)
    assert float(objective(problem, torch.tensor([l2]), weight)[1].abs().max()) < 1e-3
    # the default tolerance stays within a thousandth too
    assert float(loss64(x, y, l2, fit(problem, l2)[0, 0])) == pytest.approx(best, abs=1e-3)


def test_together_each_ends_where_it_ends_alone():
    parts = [clouds(80, seed=s, gap=0.5) for s in range(2)]
    x = torch.stack([Scale.of(torch.from_numpy(a))(torch.from_numpy(a)) for a, _ in parts])
    y = torch.stack([torch.from_numpy(b) for _, b in parts])
    half = torch.zeros(2, 3, 80)
    half[:, 0, :60], half[:, 1, 20:], half[:, 2] = 1 / 60, 1 / 60, 1 / 80
    l2 = torch.tensor([1e-1, 1e-3, 1e-2])
    together = fit(Problem.of(x, y, 3, half), l2, tolerance=1e-6)
    for g in range(2):
        for s, rows in enumerate((slice(0, 60), slice(20, 80), slice(0, 80))):
            alone = fit(Problem.of(x[g, rows], y[g, rows], 3), float(l2[s]), tolerance=1e-6)
            value = [
                float(loss64(x[g, rows], y[g, rows], float(l2[s]), w))
                for w in (together[g, s], alone[0, 0])
            ]
            assert value[0] == pytest.approx(value[1], abs=1e-4)


def test_it_goes_on_from_where_it_is_told():
    problem = posed(*clouds(200))
    best = fit(problem, 1e-2, tolerance=1e-6)
    again = fit(problem, 1e-2, best, steps=1)
    np.testing.assert_allclose(again, best, atol=1e-3)
    assert not torch.allclose(fit(problem, 1e-2, steps=1), best, atol=1e-2)


def test_correlated_features_take_few_steps():
    problem = posed(*clouds(2000, d=100, gap=0.3))
    loss = lambda weight: float(loss64(problem.x[0], problem.y[0], 1e-3, weight[0, 0]))
    rough, best = loss(fit(problem, 1e-3, steps=25)), loss(fit(problem, 1e-3, tolerance=1e-7))
    assert rough < best + 1e-3
