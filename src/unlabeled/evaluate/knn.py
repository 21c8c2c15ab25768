"""Weighted nearest neighbours: the protocol with nothing to train and nothing to tune."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from unlabeled.train.runtime import fast_bfloat16

K, TEMPERATURE = 20, 0.07  # neighbours that vote, and how much more the nearest count
SCORES = 2**26  # cosines held at a time: 256 MiB
BLOCK = 16  # cosines that share one maximum
LARGE = 8192  # vectors from which on a bank is worth screening


def knn(
    bank: Tensor,
    labels: Tensor,
    queries: Tensor,
    *,
    k: int = K,
    temperature: float = TEMPERATURE,
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

    Memory is bounded: a strip of queries is compared with the whole bank at a time. Where a CPU
    multiplies bfloat16 fast, a large bank is screened by such products, and those that may be
    among the k are measured in float32.
    """
    bank, queries, k = F.normalize(bank, dim=1), F.normalize(queries, dim=1), min(k, len(bank))
    plain = bank.device.type == "cpu" and bank.dtype == queries.dtype == torch.float32
    screened = plain and len(bank) >= LARGE and fast_bfloat16("cpu")
    search = _screened if screened else _searched
    strips = queries.split(max(1, min(len(queries), SCORES // _padded(len(bank)))))
    cosines, index = zip(*search(bank, strips, k), strict=True)
    return torch.cat(cosines), torch.cat(index)


def _searched(bank: Tensor, strips: Sequence[Tensor], k: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Unit queries, each compared with every unit vector of the bank."""
    scores = _room(bank, len(strips[0]))
    for part in strips:
        torch.mm(part, bank.T, out=scores[: len(part), : len(bank)])
        yield largest(scores[: len(part)], k)


def _screened(bank: Tensor, strips: Sequence[Tensor], k: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The same by rough scores first, of which twice as many and a few are measured in full.

    What the whole bank has in common changes no order, and would take the digits that tell its
    vectors apart: it is left out of the scores. A vector that was not measured could be nearer than
    the k-th only if its score were wrong by more than the room between them. Where that is less
    than twice the largest error among all that were measured, the query asks the whole bank.
    """
    common = bank.mean(0)
    rough, kept = (bank - common).bfloat16(), min(len(bank), 2 * k + 40)
    scores = _room(rough, len(strips[0]))
    for part in strips:
        torch.mm(part.bfloat16(), rough.T, out=scores[: len(part), : len(bank)])
        score, near = largest(scores[: len(part)], kept)
        cosine, level = _measured(bank, part, near), part @ common
        value, place = cosine.topk(k)
        index, error = near.gather(1, place), (cosine - level[:, None] - score).abs().max()
        unsure = value[:, -1] - level < score[:, -1] + 2 * error
        if unsure.any():
            value[unsure], index[unsure] = next(_searched(bank, [part[unsure]], k))
        yield value, index


def _measured(bank: Tensor, queries: Tensor, near: Tensor) -> Tensor:
    """The cosines of each query with some of the bank, `(m, kept)`.

    A query at a time, its few vectors copied to where the processor's cache holds them; by NumPy,
    as waking torch's threads for so little takes longer than the work.
    """
    (m, kept), vectors = near.shape, bank.numpy()
    found, held = np.empty((m, kept), np.float32), np.empty((kept, bank.shape[1]), np.float32)
    for query, rows, row in zip(queries.numpy(), near.numpy(), found, strict=True):
        np.take(vectors, rows, axis=0, out=held, mode="clip")
        np.dot(held, query, out=row)
    return torch.from_numpy(found)


def _room(bank: Tensor, queries: int) -> Tensor:
    """For scores, `(queries, n)` and what fills the last block: columns that are nobody's."""
    return bank.new_full((queries, _padded(len(bank))), -torch.inf)


def _padded(n: int) -> int:
    """n, or the next number that fills its last block."""
    return -(-n // BLOCK) * BLOCK


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
