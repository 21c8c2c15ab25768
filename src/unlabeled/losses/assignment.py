"""Targets made of scores: who belongs to which prototype, in equal shares."""

from __future__ import annotations

import torch
from torch import Tensor

from unlabeled.world import largest, total


@torch.no_grad()
def sinkhorn(scores: Tensor, *, epsilon: float = 0.05, iterations: int = 3) -> Tensor:
    """Soft assignments of the global batch to prototypes that all get the same share.

    Args:
        scores: `(b, k)` similarity of this process's samples to the prototypes.
        epsilon: Entropy of the assignment; towards 0 it becomes hard.
        iterations: Rounds of making prototypes', then samples', shares equal.

    Returns:
        `(b, k)` rows that sum to 1, without gradient; 1/k everywhere for equal scores.

    Source: Cuturi 2013, https://arxiv.org/abs/1306.0895, as in Caron et al. 2020, eq. 3 to 5,
    https://arxiv.org/abs/2006.09882.
    """
    q = scores.to(torch.promote_types(scores.dtype, torch.float32)) / epsilon
    q = (q - largest(q.max())).exp()  # a common factor cancels below: no overflow
    for _ in range(iterations):
        q = q / total(q.sum(0)).clamp(min=1e-30)
        q = q / q.sum(1, keepdim=True).clamp(min=1e-30)
    return q
