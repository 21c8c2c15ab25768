"""A critic in one loss with whom it judges."""

import math

import pytest
import torch

from unlabeled.losses import doubt, reverse


def test_turned_round_the_value_stays_and_the_gradient_changes_sign_and_size():
    x = torch.tensor([1.0, -2.0], requires_grad=True)
    y = reverse(x, 0.25)
    assert torch.equal(y, x)
    (y * torch.tensor([3.0, 5.0])).sum().backward()
    assert torch.equal(x.grad, torch.tensor([-0.75, -1.25]))


def test_doubt_is_the_papers_and_2_ln_2_at_chance():
    real, made = torch.tensor([2.0, -1.0]).double(), torch.tensor([0.5, 3.0]).double()
    expected = [
        -math.log(1 / (1 + math.exp(-r))) - math.log(1 - 1 / (1 + math.exp(-m)))
        for r, m in zip(real.tolist(), made.tolist(), strict=True)
    ]
    assert doubt(lambda x: x, real, made, 1.0).tolist() == pytest.approx(expected, rel=1e-12)
    assert doubt(torch.zeros_like, real, made, 1.0).tolist() == pytest.approx([2 * math.log(2)] * 2)


def test_the_critic_learns_at_full_strength_and_the_maker_by_the_weight():
    slope = torch.tensor(0.7, requires_grad=True)
    made = torch.tensor([0.3], requires_grad=True)
    doubt(lambda x: slope * x, torch.tensor([1.0]), made, 0.1).sum().backward()
    fooled = 1 / (1 + math.exp(-0.7 * 0.3))
    assert made.grad.item() == pytest.approx(-0.1 * 0.7 * fooled, rel=1e-6)
    assert slope.grad.item() == pytest.approx(-(1 - 1 / (1 + math.exp(-0.7))) + 0.3 * fooled)
