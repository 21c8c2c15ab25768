"""A diagnosis that did not hold: what is pushed apart, and whether that says too few or too many.

It was proposed before it was tried; docs/over-under.md has how often it was right, and why the
library does not ask it.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from unlabeled.diagnose import Verdict

TOLD_APART = 0.95  # retrieval@1 under which samples are not told apart
PUSHED = 0.5  # share of the gradient on neighbours from which they are what is pushed apart


def mutual(z: Tensor, k: int) -> Tensor:
    """Who is among whose k nearest, both ways, by cosine: `(n, n)` bool, nobody of himself."""
    unit = F.normalize(z.double(), dim=1)
    near = (unit @ unit.T).fill_diagonal_(-torch.inf).topk(min(k, len(z) - 1)).indices
    chosen = torch.zeros(len(z), len(z), dtype=torch.bool, device=z.device).scatter_(1, near, True)
    return chosen & chosen.T


def pushed(x: Tensor, y: Tensor, space: Tensor, *, temperature: float, k: int = 10) -> float:
    """Share of InfoNCE's push, in [0, 1], that falls on samples which look like the anchor.

    An anchor x_i pushes a negative y_j away in proportion to p_ij, the softmax of its cosines with
    all y over the temperature. Of the sum of p_ij over all negatives of all anchors, this is what
    falls on pairs that are mutual neighbours in a space that the loss does not shape. It depends on
    n and k: compare equal ones. Holds n^2 cosines.

    Args:
        x: `(n, d)`, one view of each sample, in the space that the loss compares.
        y: `(n, d)`, the other view.
        space: `(n, e)`, the same samples elsewhere: pixels, say, or an earlier layer.
        temperature: Of the loss.
        k: How many neighbours.
    """
    x, y = F.normalize(x.double(), dim=1), F.normalize(y.double(), dim=1)
    push = (x @ y.T / temperature).softmax(1).fill_diagonal_(0)
    return float((push * mutual(space, k)).sum() / push.sum().clamp(min=1e-300))


def clustering_verdict(numbers: Mapping[str, float]) -> Verdict:
    """Whether a contrastive encoder merges what differs or splits what belongs together.

    A guess, by cuts that were set before they were tried.

    Args:
        numbers: "retrieval@1" as `diagnose` gives it, and "gradient on neighbours": `pushed`.

    Returns:
        A verdict whose level is "under", "over" or "balanced", with the remedy.
    """
    found, share = numbers["retrieval@1"], numbers["gradient on neighbours"]
    if share >= PUSHED:
        words = f"Over-clustering: {share:.0%} of what pushes samples apart falls on neighbours "
        words += "that look alike: what belongs together is split."
        advice = "Raise --temperature, or lower --batch-size or the queue's length; a truncated "
        advice += "triplet leaves the nearest negatives out."
        return Verdict(False, "over", words, advice)
    if found < TOLD_APART:
        words = f"Under-clustering: a sample's other view is found {found:.0%} of the time: too "
        words += "few negatives to tell samples apart."
        advice = "Raise --batch-size or the queue's length, lower --temperature, or train longer."
        return Verdict(False, "under", words, advice)
    words = f"Balanced: a sample's other view is found {found:.0%} of the time, and {share:.0%} of "
    return Verdict(True, "balanced", f"{words}what pushes samples apart falls on neighbours.")
