import numpy as np
import pytest
import torch
from sklearn.metrics import silhouette_score

from unlabeled.diagnose import clid, learnability, silhouette, tolerance


def clouds(n=120, k=4, d=6, gap=1.0, seed=0):
    chance = torch.Generator().manual_seed(seed)
    own = torch.randint(0, k, (n,), generator=chance)
    centres = gap * torch.randn(k, d, generator=chance)
    return centres[own] + torch.randn(n, d, generator=chance), own


def unit(z):
    return (z / z.norm(dim=1, keepdim=True)).double()


def test_silhouette_is_scikit_learns_of_unit_vectors():
    z, own = clouds()
    own[0], own[1:] = 4, own[1:].clamp(max=3)  # one is alone in its cluster
    assert silhouette(z, own) == pytest.approx(silhouette_score(unit(z).numpy(), own.numpy()))
    assert silhouette(z * torch.rand(120, 1).add(0.1), own) == pytest.approx(
        silhouette(z, own), 1e-5
    )


def test_numbers_of_clusters_may_have_gaps():
    z, own = clouds()
    assert silhouette(z, 3 * own + 1) == pytest.approx(silhouette(z, own))
    assert tolerance(z, 3 * own + 1) == pytest.approx(tolerance(z, own))


def test_points_are_perfect_clusters():
    own = torch.arange(20) % 4
    z = torch.eye(4)[own]
    assert silhouette(z, own) == pytest.approx(1)
    assert tolerance(z, own) == pytest.approx(1)
    assert learnability(z, own) >= 16 / 19  # each but the first of its cluster
    assert silhouette(z, torch.arange(20) // 5) < 0


def test_tolerance_is_the_mean_cosine_of_pairs_of_a_cluster():
    z, own = clouds(40)
    u = unit(z)
    pairs = [
        float(u[i] @ u[j]) for i in range(40) for j in range(40) if i != j and own[i] == own[j]
    ]
    assert tolerance(z, own) == pytest.approx(np.mean(pairs), rel=1e-6)
    assert tolerance(z, torch.arange(40)) == 0  # nobody shares a cluster


def test_learnability_is_the_share_that_the_nearest_before_tells():
    z, own = clouds(60)
    order = torch.randperm(60, generator=torch.Generator().manual_seed(7))
    u, c = unit(z)[order], own[order]
    right = sum(
        int(c[max(range(t), key=lambda s: float(u[t] @ u[s]))] == c[t]) for t in range(1, 60)
    )
    assert learnability(z, own, seed=7) == pytest.approx(right / 59)


def test_clear_clusters_are_learnt_sooner_than_blurred_ones():
    clear, blurred = clouds(400, gap=5.0), clouds(400, gap=0.2)
    assert learnability(*clear) > 0.95 > 0.7 > learnability(*blurred)
    assert silhouette(*clear) > silhouette(*blurred)


def test_clid_adds_standard_scores_and_only_compares():
    one, two = [0.2, 0.5, 0.8], [10.0, 30.0, 20.0]
    z = lambda v: (np.array(v) - np.mean(v)) / np.std(v)
    np.testing.assert_allclose(clid(one, two), z(one) + z(two))
    np.testing.assert_allclose(clid([0.9, 0.9], [5.0, 7.0]), [-1, 1])
