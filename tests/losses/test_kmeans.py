import importlib

import numpy as np
import pytest
import torch

from unlabeled.losses.kmeans import kmeans

module = importlib.import_module("unlabeled.losses.kmeans")


def clouds(n=600, k=5, d=8, gap=8.0, seed=0):
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, k, n)
    centres = gap * chance.standard_normal((k, d))
    return torch.from_numpy(centres[labels] + chance.standard_normal((n, d))), labels


def test_clouds_far_apart_are_found_and_their_centres_are_their_means():
    x, labels = clouds()
    centres, own, error = kmeans(x, 5)
    for c in range(5):
        rows = own == c
        assert len(set(labels[rows])) == 1
        np.testing.assert_allclose(centres[c], x[rows].mean(0))
    assert error == pytest.approx(float((x - centres[own]).square().sum(1).mean()))


def test_everyone_is_at_the_nearest_centre_and_no_worse_than_scikit_learns():
    from sklearn.cluster import KMeans

    x, _ = clouds(400, gap=1.0)
    centres, own, error = kmeans(x, 7)
    assert torch.equal(torch.cdist(x, centres).argmin(1), own)
    peer = KMeans(7, n_init=8, random_state=0).fit(x.numpy())
    assert error < 1.02 * peer.inertia_ / 400


def test_the_best_start_is_kept():
    x, _ = clouds(300, k=8, gap=3.0)
    assert (
        kmeans(x, 8, restarts=16)[2]
        <= min(kmeans(x, 8, restarts=1, seed=s)[2] for s in range(3)) + 1e-9
    )


def test_a_tile_at_a_time_gives_the_same(monkeypatch):
    x, _ = clouds(200)
    whole = kmeans(x, 4)
    monkeypatch.setattr(module, "TILE", 7 * 32)
    tiled = kmeans(x, 4)
    np.testing.assert_allclose(tiled[0], whole[0])
    assert torch.equal(tiled[1], whole[1])


def test_a_far_offset_does_no_harm():
    x, _ = clouds(gap=2.0)
    near, far = kmeans(x.float(), 5), kmeans(x.float() + 1000, 5)
    assert (near[1] == far[1]).double().mean() > 0.99
    assert far[2] == pytest.approx(near[2], rel=1e-2)


def test_as_many_centres_as_vectors_and_equal_vectors():
    x = torch.eye(4)
    assert kmeans(x, 9)[2] == pytest.approx(0, abs=1e-6)
    assert sorted(kmeans(x, 9)[1].tolist()) == [0, 1, 2, 3]
    centres, own, error = kmeans(torch.ones(10, 3), 2)
    assert error == 0
    assert centres.isfinite().all()
    assert len(own) == 10


def test_a_centre_that_nobody_chose_is_put_to_use(monkeypatch):
    x = torch.tensor([[0.0], [0.1], [10.0], [10.1], [20.0], [20.1]])
    start = torch.tensor([[[0.0], [10.0], [500.0]]])
    monkeypatch.setattr(module, "_starts", lambda x, k, r, s: start - 10.05)
    _, own, error = kmeans(x, 3, restarts=1)
    assert len(set(own.tolist())) == 3
    assert error == pytest.approx(0.0025, rel=1e-2)


def test_the_same_seed_gives_the_same_clusters():
    x, _ = clouds(gap=0.5)
    assert torch.equal(kmeans(x, 6, seed=3)[1], kmeans(x, 6, seed=3)[1])
