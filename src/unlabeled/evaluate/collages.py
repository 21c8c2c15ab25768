"""Synthetic images with exact masks: labelled samples pasted on a black canvas."""

from __future__ import annotations

import numpy as np
import torch

from unlabeled.data.store import Store
from unlabeled.errors import DataError

PASTED = (2, 4)  # fewest and most samples on a canvas
THRESHOLD = 20  # of 255, above which a pixel belongs to the sample and not to its background


def collages(
    samples: tuple[Store, np.ndarray], n: int, *, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Paste 2 to 4 samples at random places on each of n canvases, later ones over earlier ones.

    A canvas is twice as wide as a sample, and samples keep their size.

    Args:
        samples: Images on black, and the class of each.
        n: How many canvases.
        seed: Of what is pasted, and where.

    Returns:
        Canvases `(n, h, w, c)` uint8, and masks `(n, h, w)` int64: 0 for the background, the
        sample's class plus one where it shows more than 20 of 255.

    Raises:
        DataError: Where less than a tenth of the samples' pixels are background.
    """
    (store, labels), chance = samples, np.random.default_rng(seed)
    if float((store.read(torch.arange(min(256, len(store)))) > THRESHOLD).float().mean()) > 0.9:
        raise DataError(
            f"{store.source or 'the data'} has no black background to cut samples out of",
            hint="give masks of your own to unlabeled.evaluate.segmentation",
        )
    side = store.shape.size
    canvases = np.zeros((n, 2 * side, 2 * side, store.shape.channels), np.uint8)
    masks = np.zeros(canvases.shape[:3], np.int64)
    for canvas, mask in zip(canvases, masks, strict=True):
        rows = chance.integers(0, len(store), chance.integers(PASTED[0], PASTED[1] + 1))
        pasted = store.read(torch.from_numpy(rows)).numpy().transpose(0, 2, 3, 1)
        for sample, label in zip(pasted, labels[rows], strict=True):
            top, left = chance.integers(0, side + 1, 2)
            here, seen = np.s_[top : top + side, left : left + side], sample.max(2) > THRESHOLD
            canvas[here][seen], mask[here][seen] = sample[seen], label + 1
    return canvases, masks
