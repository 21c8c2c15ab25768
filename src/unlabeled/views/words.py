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


def skip_grams(tokens: Tensor, dice: Dice, window: int) -> tuple[Tensor, Tensor]:
    """All (word, neighbour) pairs of rows of tokens, `(b, pairs)` each; neighbour 0 for no pair.

    Each centre draws its reach from 1 to `window`, so a neighbour at distance d counts with
    probability (window - d + 1) / window.
    """
    t = tokens.shape[1]
    reach = 1 + dice.integers(window, t)  # (b, t)
    offsets = [d for d in range(-window, window + 1) if d]
    padded = torch.nn.functional.pad(tokens, (window, window))
    near = torch.stack([padded[:, window + d : window + d + t] for d in offsets], 2)
    distance = torch.tensor([abs(d) for d in offsets], device=tokens.device)
    real = (near > 0) & (tokens > 0)[..., None] & (distance <= reach[..., None])
    word = tokens[..., None].expand_as(near)
    return (word * real).flatten(1), (near * real).flatten(1)


def noise_words(dice: Dice, counts: Tensor, power: float, pairs: int, each: int) -> Tensor:
    """Words drawn with probability proportional to count ** power: `(b, pairs, each)`."""
    edges = counts.double().pow(power).masked_fill(counts == 0, 0).cumsum(0)
    where = dice.uniform(pairs, each).double() * edges[-1]
    return torch.searchsorted(edges, where, right=True).clamp(max=len(counts) - 1)
