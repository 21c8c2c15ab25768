import numpy as np
import pytest
import torch

from unlabeled.data.store import Store
from unlabeled.encoders import Shape
from unlabeled.errors import DataError
from unlabeled.evaluate.collages import collages


def coded(n, seed, classes=5, base=0, side=8):
    """Discs on black, whose brightness says their class: 50, 60, ... and `base` on top."""
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, classes, n)
    at = np.arange(side) - (side - 1) / 2
    disc = (at[:, None] ** 2 + at**2 < (0.45 * side) ** 2)[None, None]
    pixels = disc * (50 + base + 10 * labels)[:, None, None, None]
    pixels += 15 * ~disc  # a halo, too dim to belong to it
    return Store(pixels.astype(np.uint8), Shape("image", 1, side), list(map(str, range(n)))), labels


def test_the_mask_is_the_class_of_what_is_seen_and_exact():
    canvases, masks = collages(coded(40, 0), 60)
    assert canvases.shape == (60, 16, 16, 1)
    assert canvases.dtype == np.uint8
    pixels = canvases[..., 0].astype(int)
    assert np.array_equal(masks == 0, pixels == 0)  # no halo
    assert np.array_equal(masks[masks > 0], (pixels[pixels > 0] - 50) // 10 + 1)
    assert set(np.unique(masks)) == set(range(6))
    area = int((coded(1, 0)[0].data > 20).sum())
    shown = (masks > 0).sum((1, 2))
    assert shown.max() <= 4 * area
    assert shown.max() > 3 * area  # four of them, hardly overlapping
    assert shown.min() >= area
    kinds = [len(np.unique(mask)) - 1 for mask in masks]
    assert min(kinds) >= 1
    assert max(kinds) == 4


def test_samples_lie_anywhere_and_whole():
    samples = coded(20, 0)
    _, masks = collages(samples, 300)
    seen = (masks > 0).any(0)
    edge = (samples[0].data[0, 0] > 20).any(0).argmax()  # the disc's own margin
    inside = seen[edge : 16 - edge, edge : 16 - edge]
    assert inside.mean() > 0.9
    assert not seen[:edge].any()


def test_train_canvases_show_training_samples_and_test_canvases_test_samples():
    (train, _), (test, _) = (collages(coded(30, 1, base=base), 30) for base in (0, 100))
    assert train.max() < 100
    assert test[test > 0].min() >= 150


def test_canvases_are_a_function_of_the_seed():
    one, two, other = (collages(coded(30, 0), 10, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(one[0], two[0])
    assert np.array_equal(one[1], two[1])
    assert not np.array_equal(one[0], other[0])


def test_colours_are_pasted_whole():
    pixels = torch.zeros(4, 3, 8, 8, dtype=torch.uint8)
    pixels[:, 2, 2:6, 2:6] = 200  # blue alone is no background
    store = Store(pixels.numpy(), Shape("image", 3, 8), list("abcd"))
    canvases, masks = collages((store, np.arange(4)), 5)
    assert np.array_equal(canvases[..., 2] == 200, masks > 0)
    assert not canvases[..., :2].any()


def test_photographs_cannot_be_cut_out(train):
    with pytest.raises(DataError, match="no black background"):
        collages(train, 3)
