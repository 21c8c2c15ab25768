"""Real images for both sides: tiles of the two photographs that scikit-learn ships."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_sample_image


def tiles(n: int, size: int, seed: int = 0) -> np.ndarray:
    """`(n, size, size, 3)` uint8, cut at random places, the same on both sides."""
    photos = [load_sample_image(name) for name in ("china.jpg", "flower.jpg")]
    chance = np.random.default_rng(seed)
    out = np.empty((n, size, size, 3), np.uint8)
    for tile in out:
        photo = photos[chance.integers(2)]
        y, x = (chance.integers(side - size + 1) for side in photo.shape[:2])
        tile[:] = photo[y : y + size, x : x + size]
    return out
