"""Numbers about a cloud of vectors that need no label: pure functions, conventions stated.

Published copies of these numbers disagree because they centre or do not, scale or do not, and
take few samples or many. Each docstring says what is done here.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def spread(z: Tensor) -> float:
    """Root mean square distance of unit vectors from their mean, in [0, 1]: 0 is one point.

    sqrt(1 - |mean of z / |z||^2), any number of samples. For isotropic vectors it is near 1, and
    the per-dimension deviation that papers print is spread / sqrt(d).
    """
    mean = F.normalize(z.double(), dim=1).mean(0)
    return math.sqrt(max(0.0, 1 - float(mean.square().sum())))


def feature_std(z: Tensor) -> float:
    """Mean over dimensions of the standard deviation of unit vectors; 1 / sqrt(d) is healthy.

    Source: Chen & He 2021, sec. 4.1, https://arxiv.org/abs/2011.10566.
    """
    return float(F.normalize(z.double(), dim=1).std(0, correction=0).mean())


def effective_rank(z: Tensor) -> float:
    """How many directions the vectors use: exp of the entropy of the singular values' shares.

    Centred first, so that a common offset does not count. In [1, min(n, d)]; 1 where all vectors
    are equal. It grows with the number of samples: compare only equal numbers of them.

    Source: Roy & Vetterli 2007, sec. 2.
    """
    sigma = torch.linalg.svdvals(z.double() - z.double().mean(0))
    if float(sigma.sum()) <= 1e-12:
        return 1.0
    p = sigma / sigma.sum()
    return float(torch.exp(-(p * p.clamp(min=1e-300).log()).sum()))


def rankme(z: Tensor) -> float:
    """RankMe: the same entropy without centring, with the paper's 1e-7 added to each share.

    Source: Garrido et al. 2023, eq. 1, https://arxiv.org/abs/2210.02885.
    """
    sigma = torch.linalg.svdvals(z.double())
    p = sigma / sigma.sum() + 1e-7
    return float(torch.exp(-(p * p.log()).sum()))


def stable_rank(z: Tensor) -> float:
    """Squared Frobenius norm over squared spectral norm, of the centred vectors; at least 1."""
    sigma = torch.linalg.svdvals(z.double() - z.double().mean(0)).square()
    return 1.0 if float(sigma[0]) <= 1e-24 else float(sigma.sum() / sigma[0])


def dead(z: Tensor, share: float = 1e-3) -> float:
    """Share of dimensions, in [0, 1], whose deviation is under `share` of the largest."""
    std = z.double().std(0, correction=0)
    return float((std <= share * std.max()).double().mean())


def alignment(x: Tensor, y: Tensor) -> float:
    """Mean squared distance of two views of one sample, as unit vectors, in [0, 4].

    Source: Wang & Isola 2020, eq. 4 with alpha = 2, https://arxiv.org/abs/2005.10242.
    """
    x, y = F.normalize(x.double(), dim=1), F.normalize(y.double(), dim=1)
    return float((x - y).square().sum(1).mean())


def uniformity(z: Tensor) -> float:
    """Log of the mean of exp(-2 |x - y|^2) over pairs of unit vectors, in [-8, 0]; 0 is one point.

    Source: Wang & Isola 2020, eq. 5 with t = 2.
    """
    distance = F.pdist(F.normalize(z.double(), dim=1)).square()
    return float((-2 * distance).exp().mean().log())


def retrieval(x: Tensor, y: Tensor) -> float:
    """Share of samples whose other view is the nearest of all other views, by cosine."""
    x, y = F.normalize(x.double(), dim=1), F.normalize(y.double(), dim=1)
    return float(((x @ y.T).argmax(1) == torch.arange(len(x), device=x.device)).double().mean())
