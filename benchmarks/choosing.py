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
    """For each number: its tau with accuracy over all, late, and within methods, and its regret.

    Of those late, also without the runs that were spoilt on purpose, and at the ends of the others.
    """
    part, out = parts(found), []
    runs = [[i for i in part["all"] if found[i]["name"] == name] for name in named(found)]
    for name, score in scores(found).items():
        each = {
            what: {
                "tau": tau(score, found, part["all"], what),
                "interval": interval(score, found, part["all"], what),
                "tau, late": tau(score, found, part["late"], what),
                "interval, late": interval(score, found, part["late"], what),
                "tau, late, healthy": tau(score, found, part["late, healthy"], what),
                "interval, late, healthy": interval(score, found, part["late, healthy"], what),
                "tau, ends, healthy": tau(score, found, part["ends, healthy"], what),
                "tau within a method": float(np.mean([tau(score, found, g, what) for g in runs])),
                "regret": regret(score, found, part["all"], what),
                "regret among methods": regret(score, found, part["ends"], what),
            }
            for what in ("linear", "kNN")
        }
        out.append({"number": name, "better": "less" if name in LESS else "more", **each})
    return sorted(out, key=lambda row: -row["linear"]["tau, late"])


def scores(found: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Each number of all checkpoints, its sign such that more is better."""
    rows = [dict(one["numbers"]) for one in found]
    for row in rows:
        if "alpha (alpha-ReQ)" in row:
            row["distance of alpha from 1"] = abs(row["alpha (alpha-ReQ)"] - 1)
    known = [row for row in rows if "cluster learnability" in row]
    both = clid(*([r[k] for r in known] for k in ("cluster learnability", "intrinsic dimension")))
    for row, value in zip(known, both, strict=True):
        row["CLID"] = value
    names = [name for name in dict.fromkeys(k for row in rows for k in row) if name not in ASIDE]
    signs = {name: -1 if name in LESS else 1 for name in names}
    return {
        name: np.array([sign * row.get(name, -math.inf * sign) for row in rows])
        for name, sign in signs.items()
    }


def named(found: list[dict[str, Any]]) -> list[str]:
    """The runs by name."""
    return list(dict.fromkeys(one["name"] for one in found))


def parts(found: list[dict[str, Any]]) -> dict[str, list[int]]:
    """Which checkpoints are asked: all after the first step, the late ones, the last of each run.

    The healthy ones are of runs that keep the flags of their method.
    """
    own = {
        m: [i for i, x in enumerate(found) if x["name"] == m and x["step"]] for m in named(found)
    }
    late = [i for rows in own.values() for i in rows[-LATE:]]
    ends = [rows[-1] for rows in own.values()]
    healthy = lambda rows: [i for i in rows if not METHODS[found[i]["name"]]]
    return {
        "all": [i for rows in own.values() for i in rows], "late": late, "ends": ends,
        "late, healthy": healthy(late), "ends, healthy": healthy(ends),
    }  # fmt: skip


def right(found: list[dict[str, Any]], rows: list[int], what: str) -> np.ndarray:
    """The accuracies of some checkpoints."""
    return np.array([found[i][what] for i in rows])


def regret(score: np.ndarray, found: list[dict[str, Any]], rows: list[int], what: str) -> float:
    """Points lost by choosing the checkpoint that a number calls best."""
    best = max(rows, key=lambda i: score[i])
    return float(max(right(found, rows, what)) - found[best][what])


def tau(score: np.ndarray, found: list[dict[str, Any]], rows: list[int], what: str) -> float:
    """Kendall's tau of a number with accuracy, over some checkpoints."""
    return float(kendall(score[rows], right(found, rows, what), np.ones((1, len(rows))))[0])


def interval(
    score: np.ndarray, found: list[dict[str, Any]], rows: list[int], what: str
) -> list[float]:
    """The middle 95 % of tau over draws of the runs, each with all its checkpoints of `rows`."""
    taus = kendall(score[rows], right(found, rows, what), redrawn(found, rows))
    return [float(x) for x in np.percentile(taus, [2.5, 97.5])]


def lead(found: list[dict[str, Any]], one: str, other: str, part: str) -> tuple[float, list[float]]:
    """By how much a number's tau with linear accuracy is above another's, both on the same draws.

    Returns:
        The difference, and the middle 95 % of it over draws of the runs.
    """
    rows, known = parts(found)[part], scores(found)
    truth, drawn = right(found, rows, "linear"), redrawn(found, rows)
    more, less = (kendall(known[name][rows], truth, drawn) for name in (one, other))
    own = [tau(known[name], found, rows, "linear") for name in (one, other)]
    return own[0] - own[1], [float(x) for x in np.percentile(more - less, [2.5, 97.5])]


def redrawn(found: list[dict[str, Any]], rows: list[int]) -> np.ndarray:
    """How often each checkpoint is there when the runs are drawn again: `(DRAWS, len(rows))`."""
    chance, names = np.random.default_rng(0), [found[i]["name"] for i in rows]
    runs = list(dict.fromkeys(names))
    drawn = np.array([chance.choice(len(runs), len(runs)) for _ in range(DRAWS)])
    times = (drawn[:, :, None] == np.arange(len(runs))).sum(1)
    return times[:, [runs.index(name) for name in names]].astype(float)


def kendall(a: np.ndarray, b: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Kendall's tau-b where a pair of values may be there often; 0 where either is constant.

    Args:
        a: `(n,)`, as `b`.
        weights: `(draws, n)`, not negative.

    Returns:
        A tau for each draw, `(draws,)`. A value beside its own copy is a tie in both.
    """
    x, y = ((v[:, None] > v).astype(float) - (v[:, None] < v) for v in (a, b))
    same, untied, unlike = (((weights @ m) * weights).sum(1) for m in (x * y, x**2, y**2))
    below = np.sqrt(untied * unlike)
    return np.divide(same, below, out=np.zeros_like(below), where=below > 0)


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
