"""Sinkhorn's iterations: against plain loops, and what they must converge to."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unlabeled.losses import sinkhorn


def naive(scores, epsilon, iterations):
    """Caron et al. 2020, eq. 3 to 5: prototypes' shares to 1 / k, then samples' to 1 / b, times b."""
    q = np.exp(np.asarray(scores) / epsilon)
    b, k = q.shape
    q /= q.sum()
    for _ in range(iterations):
        for j in range(k):
            q[:, j] /= q[:, j].sum() * k
        for i in range(b):
            q[i] /= q[i].sum() * b
    return torch.from_numpy(q * b)


@pytest.mark.parametrize("iterations", [1, 3, 20])
def test_plain_loops_give_the_same(iterations):
    scores = torch.rand(7, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    ours = sinkhorn(scores, epsilon=0.05, iterations=iterations)
    torch.testing.assert_close(ours, naive(scores, 0.05, iterations), rtol=0, atol=1e-10)


def test_the_worked_example():
    scores = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
    q = sinkhorn(scores, epsilon=0.05)
    golden = torch.tensor([[0.9975, 0.0025], [0.8808, 0.1192], [0.1192, 0.8808], [0.0025, 0.9975]])
    torch.testing.assert_close(q, golden, rtol=0, atol=5e-5)
    torch.testing.assert_close(q.sum(0), torch.tensor([2.0, 2.0]), rtol=0, atol=1e-4)


def test_equal_scores_give_equal_shares():
    q = sinkhorn(torch.full((6, 5), 0.3))
    torch.testing.assert_close(q, torch.full((6, 5), 0.2))


def test_rows_sum_to_one_and_columns_to_their_share():
    scores = torch.rand(64, 8, generator=torch.Generator().manual_seed(1))
    q = sinkhorn(scores, iterations=50)
    torch.testing.assert_close(q.sum(1), torch.ones(64))
    torch.testing.assert_close(q.sum(0), torch.full((8,), 8.0), rtol=0, atol=0.05)


def test_no_gradient_passes():
    scores = torch.rand(4, 3, requires_grad=True)
    assert not sinkhorn(scores).requires_grad


def test_bfloat16_and_a_tiny_epsilon_do_not_overflow():
    scores = torch.tensor([[1.0, -1.0], [-1.0, 1.0]], dtype=torch.bfloat16)
    q = sinkhorn(scores, epsilon=0.003)
    assert q.dtype == torch.float32
    torch.testing.assert_close(q, torch.eye(2))
