"""The kernels against their formulas, written out in plain loops in float64."""

from __future__ import annotations

import math

import pytest
import torch

from unlabeled.losses import choose, decorrelate, rank, regress, tell

EXACT = {"rtol": 0, "atol": 1e-10}


def random(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def agree(ours, naive, *inputs):
    """Both give the same value and, for random weights of the rows, the same gradients."""
    ours_in = [x.clone().requires_grad_() for x in inputs]
    naive_in = [x.clone().requires_grad_() for x in inputs]
    a, b = ours(*ours_in), naive(*naive_in)
    torch.testing.assert_close(a, b, **EXACT)
    weight = random(*a.shape, seed=9)
    (a * weight).sum().backward()
    (b * weight).sum().backward()
    for x, y in zip(ours_in, naive_in, strict=True):
        torch.testing.assert_close(x.grad, y.grad, **EXACT)


# ---- choose -------------------------------------------------------------------------------


def log_sum_exp(row):
    return sum(x.exp() for x in row).log()


def test_choose_an_index():
    target = torch.tensor([3, 0, 4, 2])

    def naive(scores):
        return torch.stack([log_sum_exp(s) - s[t] for s, t in zip(scores, target, strict=True)])

    agree(lambda s: choose(s, target), naive, random(4, 5))


def test_choose_one_of_a_set():
    right = torch.tensor([[1, 0, 1, 0], [0, 0, 0, 1], [1, 1, 1, 1]]).bool()

    def naive(scores):
        rows = []
        for s, among in zip(scores, right, strict=True):
            probability = sum(s[i].exp() for i in range(4) if among[i]) / sum(x.exp() for x in s)
            rows.append(-probability.log())
        return torch.stack(rows)

    agree(lambda s: choose(s, right), naive, random(3, 4))


def test_choose_a_distribution():
    share = random(3, 4, seed=1).softmax(1)

    def naive(scores):
        return torch.stack(
            [
                -sum(q * (x - log_sum_exp(s)) for q, x in zip(p, s, strict=True))
                for p, s in zip(share, scores, strict=True)
            ]
        )

    agree(lambda s: choose(s, share), naive, random(3, 4))


def test_choose_by_nothing_costs_the_logarithm_of_the_candidates():
    equal = torch.full((2, 7), 3.0, dtype=torch.float64)
    for target in (
        torch.tensor([0, 6]),
        torch.eye(7, dtype=torch.float64)[:2],
        torch.eye(7).bool()[:2],
    ):
        torch.testing.assert_close(choose(equal, target), torch.full((2,), math.log(7)).double())
    half = torch.arange(7).repeat(2, 1) < 3
    torch.testing.assert_close(choose(equal, half), torch.full((2,), math.log(7 / 3)).double())
    assert choose(equal, torch.ones(2, 7, dtype=torch.bool)).abs().max() == 0


def test_choose_does_not_care_for_a_constant_nor_overflow():
    scores, target = random(4, 5), torch.tensor([3, 0, 4, 2])
    torch.testing.assert_close(
        choose(scores + 1e4, target), choose(scores, target), rtol=0, atol=1e-9
    )
    huge = torch.tensor([[1e5, 0.0]], dtype=torch.float32)
    assert choose(huge, torch.tensor([1])).item() == 1e5
    assert choose(huge, torch.tensor([[False, True]])).item() == 1e5


# ---- regress ------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
def test_regress(p):
    target = random(3, 2, 4, seed=1)

    def naive(prediction):
        rows = []
        for x, y in zip(prediction.flatten(1), target.flatten(1), strict=True):
            rows.append(sum((a - b).abs() ** p for a, b in zip(x, y, strict=True)) / len(x))
        return torch.stack(rows)

    agree(lambda x: regress(x, target, p=p), naive, random(3, 2, 4))


def test_regress_where():
    target = random(3, 2, 4, seed=1)
    where = torch.tensor([[1, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0]], dtype=torch.float64)[:, None]

    def naive(prediction):
        rows = []
        for i in range(3):
            total, weight = torch.zeros((), dtype=torch.float64), 0.0
            for c in range(2):
                for t in range(4):
                    total = total + where[i, 0, t] * (prediction[i, c, t] - target[i, c, t]) ** 2
                    weight += where[i, 0, t].item()
            rows.append(total / weight if weight else total)
        return torch.stack(rows)

    agree(lambda x: regress(x, target, where), naive, random(3, 2, 4))


def test_regress_where_looks_nowhere_else():
    target, where = random(2, 6, seed=1), torch.tensor([[1.0, 1, 0, 0, 1, 0]]).double()
    prediction = random(2, 6).requires_grad_()
    regress(prediction, target, where).sum().backward()
    assert prediction.grad[:, [2, 3, 5]].abs().max() == 0
    assert prediction.grad[:, [0, 1, 4]].abs().min() > 0
    filled = torch.where(where > 0, target, 99.0)
    assert regress(filled, target, where).abs().max() == 0


def test_regress_weighs_by_shares_however_small_the_weights_are():
    prediction, target, where = random(3, 5), random(3, 5, seed=1), random(3, 5, seed=2).abs()
    expected = regress(prediction, target, where)
    torch.testing.assert_close(regress(prediction, target, 1e-3 * where), expected, **EXACT)
    torch.testing.assert_close(regress(prediction, target, 1e3 * where), expected, **EXACT)


# ---- rank, tell, decorrelate --------------------------------------------------------------


def test_rank():
    negative = random(6, seed=1)

    def naive(positive):
        zero = torch.zeros((), dtype=torch.float64)
        return torch.stack(
            [max(0.5 + a - b, zero) for a, b in zip(positive, negative, strict=True)]
        )

    agree(lambda x: rank(x, negative, 0.5), naive, random(6))


@pytest.mark.parametrize(
    ("a", "p", "n", "loss"), [((1, 0), (0, 1), (-1, 0), 0.0), ((1, 0), (-1, 0), (0, 1), 2.2)]
)
def test_rank_is_the_triplet_loss_of_squared_distances(a, p, n, loss):
    a, p, n = (torch.tensor([x], dtype=torch.float64) for x in (a, p, n))
    distance = lambda x, y: (x - y).square().sum(1)
    torch.testing.assert_close(
        rank(distance(a, p), distance(a, n), 0.2),
        torch.tensor([loss], dtype=torch.float64),
        **EXACT,
    )


def test_rank_of_a_collapsed_embedding_is_the_margin():
    same = torch.zeros(3)
    assert torch.equal(rank(same, same, 0.2), torch.full((3,), 0.2))


@pytest.mark.parametrize("real", [True, False])
def test_tell(real):
    log_noise = random(5, seed=1)

    def naive(score):
        rows = []
        for s, n in zip(score, log_noise, strict=True):
            h = s.exp() / (s.exp() + n.exp())
            rows.append(-(h if real else 1 - h).log())
        return torch.stack(rows)

    agree(lambda s: tell(s, real, log_noise), naive, random(5))


def test_tell_sums_to_noise_contrastive_estimation():
    """Gutmann & Hyvärinen 2010, eq. 8, for k = 2 and equal densities: -(ln 1/3 + 2 ln 2/3)."""
    density = torch.log(torch.tensor([0.1, 0.1, 0.1], dtype=torch.float64))
    real = torch.tensor([True, False, False])
    total = tell(density, real, math.log(2 * 0.1)).sum()
    assert total.item() == pytest.approx(1.909542504884439, abs=1e-12)


def test_tell_survives_large_scores():
    score = torch.tensor([200.0, -200.0])
    assert torch.equal(tell(score, False), torch.tensor([200.0, 0.0]))
    assert torch.equal(tell(score, True), torch.tensor([0.0, 200.0]))


def test_decorrelate():
    b = random(5, 3, seed=1)

    def naive(a):
        rows = []
        for i in range(3):
            c = [sum(a[n, i] * b[n, j] for n in range(5)) / 5 for j in range(3)]
            rows.append((1 - c[i]) ** 2 + 0.3 * sum(c[j] ** 2 for j in range(3) if j != i))
        return torch.stack(rows)

    agree(lambda a: decorrelate(a, b, 0.3), naive, random(5, 3))
