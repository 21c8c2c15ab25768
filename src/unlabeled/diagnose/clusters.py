"""Numbers about the clusters that vectors fall into: pure functions of vectors and k-means' word.

Conventions as in `measures`: each docstring says what is done. All compare unit vectors.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def silhouette(z: Tensor, clusters: Tensor) -> float:
    """How much nearer vectors are to their own cluster than to the next, in [-1, 1].

    The mean of (b - a) / max(a, b): a is a vector's mean distance to the others of its cluster, b
    the least mean distance to another cluster; Euclidean, of unit vectors; 0 for who is alone.
    Holds all n^2 distances: a few thousand samples. Compare equal numbers of clusters.

    Args:
        z: `(n, d)`.
        clusters: `(n,)` int64 from 0, two or more of them in use.

    Source: Rousseeuw 1987, https://doi.org/10.1016/0377-0427(87)90125-7.
    """
    unit = F.normalize(z.double(), dim=1)
    member = F.one_hot(clusters).double()
    counts = member.sum(0)
    total = torch.cdist(unit, unit) @ member
    own = clusters[:, None]
    others = counts[clusters] - 1
    a = total.gather(1, own)[:, 0] / others.clamp(min=1)
    mean = (total / counts).nan_to_num(nan=torch.inf).scatter(1, own, torch.inf)
    b = mean.amin(1)
    score = (b - a) / torch.maximum(a, b).clamp(min=1e-300)
    return float(torch.where(others > 0, score, 0.0).mean())


def tolerance(z: Tensor, clusters: Tensor) -> float:
    """Mean cosine of two different vectors of one cluster, in [-1, 1]: what alignment does not see.

    A loss that pushes everything apart pushes what belongs together apart, too: uniformity falls
    and so does this. A mean over the pairs of one cluster; the paper's also counts the pairs that
    share none, as 0, and so depends on how large the clusters are. Any few hundred samples.

    Args:
        z: `(n, d)`.
        clusters: `(n,)` int64: k-means' word where there are no labels.

    Source: Wang & Liu 2021, https://arxiv.org/abs/2012.09740.
    """
    unit = F.normalize(z.double(), dim=1)
    member = F.one_hot(clusters).double()
    counts = member.sum(0)
    sums = (member.T @ unit).square().sum(1)  # of all pairs of a cluster, each with itself too
    pairs = (counts * (counts - 1)).sum()
    return float((sums.sum() - unit.square().sum()) / pairs.clamp(min=1))


def learnability(z: Tensor, clusters: Tensor, seed: int = 0) -> float:
    """How soon the clusters are learnt: share guessed right, in [0, 1], samples coming one by one.

    Each sample is guessed, after the first, to be of the cluster of its nearest by cosine among
    those that came before, and then shown (prequential). Grows with n; holds n^2 cosines.

    Args:
        z: `(n, d)`.
        clusters: `(n,)` int64, k-means' word.
        seed: Of the order.

    Source: Lu et al. 2022, https://arxiv.org/abs/2206.01251, there called cluster learnability.
    """
    order = torch.randperm(len(z), generator=torch.Generator().manual_seed(seed)).to(z.device)
    unit, clusters = F.normalize(z[order].double(), dim=1), clusters[order]
    later = torch.ones(len(z), len(z), dtype=torch.bool, device=z.device).triu()
    before = (unit @ unit.T).masked_fill_(later, -2)
    guess = clusters[before[1:].argmax(1)]
    return float((guess == clusters[1:]).double().mean())


def clid(learnabilities: Sequence[float], dimensions: Sequence[float]) -> list[float]:
    """CLID of several encoders: how learnable their clusters are plus how much room they use.

    Each number minus its mean over the encoders, over its deviation (over n): so it compares
    encoders with one another and says nothing of one alone.

    Args:
        learnabilities: `learnability` of each encoder, on the same samples.
        dimensions: `intrinsic_dimension` of each.

    Source: Lu et al. 2022, https://arxiv.org/abs/2206.01251.
    """
    both = torch.tensor([learnabilities, dimensions], dtype=torch.float64)
    apart = both - both.mean(1, keepdim=True)
    return (apart / apart.std(1, correction=0, keepdim=True).clamp(min=1e-12)).sum(0).tolist()
