"""A pool of samples and where the encoder places them: what is alike, together, apart, twice."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unlabeled.data import Labels, Store
from unlabeled.data.batches import SHOWN, spread
from unlabeled.diagnose import measures
from unlabeled.encoders import PAD, Encoder
from unlabeled.evaluate import embed
from unlabeled.evaluate.baselines import untrained
from unlabeled.evaluate.knn import nearest
from unlabeled.losses.kmeans import kmeans
from unlabeled.report.content import Spectrum
from unlabeled.report.layout import lay_out
from unlabeled.report.things import CLOSE, COMPARED, Clusters, End, Map, Neighbours, Things, Twins

NEAR = 6  # neighbours of each sample shown
POOL, MAPPED = 4_000, 1_000  # samples that are compared with one another, and on the map
WORDS = ("water", "small", "king", "run", "music", "disease", "green", "money")
CLUSTERS, SHEET = 10, 12  # clusters, and samples shown of each
AROUND, PAIRS = 10, 6  # neighbours that say how strange a sample is; near-duplicates shown
MEASURED = 1_000  # vectors of a spectrum
SAME = 1e-6  # one minus the mean cosine: beneath, all vectors are one


@dataclass(frozen=True)
class Pool:
    """Samples drawn by chance, or all words of a table, and where an encoder places them.

    Attributes:
        store: The samples; of words, the text.
        index: `(n,)` their positions in all data; of words, none.
        vectors: `(n, d)` float32.
        of: How many samples there are in all.
        labels: What each is labelled, where that is known; to show, never to choose by.
    """

    store: Store
    index: Tensor
    vectors: Tensor
    of: int
    labels: Sequence[str] = ()

    @property
    def text(self) -> bool:
        """Whether these are words."""
        return self.store.shape.modality == "text"

    @property
    def names(self) -> Sequence[str]:
        """What they are called."""
        return self.store.words[1:] if self.text else self.store.keys

    @property
    def things(self) -> Things:
        """The samples, to look at; a word is its name."""
        return self.names if self.text else self.store.data

    @functools.cached_property
    def unit(self) -> Tensor:
        """The vectors at length 1."""
        return torch.nn.functional.normalize(self.vectors, dim=1)

    @functools.cached_property
    def chance(self) -> float:
        """The mean cosine of two different vectors."""
        some = self.unit[:POOL].double()
        n = len(some)
        return float((some.sum(0).square().sum() - n) / max(1, n * (n - 1)))

    @functools.cached_property
    def tells(self) -> bool:
        """Whether the vectors are finite and not all one, so that distances mean something."""
        return bool(self.vectors.isfinite().all()) and 1 - self.chance > SAME


def draw(encoder: Encoder, store: Store, labels: Labels | None = None, most: int = POOL) -> Pool:
    """Up to `most` samples, always the same ones, placed by an encoder; of text, all its words."""
    if store.shape.modality == "text":
        return Pool(store, torch.zeros(0), placed(encoder, store), len(store.words) - 1)
    index = spread(len(store), most)
    part = store.subset(index.numpy())
    named = [labels.names[i] for i in labels.at(index).values] if labels else []
    named = named if len(set(named)) > 1 else []  # one label for all says nothing
    return Pool(part, index, placed(encoder, part), len(store), named)


def placed(encoder: Encoder, store: Store) -> Tensor:
    """Where an encoder places samples, or a table its words: `(n, d)` float32."""
    if store.shape.modality == "text":
        return encoder.table.weight.detach()[PAD + 1 :].float()  # pyright: ignore
    return torch.from_numpy(embed(encoder, store)["out"])


def some(things: Things, rows: Sequence[int]) -> Things:
    """The samples at some positions."""
    return things[list(rows)] if isinstance(things, np.ndarray) else [things[i] for i in rows]


def neighbours(pool: Pool) -> Neighbours:
    """What lies nearest to a few samples, nobody being their own neighbour."""
    words = [pool.names.index(w) for w in WORDS if pool.text and w in pool.names]
    asked = words or list(range(min(SHOWN, len(pool.unit))))
    scores = pool.unit[asked] @ pool.unit.T
    scores[torch.arange(len(asked)), asked] = -torch.inf
    cosine, index = scores.topk(min(NEAR, len(pool.unit) - 1), dim=1)
    near: list[list[int]] = index.tolist()
    shown: Any = [some(pool.things, rows) for rows in near]
    labels = [[pool.labels[i] for i in rows] for rows in (asked, *near)] if pool.labels else []
    return Neighbours(
        queries=some(pool.things, asked),
        nearest=shown if pool.text else np.stack(shown),
        cosine=cosine.numpy(),
        chance=pool.chance,
        labels=(labels[0], labels[1:]) if labels else None,
    )


def plane(pool: Pool) -> Map:
    """A thousand samples, or half as many words, on a plane."""
    kept = min(MAPPED // 2 if pool.text else MAPPED, len(pool.vectors))
    layout = lay_out(pool.vectors[:kept].numpy())
    return Map(
        points=layout.points, things=pool.things[:kept], how=layout.how, kept=layout.kept,
        names=pool.names[:kept], labels=pool.labels[:kept],
    )  # fmt: skip


def clusters(pool: Pool) -> Clusters | None:
    """k-means of the unit vectors, and the samples nearest to each centre; None of too few."""
    x = pool.unit[:POOL]
    k = min(CLUSTERS, len(x) // SHEET)
    if k < 2 or not pool.tells:
        return None
    centres, own, _ = kmeans(x, k, restarts=4)
    inwards = (x - centres[own]).square().sum(1).argsort()
    members: list[list[int]] = [inwards[own[inwards] == c].tolist() for c in range(k)]
    members = sorted(filter(None, members), key=len, reverse=True)
    named = [[pool.labels[i] for i in rows] for rows in members] if pool.labels else []
    common = [max(sorted(set(labels)), key=labels.count) for labels in named]
    return Clusters(
        sheets=[some(pool.things, rows[:SHEET]) for rows in members],
        sizes=[len(rows) for rows in members],
        purity=[(c, n.count(c) / len(n)) for c, n in zip(common, named, strict=True)],
    )


def end(pool: Pool, values: Tensor, *, low: bool = False) -> End:
    """The first samples of the pool by their values `(m,)`: the largest, or the smallest."""
    rows: list[int] = values.topk(min(SHOWN, len(values)), largest=not low).indices.tolist()
    names, labels = ([x[i] for i in rows if x] for x in (pool.names, pool.labels))
    shown, utmost = some(pool.things, rows), values[rows].numpy()
    return End(things=shown, names=names, values=utmost, among=len(values), labels=labels)


def strangest(pool: Pool) -> End | None:
    """The samples furthest from their ten nearest, by one minus the mean cosine; None of words."""
    if pool.text or not pool.tells or len(pool.unit) <= AROUND:
        return None
    near = nearest(pool.unit, pool.unit, AROUND + 1)[0]
    return end(pool, 1 - near[:, 1:].mean(1))  # the nearest of all is the sample itself


def twins(pool: Pool) -> Twins | None:
    """The pairs that lie nearest, those first that are also equal, or nearly; None of words.

    Near is a tenth of the root mean square distance of two samples drawn by chance: of their
    vectors, and, to find out whether they are the same thing, of their own values.
    """
    if pool.text or not pool.tells or len(pool.unit) < 2:
        return None
    things, n = np.asarray(pool.things), len(pool.unit)
    cosines = pool.unit @ pool.unit.T
    cosines.masked_fill_(torch.ones(n, n, dtype=torch.bool).tril_(), -2)  # each pair once
    close = int((cosines > 1 - CLOSE**2 * (1 - pool.chance)).sum())
    most = min(max(close, PAIRS), COMPARED, n * (n - 1) // 2)
    cosine, place = cosines.flatten().topk(most)
    pairs = [divmod(i, n) for i in place.tolist()]
    away = lambda i, j: float(np.square(np.subtract(things[i], things[j], dtype=np.float32)).mean())
    usual = np.mean([away(i, i + 1) for i in range(min(n - 1, 100))])
    differ = np.sqrt([away(i, j) / max(float(usual), 1e-12) for i, j in pairs])
    grade = np.where(differ == 0, 0, np.where(differ < CLOSE, 1, 2))  # the same, nearly, another
    shown = sorted(range(most), key=lambda p: (grade[p], p))[:PAIRS]
    left, right = ([pairs[p][side] for p in shown] for side in (0, 1))
    vectors = ((1 - cosine[shown]).clamp(min=0) / (1 - pool.chance)).sqrt().numpy()
    same, nearly = (int((grade[:close] == kind).sum()) for kind in (0, 1))
    return Twins(
        left=some(things, left), right=some(things, right), vectors=vectors, differ=differ[shown],
        names=[(str(pool.names[i]), str(pool.names[j])) for i, j in zip(left, right, strict=True)],
        close=close, same=same, nearly=nearly, among=n, of=pool.of,
    )  # fmt: skip


def spectrum(encoder: Encoder, pool: Pool) -> Spectrum | None:
    """The singular values of the vectors, beside those of the same network untrained."""
    if not pool.vectors.isfinite().all():
        return None
    few = pool.store.subset(np.arange(min(MEASURED, len(pool.store))))
    found = {"trained": pool.vectors, "untrained": placed(untrained(encoder, few), few)}
    values = {who: measures.singular(z[:MEASURED].double()) for who, z in found.items()}
    rank = {who: measures.perplexity(sigma, epsilon=1e-7) for who, sigma in values.items()}
    shown, n = {who: sigma.numpy() for who, sigma in values.items()}, len(pool.vectors)
    return Spectrum(values=shown, rank=rank, samples=min(MEASURED, n))
