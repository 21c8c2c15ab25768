"""Frozen features: of a network, of its layers, and of no network at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from unlabeled.data.store import Store
from unlabeled.encoders import Encoder
from unlabeled.evaluate import baselines
from unlabeled.evaluate.documents import tfidf, whole
from unlabeled.evaluate.embed import embed
from unlabeled.evaluate.protocols import FROZEN, Features, Scores

LAYERWISE = {"knn": "kNN", "linear": "linear"}  # what is asked of every layer, and its column


@dataclass(frozen=True)
class Frozen:
    """Scores features of the same samples by the same protocols, whoever made them.

    Attributes:
        parts: Samples to learn probes from and samples to score, each with its labels.
        groups: Which of the first belong together, where that is known.
        views: The test samples seen in other ways, where a protocol asks for them.
        asked: Names of protocols, in the order of their columns.
        settings: What they are run with.
        device: Where they compute.
        pool: How maps of layers are read: see `embed`.
        precision: Of the networks.
    """

    parts: tuple[tuple[Store, np.ndarray], tuple[Store, np.ndarray]]
    groups: np.ndarray | None
    views: tuple[Store, ...]
    asked: tuple[str, ...]
    settings: Mapping[str, Any]
    device: torch.device
    pool: Literal["mean", "grid"]
    precision: str

    def features(
        self, x: np.ndarray, q: np.ndarray, *views: np.ndarray, asked: Sequence[str] | None = None
    ) -> Scores:
        """The columns of the protocols, from `(n, d)` vectors of the samples."""
        (_, learnt), (_, truth) = self.parts
        both = (views[0], views[1]) if views else None
        found = Features((x, learnt), (q, truth), self.groups, both)
        scores: Scores = {}
        for name in self.asked if asked is None else asked:
            scores |= FROZEN[name](found, self.settings, self.device)
        return scores

    def network(self, net: Encoder, layers: Sequence[str]) -> tuple[Scores, dict[str, Scores]]:
        """A network's columns, and those of these layers; every sample is read once for all."""
        read = tuple(dict.fromkeys((*(["out"] if self.asked else []), *layers)))
        if not read:
            return {}, {}
        how: dict[str, Any] = {"layers": read, "pool": self.pool, "precision": self.precision}
        x, q = (
            {name: whole(store, rows) for name, rows in embed(net, store, **how).items()}
            for store, _ in self.parts
        )
        how["layers"] = ("out",)
        views = [whole(store, embed(net, store, **how)["out"]) for store in self.views]
        found = self.features(x["out"], q["out"], *views) if self.asked else {}
        each = [name for name in LAYERWISE if name in self.asked] or [*LAYERWISE]
        known = {LAYERWISE[name]: found[LAYERWISE[name]] for name in each if name in self.asked}
        curve = {
            name: (known if name == "out" else {}) or self.features(x[name], q[name], asked=each)
            for name in layers
        }
        return found, curve

    def without_a_network(self, dim: int, beside: Sequence[str]) -> dict[str, Scores]:
        """The samples as they are (of text TF-IDF) and as many of their principal components."""
        if not {"raw", "PCA"} & set(beside):
            return {}
        stores, scores = [store for store, _ in self.parts] + [*self.views], {}
        text = stores[0].shape.modality == "text"
        x, *others = tfidf(*stores) if text else map(baselines.raw, stores)
        if "raw" in beside:
            scores["TF-IDF" if text else "raw"] = self.features(x, *others)
        if "PCA" in beside:
            x, q = baselines.pca(x, np.concatenate(others), dim)
            scores["PCA"] = self.features(x, *np.split(q, len(others)))
        return scores
