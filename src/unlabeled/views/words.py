"""Views of text: which word meets which."""

from __future__ import annotations

import torch
from torch import Tensor

from unlabeled.views.dice import Batch, Dice
from unlabeled.views.sequences import dropped


def subsample(batch: Batch, counts: Tensor, threshold: float) -> Tensor:
    """Thin out frequent words and close the gaps: `(b, t)` tokens, 0 where none are left.

    A word that makes up the share f of the text stays with probability sqrt(t / f) + t / f, as in
    the reference code (the paper, eq. 5, has sqrt(t / f) alone).
    """
    ratio = threshold / (counts / counts.sum()).clamp(min=1e-12)
    keep = (ratio.sqrt() + ratio)[batch.data]
    return dropped(batch.data, (batch.dice.uniform(batch.data.shape[1]) < keep) & (batch.data > 0))


def neighbours(tokens: Tensor, dice: Dice, window: int) -> Tensor:
    """Which words of a row meet: `(b, t, t)` bool, true where j is a neighbour of the centre i.

    Each centre draws its reach from 1 to `window`, so a neighbour at distance d counts with
    probability (window - d + 1) / window. No word is its own neighbour; a 0 is no word.
    """
    t = tokens.shape[1]
    reach = 1 + dice.integers(window, t, 1)  # (b, t, 1)
    at = torch.arange(t, device=tokens.device)
    away = (at[:, None] - at).abs()
    real = tokens > 0
    return (away > 0) & (away <= reach) & real[:, :, None] & real[:, None]


def noise_words(dice: Dice, counts: Tensor, power: float, each: int) -> Tensor:
    """Words drawn with probability proportional to count ** power: `(b, each)`."""
    edges = counts.double().pow(power).masked_fill(counts == 0, 0).cumsum(0)
    where = dice.uniform(each).double() * edges[-1]
    return torch.searchsorted(edges, where, right=True).clamp(max=len(counts) - 1)
