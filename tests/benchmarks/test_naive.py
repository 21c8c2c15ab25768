"""The naive answers, where the right one is known."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from benchmarks import naive


def test_a_harmonic_picture_is_filled_without_a_fault():
    y, x = torch.meshgrid(torch.arange(12.0), torch.arange(12.0), indexing="ij")
    picture = torch.stack([3 * x - y, x**2 - y**2, x * y])[None]  # discretely harmonic, all three
    hole = torch.zeros(12, 12, dtype=torch.bool)
    hole[3:9, 4:8] = True
    blank = torch.where(hole, torch.tensor(99.0), picture)
    torch.testing.assert_close(naive.smooth_fill(blank, hole), picture)


def test_principal_components_are_scikit_learns():
    train, test = np.random.default_rng(0).normal(size=(2, 60, 9)) @ np.diag(np.arange(1, 10))
    pca = PCA(4).fit(train)
    theirs = pca.inverse_transform(pca.transform(test))
    ours = naive.principal(torch.from_numpy(train), torch.from_numpy(test), 4)
    np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-10)


def test_decibels_are_the_mean_over_images():
    real = torch.zeros(2, 1, 4, 4)
    made = torch.stack([torch.full((1, 4, 4), 0.1), torch.full((1, 4, 4), 0.01)])
    assert naive.decibels(made, real) == pytest.approx((20 + 40) / 2, rel=1e-6)


def test_a_checkerboard_steps_by_one_everywhere():
    y, x = torch.meshgrid(torch.arange(6), torch.arange(6), indexing="ij")
    board = ((x + y) % 2).float()[None, None]
    assert naive.gradient_energy(board) == 2
    assert naive.gradient_energy(board * 0.5) == 0.5
