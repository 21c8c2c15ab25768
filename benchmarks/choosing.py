"""Which label-free number tells good encoders from bad ones? A study over checkpoints.

    python -m benchmarks.choosing

Six methods and three ways to spoil one, a minute of two cores each, looked at nine times: every
label-free number that `diagnose` gives, beside the accuracy of a linear probe (10,000 labelled
training images, 5,000 others to score; Fashion-MNIST's own test part is never read).
Writes benchmarks/results/choosing.json: the checkpoints, Kendall's tau of each number with the
accuracy, and what choosing by it costs. Methods whose result is there are not trained again.
"""

from __future__ import annotations

import argparse
import json
import math
from typing import Any

import numpy as np
import torch
from scipy.stats import kendalltau

from benchmarks.common import RESULTS, laps, provenance, save
from unlabeled.data import open_labeled
from unlabeled.data.store import Store
from unlabeled.diagnose import diagnose
from unlabeled.diagnose.clusters import clid
from unlabeled.encoders import Encoder, Shape
from unlabeled.evaluate import knn, linear
from unlabeled.evaluate.embed import embed
from unlabeled.pretraining import prepare

METHODS: dict[str, dict[str, Any]] = {  # name: the method, and its flags where they differ
    "rotation": {}, "autoencoder": {}, "vae": {}, "simclr": {}, "simclr, too warm": {
        "method": "simclr", "temperature": 1.0}, "byol": {}, "swav": {},
    "byol, teacher not slow": {"method": "byol", "teacher_momentum": 0.0},
    "simclr, too fast": {"method": "simclr", "lr": 0.1},
}  # fmt: skip
LOOKS = 8  # at an encoder while it trains, at steps that grow geometrically
BANK, QUERIES = 10_000, 5_000
DRAWS = 1000  # of the methods, for the intervals
LATE = 4  # of them are late: after at least a thirtieth of the run
LESS = ("alignment", "uniformity", "dead dimensions", "distance of alpha from 1")
ASIDE = ("samples", "dimensions", "1 / sqrt(dimensions)", "alpha (alpha-ReQ)")


def checkpoints(name: str, seconds: float, seed: int) -> list[dict[str, Any]]:
    """Train one method, and look at it on the way, before the first step and after the last."""
    said = {"method": name, **METHODS[name]}
    method, clock = said.pop("method"), laps()
    ready = prepare(method, "fashion-mnist:train", time=seconds, seed=seed, **said)
    stores, truths = judges()
    last = ready.trainer.steps
    due = {round(last ** (i / (LOOKS - 1))) for i in range(LOOKS)}
    found = [look(ready.method.encoder, stores, truths, name=name, step=0, seed=seed)]
    for step in ready.trainer.run():
        if step.number + 1 in due:
            encoder = ready.method.encoder
            found.append(look(encoder, stores, truths, name=name, step=step.number + 1, seed=seed))
            print({k: v for k, v in found[-1].items() if k != "numbers"}, flush=True)
    return [{**one, "seconds": clock()} if one is found[-1] else one for one in found]


def judges() -> tuple[list[Store], list[np.ndarray]]:
    """Two parts of the training images with their labels: to learn a probe from, and to score."""
    store, labels = open_labeled("fashion-mnist:train", Shape("image", 1, 28))
    order = np.random.default_rng(0).permutation(len(store))[: BANK + QUERIES]
    parts = [np.sort(order[:BANK]), np.sort(order[BANK:])]
    return [store.subset(p) for p in parts], [labels.values[p] for p in parts]


def look(
    encoder: Encoder, stores: list[Store], truths: list[np.ndarray], **about: Any
) -> dict[str, Any]:
    """The label-free numbers of an encoder, and what labels say of it."""
    found = diagnose(encoder, stores[0])
    vectors = [embed(encoder, store)["out"] for store in stores]
    return {
        **about,
        "level": found["level"],
        "numbers": found["numbers"],
        **labelled(vectors, truths),
    }


def labelled(vectors: list[np.ndarray], truths: list[np.ndarray]) -> dict[str, float]:
    """What labels say of vectors, in percent: a linear probe, and nearest neighbours."""
    (x, q), (y, t) = vectors, truths
    if not (np.isfinite(x).all() and np.isfinite(q).all()):
        return {"linear": 10.0, "kNN": 10.0}
    bank, labels, queries, truth = map(torch.from_numpy, (x, y, q, t))
    guess, _ = knn(bank, labels, queries, k=20, temperature=0.07, classes=10)
    return {
        "linear": linear((x, y), (q, t), classes=10, strengths=(1e-2,))["accuracy"],
        "kNN": 100 * float((guess == truth).double().mean()),
    }


def study(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each number: its tau with accuracy over all, within methods, and its regret."""
    rows = [dict(one["numbers"]) for one in found]
    for row in rows:
        if "alpha (alpha-ReQ)" in row:
            row["distance of alpha from 1"] = abs(row["alpha (alpha-ReQ)"] - 1)
    known = [row for row in rows if "cluster learnability" in row]
    both = clid(*([r[k] for r in known] for k in ("cluster learnability", "intrinsic dimension")))
    for row, value in zip(known, both, strict=True):
        row["CLID"] = value
    trained = [i for i, one in enumerate(found) if one["step"]]
    methods = list(dict.fromkeys(one["name"] for one in found))
    ends = [max(i for i in trained if found[i]["name"] == m) for m in methods]
    late = [i for m in methods for i in [i for i in trained if found[i]["name"] == m][-LATE:]]
    out = []
    for name in dict.fromkeys(k for row in rows for k in row):
        if name in ASIDE:
            continue
        sign = -1 if name in LESS else 1
        score = [sign * row.get(name, -math.inf * sign) for row in rows]
        own = [[i for i in trained if found[i]["name"] == m] for m in methods]
        each = {
            what: {
                "tau": kendall([score[i] for i in trained], right(found, trained, what)),
                "interval": interval(score, found, trained, what),
                "tau, late": kendall([score[i] for i in late], right(found, late, what)),
                "tau within a method": float(
                    np.mean([kendall([score[i] for i in g], right(found, g, what)) for g in own])
                ),
                "regret": regret(score, found, trained, what),
                "regret among methods": regret(score, found, ends, what),
            }
            for what in ("linear", "kNN")
        }
        out.append({"number": name, "better": "less" if sign < 0 else "more", **each})
    return sorted(out, key=lambda row: -row["linear"]["tau, late"])


def right(found: list[dict[str, Any]], rows: list[int], what: str) -> list[float]:
    """The accuracies of some checkpoints."""
    return [found[i][what] for i in rows]


def regret(score: list[float], found: list[dict[str, Any]], rows: list[int], what: str) -> float:
    """Points lost by choosing the checkpoint that a number calls best."""
    best = max(rows, key=lambda i: score[i])
    return max(right(found, rows, what)) - found[best][what]


def interval(
    score: list[float], found: list[dict[str, Any]], rows: list[int], what: str
) -> list[float]:
    """The middle 95 % of tau over draws of the methods, each with all its checkpoints."""
    chance, own = np.random.default_rng(0), dict[str, list[int]]()
    for i in rows:
        own.setdefault(found[i]["name"], []).append(i)
    taus = []
    for _ in range(DRAWS):
        drawn = [i for m in chance.choice(list(own), len(own)) for i in own[m]]
        taus.append(kendall([score[i] for i in drawn], right(found, drawn, what)))
    return [float(x) for x in np.percentile(taus, [2.5, 97.5])]


def kendall(a: list[float], b: list[float]) -> float:
    """Kendall's tau-b; 0 where one of the two never changes."""
    tau = float(kendalltau(a, b).statistic)
    return 0.0 if math.isnan(tau) else tau


def main() -> None:
    """Train what is missing, and study all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--time", type=float, default=60)
    parser.add_argument("--only", choices=METHODS, nargs="+", default=list(METHODS))
    said, path = parser.parse_args(), RESULTS / "choosing.json"
    kept = json.loads(path.read_text())["checkpoints"] if path.exists() else []
    for name in said.only:
        if all(one["name"] != name for one in kept):
            kept += checkpoints(name, said.time, seed=0)
            save(path.name, {**provenance(), "study": study(kept), "checkpoints": kept})
    for row in study(kept):
        print(row)


if __name__ == "__main__":
    main()
