"""Negatives without labels: too few and what differs is merged, too many and what is one is split.

Wang et al. 2021 (https://arxiv.org/abs/2104.08760) call these under- and over-clustering, and tell
them apart with labels. The numbers here need none. Whether they lie on the side that labels would
say is measured in docs/over-under.md; until they do, `diagnose` shows numbers and no verdict.
"""

from __future__ import annotations

import torch
from torch import Tensor


def false_negatives(clusters: Tensor, negatives: int) -> float:
    """How many of an anchor's negatives belong with it, by expectation: negatives x sum of pi^2.

    pi is a cluster's share of the samples: of all anchors, pi are of a cluster, and pi of each
    one's negatives are too. For C equal clusters this is negatives / C, and never less.

    Args:
        clusters: `(n,)` int64 from 0: k-means' word where there are no labels; a thousand samples
            are enough.
        negatives: With how many other samples an anchor is compared; a batch, less one.

    Returns:
        A number in [negatives / C, negatives].

    Source: the collisions of Ash et al. 2022, https://arxiv.org/abs/2106.09943.
    """
    return negatives * float(_shares(clusters).square().sum())


def coverage(clusters: Tensor, batch: int) -> float:
    """Share of the clusters, in (0, 1], that a batch holds a sample of, by expectation.

    The mean over clusters of 1 - (1 - pi)^batch, pi being the cluster's share of the samples.

    Args:
        clusters: `(n,)` int64 from 0; numbers that nobody has are no clusters.
        batch: How many samples are drawn.

    Source: Ash et al. 2022, https://arxiv.org/abs/2106.09943.
    """
    shares = _shares(clusters)
    return float((1 - (1 - shares[shares > 0]) ** batch).mean())


def _shares(clusters: Tensor) -> Tensor:
    return torch.bincount(clusters).double() / len(clusters)
