"""InfoNCE is a bound on mutual information: checked where the information is known."""

from __future__ import annotations

import math

import pytest
import torch

from unlabeled.losses import choose, info_nce


def gaussian_pairs(n, rho, seed=0):
    chance = torch.Generator().manual_seed(seed)
    x, noise = torch.randn(2, n, dtype=torch.float64, generator=chance)
    return x, rho * x + math.sqrt(1 - rho**2) * noise


def log_ratio(x, y, rho):
    """ln p(y | x) / p(y) for every x and every y: the best score there is."""
    rest = 1 - rho**2
    return -0.5 * math.log(rest) - (y - rho * x[:, None]) ** 2 / (2 * rest) + y**2 / 2


@pytest.mark.parametrize(("rho", "information"), [(0.5, 0.1438), (0.9, 0.8304)])
def test_the_best_scores_reach_the_information_of_two_gaussians(rho, information):
    """van den Oord et al. 2018, eq. 5: I(x; c) >= ln N - loss, and nearly so for a large N."""
    assert -0.5 * math.log(1 - rho**2) == pytest.approx(information, abs=5e-5)
    n, bounds = 256, []
    for seed in range(40):
        x, y = gaussian_pairs(n, rho, seed)
        energy = choose(log_ratio(x, y, rho), torch.arange(n))
        bounds.append(math.log(n) - energy.mean().item())
    estimate = sum(bounds) / len(bounds)
    assert estimate == pytest.approx(information, abs=0.04)
    assert estimate < information + 0.02


def test_the_bound_saturates_at_the_logarithm_of_the_batch():
    """Nearly equal variables know more of each other than 8 candidates can tell."""
    rho = 0.99999
    x, y = gaussian_pairs(8, rho)
    bound = math.log(8) - choose(log_ratio(x, y, rho), torch.arange(8)).mean().item()
    assert -0.5 * math.log(1 - rho**2) > 5
    assert bound <= math.log(8)


def test_independent_variables_share_nothing():
    x, y = gaussian_pairs(4096, 0.0)
    features = lambda v: torch.stack([v, v**2, v.sin()], 1)
    bound = math.log(4096) - info_nce(features(x), features(y), temperature=20.0).mean().item()
    assert bound < 0.01


def test_a_classifier_and_a_contrastive_loss_are_one_kernel():
    """Only the table of candidates differs: the rows of a linear layer, or the batch."""
    chance = torch.Generator().manual_seed(0)
    x, table = (torch.randn(6, 4, dtype=torch.float64, generator=chance) for _ in range(2))
    layer = torch.nn.Linear(4, 6, bias=False).double()
    with torch.no_grad():
        layer.weight.copy_(table)
    classifier = torch.nn.functional.cross_entropy(layer(x), torch.arange(6), reduction="none")
    torch.testing.assert_close(info_nce(x, table), classifier, rtol=0, atol=1e-12)
