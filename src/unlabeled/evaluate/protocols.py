"""The protocols by name: what each makes of one encoder's features, column by column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch

from unlabeled.evaluate.anomaly import anomaly
from unlabeled.evaluate.clustering import RESTARTS, clustering
from unlabeled.evaluate.few import DRAWS, few
from unlabeled.evaluate.knn import TEMPERATURE, nearest, vote
from unlabeled.evaluate.linear import HELD, STRENGTHS, Labelled, linear
from unlabeled.evaluate.matching import CANDIDATES, matching
from unlabeled.evaluate.retrieval import AMONG, retrieval
from unlabeled.evaluate.verification import PAIRS, verification

LABELS = (1, 5, 10, 100)  # labels a class of the few-label protocol
SHARES = (0.01, 0.1)  # and shares of all labels
NEIGHBOURS = (20, 200)  # the first is the headline
VOTES = {  # how many vote, and at what temperature; the first is the headline, as in solo-learn
    "k=20": (20, TEMPERATURE),
    "k=200": (200, TEMPERATURE),  # Wu et al. 2018
    "k=10": (10, TEMPERATURE),  # DINO and DINOv2 try 10, 20, 100 and 200
    "k=100": (100, TEMPERATURE),
    "k=200, T=0.1": (200, 0.1),  # lightly, on ImageNet and CIFAR
}

Scores: TypeAlias = dict[str, dict[str, Any]]
"""By column, what was found; the first entry is the headline."""


@dataclass(frozen=True)
class Features:
    """What an encoder, or a baseline, makes of the labelled samples.

    Attributes:
        train: Features and labels to learn from.
        test: The same, to score.
        groups: Which training samples belong together, where that is known.
        views: Features of two views of the test samples, where they were asked for.
    """

    train: Labelled
    test: Labelled
    groups: np.ndarray | None = None
    views: tuple[np.ndarray, np.ndarray] | None = None


def settings_of(labels: np.ndarray, *, draws: int = DRAWS) -> dict[str, Any]:
    """What the protocols are run with on a training set of these labels."""
    smallest = int(np.unique(labels, return_counts=True)[1].min())
    return {
        "neighbours": list(NEIGHBOURS),
        "temperature": TEMPERATURE,
        "strengths": list(STRENGTHS),
        "held": HELD,
        "labels": [n for n in LABELS if n <= smallest],
        "shares": [share for share in SHARES if round(share * smallest) >= 1],
        "draws": draws,
        "among": list(AMONG),
        "pairs": PAIRS,
        "restarts": RESTARTS,
        "candidates": CANDIDATES,
        "classes": int(labels.max()) + 1,
    }


def _knn(found: Features, settings: Mapping[str, Any], device: torch.device) -> Scores:
    """Accuracy of each vote, from one search."""
    bank, labels = (torch.from_numpy(part).to(device) for part in found.train)
    queries, truth = (torch.from_numpy(part).to(device) for part in found.test)
    cosines, index = nearest(bank, queries, max(NEIGHBOURS))
    right = {}
    for name, (k, t) in VOTES.items():
        guess = vote(cosines[:, :k], labels[index[:, :k]], t, settings["classes"])
        right[name] = 100 * float((guess == truth).double().mean())
    return {"kNN": {"accuracy": next(iter(right.values())), **right}}


def _linear(found: Features, settings: Mapping[str, Any], device: torch.device) -> Scores:
    given: dict[str, Any] = {"classes": settings["classes"], "device": device}
    return {"linear": linear(found.train, found.test, groups=found.groups, **given)}


def _few(found: Features, settings: Mapping[str, Any], device: torch.device) -> Scores:
    parts: dict[str, int | float] = {column(n): n for n in settings["labels"]}
    parts |= {column(share): share for share in settings["shares"]}
    given = {"classes": settings["classes"], "draws": settings["draws"], "device": device}
    given["groups"] = found.groups
    return {name: few(found.train, found.test, labels=n, **given) for name, n in parts.items()}


def column(labels: int | float) -> str:
    """What the column of so few labels is called: "1 label", "10 labels", "10 %"."""
    if isinstance(labels, float):
        return f"{100 * labels:g} %"
    return "1 label" if labels == 1 else f"{labels} labels"


def _retrieval(found: Features, settings: Mapping[str, Any], device: torch.device) -> Scores:
    x, labels = (torch.from_numpy(part).to(device) for part in found.test)
    return {"retrieval": retrieval(x, labels)}


def _verification(found: Features, settings: Mapping[str, Any], device: torch.device) -> Scores:
    return {"verification": verification(found.train, found.test, device=device)}


def _clustering(found: Features, settings: Mapping[str, Any], device: torch.device) -> Scores:
    return {"clustering": clustering(*found.test, classes=settings["classes"], device=device)}


def _matching(found: Features, settings: Mapping[str, Any], device: torch.device) -> Scores:
    assert found.views is not None
    left, right = (torch.from_numpy(side).to(device) for side in found.views)
    return {"matching": matching(left, right, found.test[1])}


def _anomaly(found: Features, settings: Mapping[str, Any], device: torch.device) -> Scores:
    return {"anomaly": anomaly(found.train, found.test, device=device)}


FROZEN: dict[str, Callable[[Features, Mapping[str, Any], torch.device], Scores]] = {
    "knn": _knn,
    "linear": _linear,
    "few": _few,
    "retrieval": _retrieval,
    "verification": _verification,
    "clustering": _clustering,
    "matching": _matching,
    "anomaly": _anomaly,
}
