"""The few loss kernels under every method. Each returns one energy per example: low = compatible.

A classifier and a contrastive loss are the same kernel, `choose`, with another table of
candidates: rows of a Linear layer, the batch, a queue, prototypes, a vocabulary.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def choose(scores: Tensor, target: Tensor) -> Tensor:
    """Log-sum-exp of the scores minus the score of the target.

    Args:
        scores: `(n, k)` scores of k candidates.
        target: The right answer: an index `(n,)` int64; a set of right answers `(n, k)` bool, of
            which any will do; or a distribution `(n, k)` over the candidates.

    Returns:
        `(n,)` energies in nats; ln k where all scores are equal and one answer is right.
    """
    if target.dtype == torch.bool:
        return scores.logsumexp(1) - scores.masked_fill(~target, -torch.inf).logsumexp(1)
    return F.cross_entropy(scores, target, reduction="none")


def regress(
    prediction: Tensor, target: Tensor, where: Tensor | None = None, p: float = 2.0
) -> Tensor:
    """Mean of |prediction - target|**p over all that belongs to an example.

    Args:
        prediction: `(n, ...)`.
        target: `(n, ...)`.
        where: `(n, ...)` weights, broadcast to `target`; only places of positive weight count.
        p: The power: 2 for squared error, 1 for absolute error.

    Returns:
        `(n,)` energies, in the target's units to the power p.
    """
    error = (prediction - target).abs().pow(p)
    if where is None:
        return error.flatten(1).mean(1)
    weight = where.expand_as(error).flatten(1)
    return (error.flatten(1) * weight).sum(1) / weight.sum(1).clamp(min=1e-12)


def rank(positive: Tensor, negative: Tensor, margin: float) -> Tensor:
    """Hinge that keeps a positive's energy below a negative's: max(0, margin + pos - neg)."""
    return F.relu(margin + positive - negative)


def tell(score: Tensor, real: Tensor | bool, log_noise: Tensor | float = 0.0) -> Tensor:
    """Logistic energy of telling real from noise.

    Args:
        score: Log-score of the data under the model, any shape.
        real: Where the example is real, bool, broadcast to `score`.
        log_noise: ln(k P_noise) of each example (Gutmann & Hyvärinen 2010, eq. 4); 0 gives
            negative sampling (Mikolov et al. 2013) and the critic of a GAN.

    Returns:
        Energies in nats, of the shape of `score`.
    """
    logit = score - log_noise
    real = torch.as_tensor(real, device=score.device)
    return torch.where(real, F.softplus(-logit), F.softplus(logit))


def decorrelate(a: Tensor, b: Tensor, weight: float) -> Tensor:
    """Distance of the cross-correlation of two views from the identity (Barlow Twins, eq. 1).

    Args:
        a: `(n, d)` embeddings of one view, standardised over the global batch by the caller.
        b: `(n, d)` of the other.
        weight: Weight of the off-diagonal terms, lambda.

    Returns:
        `(d,)` one energy a dimension, whose sum is the paper's loss: this kernel's examples are
        the dimensions.
    """
    c = a.T @ b / len(a)
    on = c.diagonal()
    return (1 - on).square() + weight * (c.square().sum(1) - on.square())
