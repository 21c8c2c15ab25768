"""Contrastive losses by their names in the literature; one energy per example."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from unlabeled.losses.kernels import decorrelate
from unlabeled.losses.tiled import choose_among
from unlabeled.world import gather, own


def nt_xent(z1: Tensor, z2: Tensor, *, temperature: float) -> Tensor:
    """Normalized-temperature cross-entropy of finding each view's twin among all other views.

    Args:
        z1: `(b, d)` embeddings of one view of this process's samples; they are normalised here.
        z2: `(b, d)` of the other view; row i of both is one sample.
        temperature: Divides the cosines.

    Returns:
        `(b,)` energies in nats, each the mean of a sample's two views; ln(2N - 1) where all N
        samples of the global batch look alike.

    Source: Chen et al. 2020, eq. 1, https://arxiv.org/abs/2002.05709 (the paper's mean over 2N;
    its TensorFlow code sums the two views and is twice as large).
    """
    z = F.normalize(torch.cat([z1, z2]), dim=1)
    itself = own(z)
    twin = itself.view(2, -1).flip(0).flatten()
    energy = choose_among(z, gather(z), twin, skip=itself, temperature=temperature)
    return energy.view(2, -1).mean(0)


def info_nce(query: Tensor, key: Tensor, *, temperature: float = 1.0) -> Tensor:
    """Cross-entropy of finding each query's key among the keys of the global batch.

    Args:
        query: `(b, d)`.
        key: `(b, d)`; row i answers query i.
        temperature: Divides the scores, which are plain dot products.

    Returns:
        `(b,)` energies in nats; ln N where all N keys look alike, and ln N minus their mean is a
        lower bound of the mutual information (van den Oord et al. 2018, eq. 4 and 5,
        https://arxiv.org/abs/1807.03748).
    """
    return choose_among(query, gather(key), own(query), temperature=temperature)


def barlow_twins(z1: Tensor, z2: Tensor, *, off_diagonal: float = 0.0051) -> Tensor:
    """Make the cross-correlation of two views the identity.

    Args:
        z1: `(b, d)` embeddings of one view.
        z2: `(b, d)` of the other.
        off_diagonal: Weight of the redundancy terms, lambda.

    Returns:
        A scalar: 0 for decorrelated identical views, d for a constant embedding.

    Source: Zbontar et al. 2021, eq. 1 and 2, https://arxiv.org/abs/2103.03230.
    """
    z1, z2 = gather(z1), gather(z2)
    return decorrelate(standardize(z1), standardize(z2), off_diagonal).sum()


def standardize(z: Tensor, eps: float = 1e-5) -> Tensor:
    """Each dimension to mean 0 and (biased) variance 1 over the rows, as batch norm does."""
    return (z - z.mean(0)) / (z.var(0, correction=0) + eps).sqrt()


def byol_distance(prediction: Tensor, target: Tensor) -> Tensor:
    """Squared distance of unit vectors, 2 - 2 cos: 0 alike, 2 orthogonal, 4 opposite.

    Source: Grill et al. 2020, eq. 2, https://arxiv.org/abs/2006.07733.
    """
    return 2 - 2 * F.cosine_similarity(prediction, target, dim=1)
