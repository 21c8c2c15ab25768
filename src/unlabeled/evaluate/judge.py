"""Judge an encoder with labels, always beside its baselines."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch

from unlabeled.data.store import Store
from unlabeled.encoders import Encoder
from unlabeled.errors import DataError, UsageError
from unlabeled.evaluate import baselines
from unlabeled.evaluate.embed import embed, home
from unlabeled.evaluate.few import DRAWS, few
from unlabeled.evaluate.knn import nearest, vote
from unlabeled.evaluate.linear import HELD, STRENGTHS, Labelled, linear

PROTOCOLS = ("knn", "linear", "few", "layers")
BASELINES = ("untrained", "raw", "PCA")
LABELS = (10, 100)  # labels a class of the few-label protocol
NEIGHBOURS = (20, 200)  # the first is the headline
TEMPERATURE = 0.07

Samples = tuple[Store, np.ndarray]


def evaluate(
    encoder: Encoder,
    train: Samples,
    test: Samples,
    *,
    protocols: Sequence[str] = ("knn", "linear", "few"),
    layers: Sequence[str] | Literal["all"] = "all",
    pool: Literal["mean", "grid"] = "mean",
    beside: Sequence[str] = BASELINES,
    supervised: bool = False,
    steps: int = 1000,
    draws: int = DRAWS,
    seed: int = 0,
    precision: str = "fp32",
) -> dict[str, Any]:
    """Score frozen features: only probes are trained, and nothing is chosen on the test samples.

    Args:
        encoder: The encoder as training left it, on the device that shall compute.
        train: Samples and labels to learn probes from.
        test: Samples and labels to score.
        protocols: "knn" (weighted, k = 20 and 200, T = 0.07), "linear" (all labels, the penalty
            chosen on a tenth of train), "few" (10 and 100 labels a class), "layers" (the others,
            layer by layer).
        layers: Which layers the protocol "layers" reads.
        pool: How it reads maps: their average, or a grid of up to 4,096 numbers.
        beside: What to score too: "untrained" (the network), "raw" (samples), "PCA" of them.
        supervised: Whether to train the same network with all labels, for as many steps.
        steps: How many steps that takes.
        draws: Of the few labels.
        seed: Of the untrained network's weights.
        precision: Of the encoder: "fp32" or "bf16".

    Returns:
        "scores" by name and protocol, in percent; "layers" by layer and protocol, if asked; the
        "settings", their hash "protocol", and the "seconds" it took.

    Raises:
        UsageError: For an unknown protocol, baseline or layer.
        DataError: Where samples and labels do not match, or a class of test is not in train.
    """
    _check(train, test, protocols, beside)
    began, device = time.perf_counter(), home(encoder)
    (a, la), (b, lb) = train, test
    smallest = int(np.unique(la, return_counts=True)[1].min())
    settings: dict[str, Any] = {
        "protocols": list(protocols),
        "neighbours": list(NEIGHBOURS),
        "temperature": TEMPERATURE,
        "strengths": list(STRENGTHS),
        "held": HELD,
        "labels": [n for n in LABELS if n <= smallest],
        "draws": draws,
        "pool": pool,
        "train": len(a),
        "test": len(b),
        "classes": int(la.max()) + 1,
    }

    def scored(x: np.ndarray, q: np.ndarray) -> dict[str, Any]:
        return _scores((x, la), (q, lb), settings, device)

    def of(net: Encoder) -> dict[str, Any]:
        x, q = (embed(net, store, precision=precision)["out"] for store in (a, b))
        return scored(x, q)

    scores = {"encoder": of(encoder)}
    if "untrained" in beside:
        scores["untrained"] = of(baselines.untrained(encoder, a, seed))
    if a.shape.modality != "text" and {"raw", "PCA"} & set(beside):
        x, q = baselines.raw(a), baselines.raw(b)
        if "raw" in beside:
            scores["raw"] = scored(x, q)
        if "PCA" in beside:
            scores["PCA"] = scored(*baselines.pca(x, q, encoder.dim))
    if supervised:
        scores["supervised"] = of(baselines.supervised(encoder, train, steps=steps, seed=seed))
    result = {"scores": scores, "settings": settings, "protocol": digest(settings)}
    if "layers" in protocols:
        names = encoder.layers if layers == "all" else tuple(layers)
        x, q = (
            embed(encoder, store, layers=names, pool=pool, precision=precision) for store in (a, b)
        )
        result["layers"] = {name: scored(x[name], q[name]) for name in names}
    return {**result, "seconds": time.perf_counter() - began}


def _check(train: Samples, test: Samples, protocols: Sequence[str], beside: Sequence[str]) -> None:
    for kind, asked, known in (("protocol", protocols, PROTOCOLS), ("baseline", beside, BASELINES)):
        unknown = set(asked) - set(known)
        if unknown:
            raise UsageError(
                f"no {kind} named {', '.join(sorted(unknown))}",
                hint=f"there are {', '.join(known)}",
            )
    for name, (store, labels) in {"train": train, "test": test}.items():
        if len(store) != len(labels):
            raise DataError(f"{name}: {len(store):,} samples have {len(labels):,} labels")
    lacking = set(test[1].tolist()) - set(train[1].tolist())
    if lacking:
        raise DataError(
            f"{len(lacking)} of the test samples' classes have no sample in the training part",
            hint="split the data so that every class is in both parts",
        )


def _scores(
    train: Labelled, test: Labelled, settings: Mapping[str, Any], device: torch.device
) -> dict[str, Any]:
    """Every asked protocol on one pair of features."""
    found: dict[str, Any] = {}
    classes = settings["classes"]
    if "knn" in settings["protocols"]:
        found["kNN"] = _neighbours(train, test, classes, device)
    if "linear" in settings["protocols"]:
        found["linear"] = linear(train, test, classes=classes, device=device)
    if "few" in settings["protocols"]:
        for n in settings["labels"]:
            found[f"{n} labels"] = few(
                train, test, classes=classes, labels=n, draws=settings["draws"], device=device
            )
    return found


def _neighbours(
    train: Labelled, test: Labelled, classes: int, device: torch.device
) -> dict[str, float]:
    """Accuracy of the vote for each k, from one search."""
    bank, labels = (torch.from_numpy(part).to(device) for part in train)
    queries, truth = (torch.from_numpy(part).to(device) for part in test)
    cosines, index = nearest(bank, queries, max(NEIGHBOURS))
    right = {}
    for k in NEIGHBOURS:
        guess = vote(cosines[:, :k], labels[index[:, :k]], TEMPERATURE, classes)
        right[k] = 100 * float((guess == truth).double().mean())
    return {"accuracy": right[NEIGHBOURS[0]], **{f"k={k}": right[k] for k in NEIGHBOURS}}


def digest(settings: Mapping[str, Any]) -> str:
    """A short name of the settings: results compare where it is the same."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def table(result: Mapping[str, Any]) -> list[list[str]]:
    """The scores as rows of text, the first one the head; layers follow the rows of names."""
    named = {**result["scores"], **result.get("layers", {})}
    names = list(next(iter(named.values())))
    rows = [["", *names]]
    rows += [[who, *(_cell(found[name]) for name in names)] for who, found in named.items()]
    return rows


def _cell(score: Mapping[str, Any]) -> str:
    if "correlation" in score:
        low, high = score["interval"]
        return f"{score['correlation']:.2f} [{low:.2f}, {high:.2f}] n={score['pairs']}"
    spread = f" ± {score['deviation']:.1f}" if "deviation" in score else ""
    return f"{score['accuracy']:.1f}{spread}"
