"""Documents: a text that fills several rows is one sample, and its vector that of all its words."""

from __future__ import annotations

import copy

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from unlabeled.data.store import Store
from unlabeled.encoders import PAD, Words

COLUMNS = 4096  # words that are counted, the commonest of the training documents


def firsts(store: Store) -> np.ndarray:
    """The first row of each sample: every row, but for texts that fill several."""
    if store.origin is None:
        return np.arange(len(store))
    return np.flatnonzero(np.diff(store.origin, prepend=-1))


def members(store: Store) -> np.ndarray:
    """Which sample each row is a part of, `(n,)` from 0 up."""
    places = np.zeros(len(store), np.int64)
    places[firsts(store)] = 1
    return places.cumsum() - 1


def whole(store: Store, x: np.ndarray) -> np.ndarray:
    """Vectors of rows `(n, d)` to those of samples: means, each row counting for its words."""
    if store.origin is None:
        return x
    words = (store.data != PAD).sum(1, keepdims=True).astype(np.float32)
    sums, counts = (np.add.reduceat(part, firsts(store)) for part in (x * words, words))
    return sums / counts


def rarity(train: Store) -> np.ndarray:
    """Inverse document frequencies, `(vocabulary,)`: log of (1 + documents) / (1 + those with it).

    Source: Spärck Jones 1972, https://doi.org/10.1108/eb026526; smoothed as scikit-learn does.
    """
    vocabulary, place = train.shape.vocabulary, members(train)
    pairs = np.unique(place[:, None] * vocabulary + train.data)  # each word once a document
    return np.log((2 + place[-1]) / (1 + np.bincount(pairs % vocabulary, minlength=vocabulary)))


def weighted(encoder: Words, train: Store) -> Words:
    """The same table, each word as long as it is rare: a document's mean is of what tells."""
    heavy = copy.deepcopy(encoder)
    with torch.no_grad():
        heavy.table.weight.mul_(torch.from_numpy(rarity(train)).to(heavy.table.weight)[:, None])
    return heavy


def tfidf(train: Store, *others: Store) -> list[np.ndarray]:
    """Which words are in each document, the rare ones counting more: `(documents, words)` float32.

    The logarithm of a word's count plus one, times its rarity plus one; rows have length 1. Only
    the 4,096 words that are commonest in `train` are counted.

    Source: Salton & Buckley 1988, https://doi.org/10.1016/0306-4573(88)90021-0.
    """
    common = np.bincount(train.data.ravel(), minlength=train.shape.vocabulary)
    common[PAD] = 0
    words = np.argsort(-common, kind="stable")[: min(COLUMNS, int((common > 0).sum()))]
    counts = [_counts(store, words) for store in (train, *others)]
    rare = 1 + torch.from_numpy(rarity(train)[words]).float()
    weights = [torch.where(n > 0, 1 + n.log(), 0) * rare for n in counts]
    return [F.normalize(weight, dim=1).numpy() for weight in weights]


def _counts(store: Store, words: np.ndarray) -> Tensor:
    """How often each word is in each document: `(documents, words)` float32."""
    column = np.full(store.shape.vocabulary, -1)
    column[words] = np.arange(len(words))
    column = column[store.data]
    cells = (members(store)[:, None] * len(words) + column)[column >= 0]
    counts = torch.zeros(len(firsts(store)) * len(words))
    ones = torch.ones(len(cells))
    return counts.index_add_(0, torch.from_numpy(cells), ones).view(-1, len(words))
