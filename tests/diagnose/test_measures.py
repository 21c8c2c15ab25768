import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from unlabeled.diagnose import (
    alignment,
    alpha_req,
    dead,
    effective_rank,
    feature_std,
    intrinsic_dimension,
    lidar,
    rankme,
    retrieval,
    spread,
    stable_rank,
    uniformity,
)


def isotropic(n, d, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def entropy_rank(sigma):
    p = sigma / sigma.sum()
    return math.exp(-sum(x * math.log(x) for x in p if x > 0))


def test_isotropic_vectors_have_the_std_that_is_called_healthy():
    z = isotropic(5000, 64)
    assert feature_std(z) == pytest.approx(1 / math.sqrt(64), rel=0.01)
    assert spread(z) == pytest.approx(1, abs=0.01)


def test_std_and_spread_are_the_formulas_and_blind_to_lengths():
    z = isotropic(50, 6) + 1
    unit = (z / z.norm(dim=1, keepdim=True)).double()
    assert feature_std(z) == pytest.approx(float(unit.std(0, correction=0).mean()))
    distance = (unit - unit.mean(0)).square().sum(1).mean().sqrt()
    assert spread(z) == pytest.approx(float(distance))
    lengths = torch.rand(50, 1) * 9 + 0.1
    assert spread(z * lengths) == pytest.approx(spread(z), rel=1e-5)
    assert feature_std(z * lengths) == pytest.approx(feature_std(z), rel=1e-5)


def test_one_vector_for_all_is_rank_one_and_has_no_spread():
    z = torch.ones(40, 8) * torch.tensor([3.0, -1, 2, 0, 0, 1, 1, 5])
    assert spread(z) == pytest.approx(0, abs=1e-6)
    assert feature_std(z) == pytest.approx(0, abs=1e-7)
    assert effective_rank(z) == 1
    assert stable_rank(z) == 1
    assert rankme(z) == pytest.approx(1, abs=1e-4)
    assert uniformity(z) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("k", [1, 3, 8])
def test_k_equal_directions_have_rank_k(k):
    z = torch.zeros(2 * k, 10)
    z[torch.arange(2 * k), torch.arange(2 * k) // 2] = 1
    z[::2] *= -1  # mean zero: centring changes nothing
    assert effective_rank(z) == pytest.approx(k)
    assert rankme(z) == pytest.approx(k, rel=1e-4)
    assert stable_rank(z) == pytest.approx(k)


def test_ranks_are_the_formulas_and_their_conventions_differ_by_the_centre():
    z = isotropic(60, 5) * torch.tensor([5.0, 2, 1, 0.5, 0.1]) + 20
    centred = np.linalg.svd((z - z.mean(0)).double().numpy(), compute_uv=False)
    assert effective_rank(z) == pytest.approx(entropy_rank(centred), rel=1e-6)
    assert stable_rank(z) == pytest.approx((centred**2).sum() / centred[0] ** 2, rel=1e-6)
    sigma = np.linalg.svd(z.double().numpy(), compute_uv=False)
    p = sigma / sigma.sum() + 1e-7
    assert rankme(z) == pytest.approx(math.exp(-(p * np.log(p)).sum()), rel=1e-6)
    assert effective_rank(z) == pytest.approx(effective_rank(z - 20), rel=1e-4)
    assert rankme(z) < 2 < effective_rank(z)


def test_dead_dimensions_are_counted():
    z = isotropic(100, 10)
    z[:, :3] = 5.0
    z[:, 3] *= 1e-5
    assert dead(z) == pytest.approx(0.4)


def test_alignment_and_uniformity_are_the_formulas():
    x, y = isotropic(30, 4), isotropic(30, 4, seed=1)
    assert alignment(x, x * 7) == pytest.approx(0, abs=1e-9)
    assert alignment(x, -x) == pytest.approx(4)
    assert alignment(x, y) == pytest.approx(float((2 - 2 * F.cosine_similarity(x, y)).mean()), 1e-5)
    unit = F.normalize(x.double())
    pairs = [
        math.exp(-2 * float((unit[i] - unit[j]).square().sum()))
        for i in range(30)
        for j in range(i)
    ]
    assert uniformity(x) == pytest.approx(math.log(sum(pairs) / len(pairs)), rel=1e-6)
    poles = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    assert uniformity(poles) == pytest.approx(-8)


def test_the_more_even_the_lower_the_uniformity():
    even, cone = isotropic(500, 32), isotropic(500, 32) + 3
    assert uniformity(even) < uniformity(cone) < 0
    assert uniformity(isotropic(4000, 256)) == pytest.approx(-4, abs=0.05)  # almost orthogonal


def test_retrieval_is_certain_for_twins_and_chance_for_strangers():
    x = isotropic(200, 16)
    assert retrieval(x, x + 0.01 * isotropic(200, 16, seed=1)) == 1
    assert retrieval(x, isotropic(200, 16, seed=2)) < 0.05
    swapped = x.clone()
    swapped[:2] = x[[1, 0]]
    assert retrieval(x, swapped) == pytest.approx(198 / 200)


# ---- the spectrum's tail -------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_alpha_is_the_exponent_of_the_power_law(alpha):
    axes, _ = torch.linalg.qr(isotropic(400, 150).double())
    axes = axes - axes.mean(0)
    axes, _ = torch.linalg.qr(axes)
    i = torch.arange(1, 151).double()
    noisy = i ** (-alpha / 2)
    noisy[:10] *= 30  # the first few do not follow the law, nor do they count
    assert alpha_req(axes * noisy + 5) == pytest.approx(alpha, rel=1e-6)


def test_alpha_is_the_weighted_line_through_the_eigenvalues():
    z = isotropic(300, 120) * torch.linspace(3, 0.1, 120)
    eigen = np.sort(np.linalg.eigvalsh(np.cov(z.double().numpy().T)))[::-1]
    i = np.arange(11, 101)
    slope, _ = np.polyfit(np.log(i), np.log(eigen[10:100]), 1, w=np.sqrt(1 / i))
    assert alpha_req(z) == pytest.approx(-slope, rel=1e-8)
    assert math.isnan(alpha_req(z[:, :11]))


# ---- LiDAR ---------------------------------------------------------------------------------


def written_down(views, delta):
    """Thilak et al. 2024, sec. 4, term by term in float64; the eigenvalues of S_w^-1 S_b."""
    n, q, d = views.shape
    views = views.double().numpy()
    mu = views.reshape(-1, d).mean(0)
    between, within = np.zeros((d, d)), delta * np.eye(d)
    for sample in views:
        mean = sample.mean(0)
        between += np.outer(mean - mu, mean - mu) / n
        for view in sample:
            within += np.outer(view - mean, view - mean) / (n * q)
    eigen = np.linalg.eigvals(np.linalg.solve(within, between)).real.clip(0)
    p = eigen / eigen.sum() + 1e-7
    return math.exp(-(p * np.log(p)).sum())


@pytest.mark.parametrize("delta", [1e-4, 0.3])
def test_lidar_is_the_formula(delta):
    chance = torch.Generator().manual_seed(0)
    means = torch.randn(40, 1, 6, generator=chance) * torch.tensor([3.0, 2, 1, 0.5, 0.2, 0.1])
    views = means + torch.randn(40, 5, 6, generator=chance) * torch.linspace(0.1, 2, 6) + 4
    assert lidar(views, delta) == pytest.approx(written_down(views, delta), rel=1e-8)


def test_lidar_counts_the_directions_in_which_samples_differ_and_views_do_not():
    k, d = 3, 8
    means = torch.zeros(2 * k, d)
    means[torch.arange(2 * k), torch.arange(2 * k) // 2] = torch.tensor([1.0, -1.0]).repeat(k)
    noise = 0.1 * torch.cat([torch.eye(d), -torch.eye(d)])  # the same in every direction
    views = means[:, None] + noise
    assert lidar(views) == pytest.approx(k, rel=1e-3)
    loud = views.clone()
    loud[..., 0] += 100 * noise[:, 0]  # views differ far more than samples there
    assert lidar(loud) == pytest.approx(k - 1, rel=0.01)
    assert lidar(means[:, None].expand(-1, 4, -1)) == pytest.approx(k, rel=1e-3)
    assert lidar(torch.ones(9, 4, 5)) == 1


# ---- intrinsic dimension -------------------------------------------------------------------


def test_the_dimension_of_a_surface_is_not_that_of_the_space_it_lies_in():
    plane = isotropic(1500, 2) @ isotropic(2, 20, seed=1)
    assert intrinsic_dimension(plane) == pytest.approx(2, rel=0.1)
    assert intrinsic_dimension(isotropic(1500, 5)) == pytest.approx(5, rel=0.12)
    assert intrinsic_dimension(torch.ones(10, 3)) == 0


def test_two_neighbours_tell_the_dimension_by_the_formula():
    z, total = isotropic(40, 3), 0.0
    for i in range(40):
        near = sorted(float((z[i].double() - z[j].double()).norm()) for j in range(40) if j != i)
        total += math.log(near[1] / near[0])
    assert intrinsic_dimension(z) == pytest.approx(40 / total, rel=1e-6)


@pytest.mark.parametrize("rounding", [0.0, 1e-7])
def test_samples_that_occur_twice_do_not_change_the_dimension(rounding):
    """Of whatever position, and though a matrix product gives equal vectors some distance."""
    z = isotropic(400, 5) @ isotropic(5, 64, seed=1)
    copies = z[:100] * (1 + rounding)
    twice = torch.cat([z, copies, z[:10]])[torch.randperm(510)]
    assert float(torch.cdist(twice, twice).fill_diagonal_(9).amin()) < 1e-4
    assert intrinsic_dimension(twice) == pytest.approx(intrinsic_dimension(z), rel=1e-4)
    assert intrinsic_dimension(twice) == pytest.approx(5, rel=0.15)
    assert intrinsic_dimension(z[[0, 1, 0, 1, 1]]) == 0
