"""Retrieval: is what lies nearest of the same class?"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

AMONG = (1, 5, 10)
SCORES = 2**24  # cosines held at a time, with a few copies


def retrieval(
    queries: Tensor,
    labels: Tensor,
    bank: Tensor | None = None,
    bank_labels: Tensor | None = None,
    *,
    among: tuple[int, ...] = AMONG,
) -> dict[str, float]:
    """How early others of the query's class come in the list of all others, nearest first.

    Cosines compare. A query is never its own hit; queries whose class nobody else has do not
    count. Cosines that are equal count against: what is not of the class comes first.

    Args:
        queries: `(m, d)`.
        labels: `(m,)` int64.
        bank: `(n, d)` to look among; the other queries where it is None.
        bank_labels: `(n,)`.
        among: Numbers of nearest ones.

    Returns:
        "recall@k", the share of queries with one or more of their class among the k nearest, and
        "mAP", the mean over queries of the average precision over the whole list; in percent.

    Source: Manning, Raghavan & Schütze 2008, sec. 8.4.
    """
    alone = bank is None
    if bank is None or bank_labels is None:
        bank, bank_labels = queries, labels
    unit, bank = F.normalize(queries, dim=1), F.normalize(bank, dim=1)
    precision, hits = [], []
    strip = max(1, SCORES // len(bank))
    for first in range(0, len(unit), strip):
        rows = slice(first, first + strip)
        cosine = unit[rows] @ bank.T
        alike = labels[rows, None] == bank_labels
        if alone:
            own = torch.arange(len(cosine), device=cosine.device)
            cosine[own, first + own], alike[own, first + own] = -2.0, False
        hit = _in_order(cosine, alike)
        total = alike.sum(1)
        hit, total = hit[total > 0], total[total > 0]
        rank = torch.arange(1, len(bank) + 1, device=hit.device)
        found = hit.cumsum(1, dtype=torch.float32).div_(rank).mul_(hit)
        precision.append(found.sum(1) / total)
        hits.append(torch.stack([hit[:, :k].any(1) for k in among], 1))
    mean = lambda parts: 100 * torch.cat(parts).double().mean(0)
    shares = mean(hits).tolist() if any(map(len, hits)) else [0.0] * len(among)
    named = {f"recall@{k}": share for k, share in zip(among, shares, strict=True)}
    return {**named, "mAP": float(mean(precision)) if any(map(len, precision)) else 0.0}


def _in_order(cosine: Tensor, alike: Tensor) -> Tensor:
    """`alike` with each row in order of falling cosines.

    Sorting numbers is several times as fast as sorting rows with their places: whether two are
    alike travels in the lowest bit of the cosine.
    """
    keys = (cosine.float() + 3).view(torch.int32)  # positive floats are in order as integers, too
    keys = (keys & -2) | (~alike).int()
    if keys.device.type == "cpu":
        ordered = torch.from_numpy(np.sort(keys.numpy(), axis=1))
    else:
        ordered = keys.sort(1).values
    return ordered.flip(1) & 1 == 0
