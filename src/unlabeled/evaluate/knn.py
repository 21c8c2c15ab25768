"""Weighted nearest neighbours: the protocol with nothing to train and nothing to tune."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SCORES = 2**26  # cosines held at a time: 256 MiB
BLOCK = 16  # cosines that share one maximum


def knn(
    bank: Tensor,
    labels: Tensor,
    queries: Tensor,
    *,
    k: int = 20,
    temperature: float = 0.07,
    classes: int,
) -> tuple[Tensor, Tensor]:
    """Name each query's class by a vote of its k nearest neighbours.

    Args:
        bank: `(n, d)` vectors whose class is known, of any length; cosines compare them.
        labels: `(n,)` int64 in [0, classes).
        queries: `(m, d)`.
        k: Neighbours that vote; all of them where the bank is smaller.
        temperature: A vote weighs exp(cosine / temperature).
        classes: How many there are.

    Returns:
        `(m,)` predictions, and `(m, k)` rows of the bank, nearest first.

    Source: Wu et al. 2018, sec. 3.4, https://arxiv.org/abs/1805.01978.
    """
    cosines, index = nearest(bank, queries, k)
    return vote(cosines, labels[index], temperature, classes), index


def nearest(bank: Tensor, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k largest cosines of each query with the bank, and whose they are: `(m, k)` twice.

    Exact. Memory is bounded: a strip of queries is compared with the whole bank at a time.
    """
    bank, queries = F.normalize(bank, dim=1), F.normalize(queries, dim=1)
    n, k = len(bank), min(k, len(bank))
    wide = -(-n // BLOCK) * BLOCK
    strip = max(1, min(len(queries), SCORES // wide))
    scores = bank.new_full((strip, wide), -torch.inf)  # columns past the bank stay at -inf
    found = []
    for part in queries.split(strip):
        torch.mm(part, bank.T, out=scores[: len(part), :n])
        found.append(largest(scores[: len(part)], k))
    cosines, index = zip(*found, strict=True)
    return torch.cat(cosines), torch.cat(index)


def largest(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """`scores.topk(k)`, exact, several times as fast on a CPU for rows that are long.

    Args:
        scores: `(m, n)`, n a multiple of BLOCK.
        k: At most n.

    The k largest of a row lie in the k blocks with the largest maxima: were one of them in another
    block, k blocks would each hold something at least as large. So only k * BLOCK are searched.
    """
    m, n = scores.shape
    blocks = n // BLOCK
    if k >= blocks:
        return scores.topk(k)
    # a block is every blocks-th column, so that its maximum is taken along contiguous memory
    spread = scores.view(m, BLOCK, blocks)
    best = spread.amax(1).topk(k, sorted=False).indices
    inside = spread.gather(2, best[:, None].expand(m, BLOCK, k)).flatten(1)
    value, place = inside.topk(k)
    return value, place // k * blocks + best.gather(1, place % k)


def vote(cosines: Tensor, labels: Tensor, temperature: float, classes: int) -> Tensor:
    """The class with most votes: `(m, k)` cosines and labels of neighbours to `(m,)`."""
    weights = ((cosines - cosines[:, :1]) / temperature).exp()  # a common factor changes no vote
    votes = weights.new_zeros(len(labels), classes).scatter_add_(1, labels, weights)
    return votes.argmax(1)
