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

    Deviations over n, not n - 1; a few hundred samples are enough.

    Source: Chen & He 2021, sec. 4.1, https://arxiv.org/abs/2011.10566.
    """
    return float(F.normalize(z.double(), dim=1).std(0, correction=0).mean())


def singular(z: Tensor) -> Tensor:
    """The singular values of `(n, d)` float64 vectors, largest first: `(min(n, d),)`.

    From the smaller of the two products of z with itself, at a third of the time; what lies under
    some 1e-7 of the largest is lost in that, and 0.
    """
    product = z @ z.T if len(z) < z.shape[1] else z.T @ z
    values = torch.linalg.eigvalsh(product).flip(0)
    lost = values <= values[0] * len(values) * torch.finfo(values.dtype).eps
    return values.masked_fill(lost, 0).sqrt()


def effective_rank(z: Tensor) -> float:
    """How many directions the vectors use: exp of the entropy of the singular values' shares.

    Centred first, so that a common offset does not count; natural logarithm. In [1, min(n, d)]; 1
    where all vectors are equal. It grows with the number of samples, so compare only equal numbers
    of them; a few times d are needed for it to settle.

    Source: Roy & Vetterli 2007, sec. 2.
    """
    return perplexity(singular(z.double() - z.double().mean(0)))


def rankme(z: Tensor) -> float:
    """RankMe: the same entropy without centring, with the paper's 1e-7 added to each share.

    Natural logarithm; the shares are of singular values, not of their squares. The paper takes
    25,600 samples; fewer give less.

    Source: Garrido et al. 2023, eq. 1, https://arxiv.org/abs/2210.02885.
    """
    return perplexity(singular(z.double()), epsilon=1e-7)


def stable_rank(z: Tensor) -> float:
    """Squared Frobenius norm over squared spectral norm, of the centred vectors; at least 1.

    Twice as many samples as dimensions are enough: the leading singular value settles first.
    """
    sigma = singular(z.double() - z.double().mean(0)).square()
    return 1.0 if float(sigma[0]) <= 1e-24 else float(sigma.sum() / sigma[0])


def alpha_req(z: Tensor, first: int = 11, last: int = 100) -> float:
    """Alpha of the power law i^-alpha that the covariance's eigenvalues follow; 1 is called best.

    Minus the slope of log eigenvalue over log i for the eigenvalues `first` to `last`, by least
    squares weighted with 1 / i: of the centred vectors; the very first do not follow the law. Take
    ten times as many samples as `last`. Not a number where fewer than two of them are positive.

    Source: Agrawal et al. 2022, https://openreview.net/forum?id=ii9X4vtZGTZ; the range and the
    weights are those of the reptrix package.
    """
    sigma = singular(z.double() - z.double().mean(0))
    sigma = sigma[sigma > 1e-9 * sigma[0]][first - 1 : last]
    if len(sigma) < 2:
        return math.nan
    i = torch.arange(first, first + len(sigma), device=z.device, dtype=torch.float64)
    x, y, weight = i.log(), 2 * sigma.log(), 1 / i
    x = x - (weight * x).sum() / weight.sum()
    return -float((weight * x * y).sum() / (weight * x * x).sum())


def lidar(views: Tensor, delta: float = 1e-4) -> float:
    """LiDAR: how many directions tell samples apart, where those in which views differ count less.

    The views of a sample are a class. exp of the entropy of the shares of the eigenvalues of
    S_w^-1/2 S_b S_w^-1/2: S_b is the covariance of the samples' means, S_w the mean covariance of
    a sample's views, plus delta; both are plain means, of vectors as they are. 1e-7 is added to
    each share, as in RankMe. At most min(n - 1, d): take more samples than dimensions (the paper:
    1,000, with 50 views each).

    Args:
        views: `(n, q, d)`: q views of each of n samples.
        delta: Added to the diagonal of S_w.

    Source: Thilak et al. 2024, sec. 4, https://arxiv.org/abs/2312.04000.
    """
    z = views.double()
    n, q, _ = z.shape
    means = z.mean(1)
    apart, within = means - means.mean(0), (z - means[:, None]).flatten(0, 1)
    value, axes = torch.linalg.eigh(within.T @ within / (n * q))
    # S_b = A^T A: the eigenvalues of the product are the squared singular values of A S_w^-1/2
    scaled = apart @ axes / (value.clamp(min=0) + delta).sqrt()
    return perplexity(torch.linalg.eigvalsh(scaled.T @ scaled).clamp(min=0), epsilon=1e-7)


def intrinsic_dimension(z: Tensor, same: float = 1e-6) -> float:
    """TwoNN: the dimension of the surface that the vectors lie on, from two nearest neighbours.

    n / sum of log(r2 / r1), the maximum likelihood over all samples; Euclidean, none discarded as
    an outlier. Equal vectors count once, and those are equal that differ by less than `same` of
    their length: single precision tells no more. Grows with n where the surface is curved: compare
    equal numbers, 1,000 or more. 0 where fewer than three vectors differ.

    Source: Facco et al. 2017, https://doi.org/10.1038/s41598-017-11873-y.
    """
    z = z.double()
    distance = torch.cdist(z, z)  # by a matrix product: of equal vectors some 1e-8 of their length
    first = ~(distance <= same * z.norm(dim=1)).tril(-1).any(1)
    distance = distance[first][:, first].fill_diagonal_(torch.inf)
    if len(distance) < 3:
        return 0.0
    one, two = distance.topk(2, largest=False).values.unbind(1)
    total = float((two / one).log().sum())
    return len(one) / total if total > 0 else 0.0


def perplexity(values: Tensor, epsilon: float = 0.0) -> float:
    """Exp of the entropy of values' shares, each plus epsilon; 1 where all values are 0.

    Args:
        values: `(k,)`, none of them negative: singular values, say.
        epsilon: Added to each share.
    """
    if float(values.sum()) <= 1e-12:
        return 1.0
    p = values / values.sum() + epsilon
    return float(torch.exp(-(p * p.clamp(min=1e-300).log()).sum()))


def dead(z: Tensor, share: float = 1e-3) -> float:
    """Share of dimensions, in [0, 1], whose deviation is under `share` of the largest."""
    std = z.double().std(0, correction=0)
    return float((std <= share * std.max()).double().mean())


def alignment(x: Tensor, y: Tensor) -> float:
    """Mean squared distance of two views of one sample, as unit vectors, in [0, 4].

    A mean over samples: a few hundred are enough. It is the views' too: compare equal ones.

    Source: Wang & Isola 2020, eq. 4 with alpha = 2, https://arxiv.org/abs/2005.10242.
    """
    x, y = F.normalize(x.double(), dim=1), F.normalize(y.double(), dim=1)
    return float((x - y).square().sum(1).mean())


def uniformity(z: Tensor) -> float:
    """Log of the mean of exp(-2 |x - y|^2) over pairs of unit vectors, in [-8, 0]; 0 is one point.

    Over the pairs of different samples, natural logarithm; a thousand samples are enough.

    Source: Wang & Isola 2020, eq. 5 with t = 2.
    """
    distance = F.pdist(F.normalize(z.double(), dim=1)).square()
    return float((-2 * distance).exp().mean().log())


def retrieval(x: Tensor, y: Tensor) -> float:
    """Share of samples whose other view is the nearest of all other views, by cosine.

    "Augmentation retrieval@1". It falls as n grows: compare equal numbers of samples and equal
    views.
    """
    x, y = F.normalize(x.double(), dim=1), F.normalize(y.double(), dim=1)
    return float(((x @ y.T).argmax(1) == torch.arange(len(x), device=x.device)).double().mean())
