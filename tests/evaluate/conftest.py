"""Small labelled images whose classes can be seen: bars of a direction and a width, in noise."""

import numpy as np
import pytest

from unlabeled.data.store import Store
from unlabeled.encoders import Shape


def bars(n: int, seed: int, classes: int = 4, size: int = 16) -> tuple[Store, np.ndarray]:
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, classes, n)
    at = np.arange(size)
    images = np.empty((n, 1, size, size))
    for i, label in enumerate(labels):
        wave = np.sin(2 * np.pi * at / (4 + 4 * (label // 2)) + chance.uniform(0, 6))
        images[i, 0] = wave[:, None] if label % 2 else wave[None, :]
    noisy = 128 + 50 * images + 30 * chance.standard_normal(images.shape)
    pixels = noisy.clip(0, 255).astype(np.uint8)
    return Store(pixels, Shape("image", 1, size), [str(i) for i in range(n)]), labels


@pytest.fixture(scope="session")
def train():
    return bars(400, seed=0)


@pytest.fixture(scope="session")
def test():
    return bars(200, seed=1)
