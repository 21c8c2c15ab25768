"""What the encoder makes of samples, as plain data: arrays, texts, names and numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from unlabeled.errors import UsageError

Things: TypeAlias = np.ndarray | Sequence[str]
"""Samples to look at: images `(n, c, h, w)`, uint8 or in [0, 1]; series `(n, c, t)`; texts."""

CLOSE = 0.1  # of the distance of two samples drawn by chance: nearer ones are near-duplicates
COMPARED = 1_000  # pairs whose own values are compared
MANY = {"text": "words"}  # what samples are called, where not samples


def kind(things: Things) -> str:
    """Whether samples are "image"s, "series" or "text".

    Raises:
        UsageError: Where an array has the shape of neither.
    """
    if not isinstance(things, np.ndarray):
        return "text"
    kinds = {4: "image", 3: "series"}
    if things.ndim not in kinds:
        raise UsageError(
            f"the page shows images (n, c, h, w) or series (n, c, t), got shape {things.shape}"
        )
    return kinds[things.ndim]


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """Samples drawn by chance, and what lies nearest to each.

    Attributes:
        queries: The samples, q of them.
        nearest: For each its k nearest, nearest first: an array `(q, k, ...)` or q lists of texts.
        cosine: `(q, k)` how near, in [-1, 1].
        chance: The mean cosine of two samples drawn by chance; None where unknown.
        labels: The queries' labels and, for each, its neighbours': to show, never to choose by.
    """

    queries: Things
    nearest: np.ndarray | Sequence[Sequence[str]]
    cosine: np.ndarray
    chance: float | None = None
    labels: tuple[Sequence[str], Sequence[Sequence[str]]] | None = None


@dataclass(frozen=True, kw_only=True)
class Map:
    """All samples, or a random part of them, on a plane.

    Attributes:
        points: `(n, 2)` places, in any unit.
        things: The samples, in the same order.
        how: How they were laid out, in words; `layout.lay_out` says it.
        kept: Share of each point's nearest on the map that are nearest in full, in [0, 1].
        names: The samples' names, shown under the pointer.
        labels: Their labels, for colour alone.
    """

    points: np.ndarray
    things: Things
    how: str
    kept: float | None = None
    names: Sequence[str] = ()
    labels: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """What falls together without a label: clusters, the largest first.

    Attributes:
        sheets: For each the samples nearest to its centre, nearest first.
        sizes: How many samples each has.
        purity: For each its commonest label and that label's share; empty where there are none.
    """

    sheets: Sequence[Things]
    sizes: Sequence[int]
    purity: Sequence[tuple[str, float]] = ()


@dataclass(frozen=True, kw_only=True)
class End:
    """One end of an order of samples, the utmost first.

    Attributes:
        things: The samples.
        names: What they are called.
        values: What they are ordered by.
        among: How many samples they were chosen from.
        labels: Their labels, where they are known: to show, never to choose by.
    """

    things: Things
    names: Sequence[str]
    values: np.ndarray
    among: int
    labels: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Extremes:
    """Samples that stand out.

    Attributes:
        hardest: Those of the highest energy in the method's own task, where that is their own.
        easiest: Those of the lowest.
        steady: The correlation to expect with another such measurement; not a number where there
            is none.
        strangest: Those furthest from their nearest neighbours.
    """

    hardest: End | None = None
    easiest: End | None = None
    steady: float = math.nan
    strangest: End | None = None


@dataclass(frozen=True, kw_only=True)
class Twins:
    """Pairs of samples that the encoder hardly tells apart.

    Attributes:
        left: One of each pair that is shown, p of them.
        right: The other.
        names: Their names, in pairs.
        vectors: `(p,)` how far their vectors lie apart; 1 is two drawn by chance.
        differ: `(p,)` how far the samples themselves differ; 1 is two drawn by chance.
        close: Pairs that lie ten times nearer than two samples drawn by chance.
        same: Of these, as many as were looked at, those that are equal in every value.
        nearly: Those that differ, but by less than a tenth.
        among: How many samples were compared.
        of: How many there are.
    """

    left: Things
    right: Things
    names: Sequence[tuple[str, str]]
    vectors: np.ndarray
    differ: np.ndarray
    close: int
    same: int
    nearly: int
    among: int
    of: int
