"""Two heaps of scores, and how well a threshold tells them apart."""

from __future__ import annotations

import torch
from torch import Tensor


def auroc(positive: Tensor, negative: Tensor) -> float:
    """Chance in [0, 1] that a positive scores above a negative, ties counting one half.

    Args:
        positive: `(p,)` scores that should be high.
        negative: `(n,)` scores that should be low.

    Source: Hanley & McNeil 1982, https://doi.org/10.1148/radiology.143.1.7063747.
    """
    below, positive = negative.sort().values, positive.contiguous()
    less = torch.searchsorted(below, positive)
    least = torch.searchsorted(below, positive, right=True)
    return float((less + least).double().mean()) / 2 / len(negative)


def accepted(positive: Tensor, negative: Tensor, far: float) -> float:
    """Share of positives above the threshold that at most a share `far` of negatives passes.

    The true accept rate at a false accept rate. It needs 1 / far negatives at the very least, and
    ten times as many to say anything.
    """
    passed = min(int(far * len(negative) + 1e-9), len(negative) - 1)
    threshold = negative.sort(descending=True).values[passed]
    return float((positive > threshold).double().mean())


def equal_error(positive: Tensor, negative: Tensor) -> float:
    """The rate in [0, 1] at which as many negatives are accepted as positives are refused.

    Between two thresholds both rates are interpolated.
    """
    thresholds = torch.cat([positive, negative]).unique()
    thresholds = torch.cat([thresholds, thresholds.new_full((1,), torch.inf)])
    under = lambda scores: torch.searchsorted(scores.sort().values, thresholds) / len(scores)
    false, missed = 1 - under(negative), under(positive)
    at = int((missed >= false).double().argmax())  # past the crossing; at 0 all are accepted
    before, after = false[at - 1] - missed[at - 1], missed[at] - false[at]
    return float(false[at - 1] + before / (before + after) * (false[at] - false[at - 1]))


def threshold(positive: Tensor, negative: Tensor) -> float:
    """Above which a score is called positive, so that most are called right, both heaps equal."""
    every = torch.cat([positive, negative]).unique()
    middles = torch.cat([every[:1] - 1, (every[1:] + every[:-1]) / 2])
    right = torch.searchsorted(negative.sort().values, middles, right=True) / len(negative)
    right = right - torch.searchsorted(positive.sort().values, middles, right=True) / len(positive)
    return float(middles[right.argmax()])
