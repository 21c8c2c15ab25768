"""Judge an encoder with labels, always beside its baselines."""

from __future__ import annotations

import difflib
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

import numpy as np

from unlabeled.data.store import Store
from unlabeled.encoders import Encoder, Words
from unlabeled.errors import DataError, UsageError
from unlabeled.evaluate import baselines
from unlabeled.evaluate.communities import COMMUNITIES, probe, runs
from unlabeled.evaluate.documents import firsts, weighted
from unlabeled.evaluate.embed import home
from unlabeled.evaluate.energies import DRAWS as LOOKS
from unlabeled.evaluate.energies import energy
from unlabeled.evaluate.few import DRAWS
from unlabeled.evaluate.finetune import LABELS, STEPS, finetuned
from unlabeled.evaluate.frozen import Frozen
from unlabeled.evaluate.future import CHOICES, future
from unlabeled.evaluate.groups import grouped
from unlabeled.evaluate.matching import viewed
from unlabeled.evaluate.protocols import FROZEN, Scores, settings_of
from unlabeled.evaluate.segmentation import SYNTHETIC, on_collages
from unlabeled.method import Method

REPORTED = tuple(f"linear:{name}" for name in COMMUNITIES)
PROTOCOLS = (*FROZEN, *REPORTED, "layers", "finetune", "segmentation", "future", "energy")
USUAL = ("knn", "linear", "few", "layers")
BASELINES = ("untrained", "raw", "PCA")
APART = (
    "protocols", "reported", "future", "energy", "matching", "finetune", "segmentation",
    "supervised",
)  # fmt: skip

Samples = tuple[Store, np.ndarray]


def evaluate(
    encoder: Encoder,
    train: Samples,
    test: Samples,
    *,
    protocols: Sequence[str] = USUAL,
    layers: Sequence[str] | Literal["all"] = "all",
    pool: Literal["mean", "grid"] = "mean",
    beside: Sequence[str] = BASELINES,
    supervised: bool = False,
    steps: int = 1000,
    epochs: int | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    groups: np.ndarray | str | None = None,
    precision: str = "fp32",
    method: Method[Any] | None = None,
) -> dict[str, Any]:
    """Score frozen features: only probes are trained, and nothing is chosen on the test samples.

    Args:
        encoder: The encoder as training left it, on the device that shall compute.
        train: Samples and labels to learn probes from.
        test: Samples and labels to score.
        protocols: "knn" (weighted, k = 20 and T = 0.07; others' choices beside it); "linear" (all
            labels, the penalty chosen on a tenth of train); "few" (1, 5, 10 and 100 labels a class,
            1 and 10 % of all); "retrieval" (recall and mAP among the other test samples);
            "verification" (pairs of one class or two); "clustering" (k-means of the test samples);
            "matching" (two strong views of one sample among four); "anomaly" (each class held out
            in turn); "layers" (kNN and linear on every layer, the untrained network's too);
            "finetune" (all weights, with few labels, against the same network from random weights);
            "segmentation" (of synthetic collages of the samples, alike); "linear:vissl",
            "linear:simclr", "linear:solo", "linear:mae", "linear:dino" and "linear:dinov2" (a
            linear classifier trained as these communities do, on crops and flips, to compare with
            their numbers); "future" (CPC's own test: the true next part among sixteen); "energy"
            (how badly each sample fits what the method learnt, each class the strange one in turn).
        layers: Which layers the protocol "layers" reads.
        pool: How it reads maps: their average, or a grid of up to 4,096 numbers.
        beside: What to score too: "untrained" (the network), "raw" (samples; of text TF-IDF), "PCA"
            of them.
        supervised: Whether to train the same network with all labels, for as many steps.
        steps: How many steps that takes.
        epochs: How many of a community's published epochs are run, the column saying so where it
            is not all: None is all of them on a GPU and, as the encoder looks at every sample in
            each, at most 10 on a CPU.
        draws: Of the few labels.
        seed: Of the untrained network's weights.
        groups: Which training samples belong together (patches of a photograph, scans of a
            patient), one number or name a sample, or a pattern that finds it in the samples' names;
            wherever a part of them chooses, it shares no group with the rest.
        precision: Of the encoder: "fp32" or "bf16".
        method: What trained the encoder, with its heads; "future" and "energy" ask it.

    Returns:
        "scores" by name and protocol, in percent; "layers", if asked, by name, layer and protocol;
        the "settings", their hash "protocol", and the "seconds" it took.

    Raises:
        UsageError: For no protocol or an unknown one, an unknown baseline or layer, fewer epochs
            than 1, views of what has none, a method that has no answer, or a pattern that is none.
        DataError: Where samples and labels do not match, a class of test is not in train, or one
            of train lies in one group.
    """
    if epochs is not None and epochs < 1:
        raise UsageError(f"epochs must be at least 1, got {epochs}", hint="leave --epochs out")
    _check(train, test, protocols, beside)
    together = None if groups is None else grouped(train, groups)
    began, device = time.perf_counter(), home(encoder)
    (a, la), (b, lb) = ((store, labels[firsts(store)]) for store, labels in (train, test))
    settings: dict[str, Any] = {
        "protocols": list(protocols),
        **settings_of(la, draws=draws),
        "pool": pool,
        "train": len(la),
        "test": len(lb),
        "samples": [store.fingerprint for store in (a, b)],
    }
    if together is not None:
        settings["groups"] = [
            len(np.unique(together)),
            hashlib.sha256(together.tobytes()).hexdigest(),
        ]
    if precision != "fp32":  # so that results from before it was asked keep their name
        settings["precision"] = precision
    scores: dict[str, Scores] = {}
    curves: dict[str, dict[str, Scores]] = {}
    transfers: list[dict[str, Scores]] = []  # from protocols that score the baselines themselves
    if "future" in protocols:  # first: it may refuse
        settings["future"] = {"candidates": CHOICES, "seed": seed}
        transfers.append(future(method, b, seed=seed))
    if "energy" in protocols:  # and so may this
        settings["energy"] = {"draws": LOOKS, "seed": seed}
        transfers.append(energy(method, (b, lb), seed=seed, untrained="untrained" in beside))
    reported = runs(protocols, len(a), epochs, device)
    if reported:
        found = {name: asdict(run) for name, run in reported.items()}
        settings["reported"] = {**found, "seed": seed}
    asked = tuple(name for name in protocols if name in FROZEN)  # in the order they were asked for
    views = tuple(viewed(b, seed)) if "matching" in asked else ()
    if views:
        settings["matching"] = {"seed": seed}
    apart = None if together is None else together[firsts(train[0])]
    frozen = Frozen(((a, la), (b, lb)), apart, views, asked, settings, device, pool, precision)

    def add(name: str, net: Encoder, layers: Sequence[str] = ()) -> None:
        """Score a network by all that frozen features can be asked, and its layers."""
        found, curve = frozen.network(net, layers)
        given: dict[str, Any] = {"seed": seed, "groups": together}
        own = {k: probe(net, train, test, run, **given) for k, run in reported.items()}
        scores[name] = found | own
        if curve:
            curves[name] = curve

    names = encoder.layers if layers == "all" else tuple(layers)
    read = names if "layers" in protocols else ()
    add("encoder", encoder, read)
    if asked and isinstance(encoder, Words):
        add("encoder, idf", weighted(encoder, a))
    if "untrained" in beside:
        add("untrained", baselines.untrained(encoder, a, seed), read)
    if asked:
        scores |= frozen.without_a_network(encoder.dim, beside)
    if supervised:
        settings["supervised"] = {"steps": steps, "seed": seed}
        add("supervised", baselines.supervised(encoder, train, steps=steps, seed=seed))
    if "finetune" in protocols:
        counts = [n for n in LABELS if n in settings["labels"]] or settings["labels"][-1:]
        given: dict[str, Any] = {"labels": counts, "steps": STEPS}
        settings["finetune"] = given | {"seed": seed}
        transfers.append(finetuned(encoder, train, test, seed=seed, **given))
    if "segmentation" in protocols:
        settings["segmentation"] = SYNTHETIC | {"seed": seed}
        transfers.append(on_collages(encoder, train, test, seed=seed))
    if "future" in protocols:
        scores["last part"] = {}
    for found in transfers:
        for who in found.keys() & scores.keys():
            scores[who] |= found[who]
    settings = json.loads(json.dumps(settings))
    result = {"scores": scores, "settings": settings, "protocol": digest(settings)}
    if curves:
        result["layers"] = curves
    return {**result, "seconds": time.perf_counter() - began}


def _check(train: Samples, test: Samples, protocols: Sequence[str], beside: Sequence[str]) -> None:
    if not protocols:
        raise UsageError("no protocol is asked for", hint=f"there are {', '.join(PROTOCOLS)}")
    for kind, asked, known in (("protocol", protocols, PROTOCOLS), ("baseline", beside, BASELINES)):
        unknown = sorted(set(asked) - set(known))
        if unknown:
            near = difflib.get_close_matches(unknown[0], known, 1)
            raise UsageError(
                f"no {kind} named {', '.join(unknown)}",
                hint=f"did you mean `{near[0]}`?" if near else f"there are {', '.join(known)}",
            )
    if "matching" in protocols and test[0].shape.modality == "text":
        raise UsageError(
            "the matching game needs two views of a sample, and text has none",
            hint="leave matching out of --protocol",
        )
    pictured = next((name for name in protocols if name in (*REPORTED, "segmentation")), None)
    if pictured and test[0].shape.modality != "image":
        raise UsageError(f"{pictured} looks at images, and this is {test[0].shape.modality}")
    for name, (store, labels) in {"train": train, "test": test}.items():
        if len(store) != len(labels):
            raise DataError(f"{name}: {len(store):,} samples have {len(labels):,} labels")
    lacking = set(test[1].tolist()) - set(train[1].tolist())
    if lacking:
        raise DataError(
            f"{len(lacking)} of the test samples' classes have no sample in the training part",
            hint="split the data so that every class is in both parts",
        )


def digest(settings: Mapping[str, Any]) -> str:
    """A short name of what all columns rest on: where it is the same, equal columns compare.

    Which columns there are is not in it, nor what is one column's or row's own (`APART`).
    """
    common = {name: value for name, value in settings.items() if name not in APART}
    return hashlib.sha256(json.dumps(common, sort_keys=True).encode()).hexdigest()[:12]


def table(result: Mapping[str, Any]) -> list[list[str]]:
    """The scores as rows of text, the first one the head; layers follow the rows of names."""
    below = {
        layer if who == "encoder" else f"{layer}, {who}": found
        for who, curve in result.get("layers", {}).items()
        for layer, found in curve.items()
        if layer != "out" or not result["scores"][who]
    }
    named = {who: found for who, found in {**result["scores"], **below}.items() if found}
    columns = {name: score for found in named.values() for name, score in found.items()}
    rows = [["", *(_head(name, score) for name, score in columns.items())]]
    rows += [[who, *(_cell(found.get(name)) for name in columns)] for who, found in named.items()]
    return rows


def headline(score: Mapping[str, Any]) -> tuple[str, float]:
    """The number that stands for a protocol, the first that it names, and its name."""
    return next(iter(score.items()))


def _head(name: str, score: Mapping[str, Any]) -> str:
    what, _ = headline(score)
    return name if what in ("accuracy", "correlation") else f"{name} {what}"


def _cell(score: Mapping[str, Any] | None) -> str:
    if score is None:
        return "–"
    if "correlation" in score:
        low, high = score["interval"]
        return f"{score['correlation']:.2f} [{low:.2f}, {high:.2f}] n={score['pairs']}"
    spread = f" ± {score['deviation']:.1f}" if "deviation" in score else ""
    return f"{headline(score)[1]:.1f}{spread}" + (f" n={score['n']}" if "n" in score else "")
