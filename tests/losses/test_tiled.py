"""`choose_among` against `choose` over scores that are held whole, and against finite differences."""

from __future__ import annotations

import math

import pytest
import torch

from unlabeled.losses import choose, choose_among

EXACT = {"rtol": 0, "atol": 1e-10}


def problem(n=13, m=29, d=5):
    chance = torch.Generator().manual_seed(0)
    query = torch.randn(n, d, dtype=torch.float64, generator=chance)
    table = torch.randn(m, d, dtype=torch.float64, generator=chance)
    target = torch.randint(m, (n,), generator=chance)
    skip = (target + 1 + torch.randint(m - 1, (n,), generator=chance)) % m
    return query, table, target, skip


def naive(query, table, target, temperature, skip):
    rows = []
    for i, q in enumerate(query):
        scores = [(q * t).sum() / temperature for t in table]
        among = [s for j, s in enumerate(scores) if skip is None or j != skip[i]]
        rows.append(sum(s.exp() for s in among).log() - scores[target[i]])
    return torch.stack(rows)


@pytest.mark.parametrize("tile", [1, 4, 7, 13, 29, 64])
@pytest.mark.parametrize("skipping", [False, True])
def test_value_and_gradient_for_any_tile(tile, skipping):
    query, table, target, skip = problem()
    skip = skip if skipping else None
    ours = [query.clone().requires_grad_(), table.clone().requires_grad_()]
    plain = [query.clone().requires_grad_(), table.clone().requires_grad_()]
    a = choose_among(*ours, target, temperature=0.3, skip=skip, tile=tile)
    b = naive(*plain, target, 0.3, skip)
    torch.testing.assert_close(a, b, **EXACT)
    weight = torch.linspace(-1, 2, len(a), dtype=torch.float64)
    (a * weight).sum().backward()
    (b * weight).sum().backward()
    for x, y in zip(ours, plain, strict=True):
        torch.testing.assert_close(x.grad, y.grad, **EXACT)


@pytest.mark.parametrize("skipping", [False, True])
def test_gradient_by_finite_differences(skipping):
    query, table, target, skip = problem(n=5, m=7, d=3)
    skip = skip if skipping else None
    assert torch.autograd.gradcheck(
        lambda q, t: choose_among(q, t, target, temperature=0.5, skip=skip, tile=3),
        (query.requires_grad_(), table.requires_grad_()),
    )


def test_it_is_choose_over_the_scores():
    query, table, target, _ = problem()
    ours = choose_among(query, table, target, temperature=0.2, tile=5)
    torch.testing.assert_close(ours, choose(query @ table.T / 0.2, target), **EXACT)


def test_one_tensor_may_be_query_and_table():
    """As in NT-Xent on one process: the gradient of both roles adds up."""
    z, _, _, _ = problem(n=12, m=12)
    a, b = z.clone().requires_grad_(), z.clone().requires_grad_()
    target, skip = torch.arange(12).roll(6), torch.arange(12)
    choose_among(a, a, target, skip=skip, tile=5).sum().backward()
    naive(b, b, target, 1.0, skip).sum().backward()
    torch.testing.assert_close(a.grad, b.grad, **EXACT)


def test_a_query_that_needs_no_gradient_gets_none():
    query, table, target, _ = problem()
    table.requires_grad_()
    choose_among(query, table, target).sum().backward()
    assert query.grad is None
    assert table.grad is not None


def test_large_scores_do_not_overflow():
    query = torch.tensor([[300.0, 0.0], [0.0, 300.0]], requires_grad=True)
    energy = choose_among(query, torch.eye(2), torch.tensor([0, 0]), tile=1)
    assert torch.equal(energy, torch.tensor([0.0, 300.0]))
    energy.sum().backward()
    torch.testing.assert_close(query.grad, torch.tensor([[0.0, 0.0], [-1.0, 1.0]]))


def test_equal_candidates_cost_the_logarithm_of_their_number():
    table = torch.ones(31, 4)
    energy = choose_among(torch.randn(6, 4), table, torch.arange(6), tile=8)
    torch.testing.assert_close(energy, torch.full((6,), math.log(31)))
    alone = choose_among(
        torch.randn(6, 4), table, torch.arange(6), skip=torch.arange(6) + 1, tile=8
    )
    torch.testing.assert_close(alone, torch.full((6,), math.log(30)))
