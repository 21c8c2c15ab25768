"""Views of series, and of images as sequences of patches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from unlabeled.views.dice import Batch
from unlabeled.views.images import plain, whole

if TYPE_CHECKING:
    from unlabeled.encoders.base import Encoder


def scaled(batch: Batch) -> Tensor:
    """Series `(b, c, t)`, each channel scaled by its own mean and deviation, then by chance.

    The gain and the small shift stop a method from matching parts by their level alone.
    """
    x = batch.data.float()
    x = (x - x.mean(2, keepdim=True)) / x.std(2, keepdim=True).clamp(min=1e-6)
    gain = batch.dice.uniform(x.shape[1], 1, low=0.8, high=1.25)
    return x * gain + 0.1 * batch.dice.normal(x.shape[1], 1)


def plain_sequence(batch: Batch, encoder: Encoder) -> Tensor:
    """A weak view of whatever the encoder takes parts of."""
    return scaled(batch) if encoder.modality == "series" else plain(batch, encoder.size)


def standard(data: Tensor) -> Tensor:
    """Series as an encoder meets them after training: each channel at mean 0, deviation 1."""
    x = data.float()
    return (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True).clamp(min=1e-6)


def preprocess(encoder: Encoder, rows: Tensor) -> Tensor:
    """Samples as stored, as an encoder takes them after training.

    Images become floats in [0, 1] of the encoder's size, series are standardised, tokens stay.
    """
    if encoder.modality == "image":
        return whole(Batch(rows, torch.arange(len(rows))), encoder.size)
    return standard(rows) if encoder.modality == "series" else rows


def dropped(tokens: Tensor, keep: Tensor) -> Tensor:
    """Rows of tokens `(b, t)` with those not in `keep` removed and the rest moved together."""
    kept = torch.where(keep, tokens, 0)
    order = (~keep).long().argsort(dim=1, stable=True)
    return kept.gather(1, order)
