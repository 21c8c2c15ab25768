"""What are pretrained weights worth against random ones, where every pixel wants a class?

    python -m benchmarks.segmentation

Encoders are trained on Fashion-MNIST's training images without labels, a minute of two cores each,
and judged by the protocol "segmentation": a linear head and a small decoder on collages of
garments, frozen and tuned, from few labelled canvases. The random network of the same seed learns
from the same canvases as long. What counts is the difference of the two, pair by pair. Writes
benchmarks/results/segmentation.json after each run, and goes on from there.

Canvases that learn hold training garments, and those that score hold test garments. With
`--held-out` the latter hold other training garments: whatever is to be chosen is chosen there.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

import unlabeled
from benchmarks.common import RESULTS, laps, provenance, save
from unlabeled.data import Store, open_labeled
from unlabeled.encoders import Shape
from unlabeled.evaluate.judge import digest
from unlabeled.evaluate.segmentation import SYNTHETIC, on_collages

STEPS = {  # a minute of two cores each
    "inpainting": 900, "autoencoder": 490, "simclr": 220, "rotation": 260, "super-resolution": 1160,
}  # fmt: skip
SEEDS = {"inpainting": 3, "autoencoder": 3, "simclr": 3}  # of the others one
RANDOM = "random weights"
HELD = 10_000  # training garments that only score, where something is to be chosen

Samples = tuple[Store, np.ndarray]


def garments(*, held_out: bool) -> tuple[Samples, Samples]:
    """Labelled garments to learn from and to score."""
    kept, labels = open_labeled("fashion-mnist:train", Shape("image", 1, 28))
    if held_out:
        order = np.random.default_rng(0).permutation(len(kept))
        parts = order[HELD:], order[:HELD]
        train, test = ((kept.subset(rows), labels.values[rows]) for rows in parts)
        return train, test
    test, truth = open_labeled("fashion-mnist:test", Shape("image", 1, 28))
    return (kept, labels.values), (test, truth.values)


def one(
    method: str, seed: int, parts: tuple[Samples, Samples], *, beside: bool
) -> list[dict[str, Any]]:
    """Train and judge one, and, beside it, the random network of its seed."""
    clock = laps()
    with tempfile.TemporaryDirectory() as folder:
        run = unlabeled.pretrain(
            method, "fashion-mnist:train",
            seed=seed, steps=STEPS[method], out=Path(folder, "run"), report=False, quiet=True,
        )  # fmt: skip
        pretraining, encoder = clock(), run.encoder
    found = on_collages(encoder, *parts, seed=seed, beside=beside)
    seconds = {"pretraining": pretraining, "evaluation": clock()}
    about = {"weights": method, "seed": seed, "steps": STEPS[method], "seconds": seconds}
    kept = [{**about, "command": run.config["command"], "scores": found["encoder"]}]
    if beside:
        kept.append({"weights": RANDOM, "seed": seed, "steps": 0, "scores": found["untrained"]})
    return kept


def study(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each method's gains over the random network, column by column.

    A pair is a seed and a draw: the network from pretraining and from random weights, of one seed,
    on the same canvases. Pairs of one seed share their networks, so the interval over pairs is
    that of Student's t as if they did not; the means "by seed" show what that leaves out.

    Args:
        runs: With their "weights", "seed" and "scores"; random weights of each seed among them.

    Returns:
        By method and column: "mean" gain in points of mIoU, the 95 % "interval" of the mean, how
        many "pairs", and "by seed" the means.
    """
    random = {run["seed"]: run["scores"] for run in runs if run["weights"] == RANDOM}
    rows = []
    for method in dict.fromkeys(run["weights"] for run in runs if run["weights"] != RANDOM):
        own = [run for run in runs if run["weights"] == method and run["seed"] in random]
        for column in own[0]["scores"] if own else ():
            gains = [
                np.subtract(run["scores"][column]["draws"], random[run["seed"]][column]["draws"])
                for run in own
            ]
            each = np.concatenate(gains)
            rows.append(
                {"weights": method, "column": column, **over(each), "pairs": len(each)}
                | {"by seed": [float(gain.mean()) for gain in gains]}
            )
    return rows


def over(gains: np.ndarray) -> dict[str, Any]:
    """The mean of gains and its 95 % interval, by Student's t; one gain has none."""
    mean, n = float(gains.mean()), len(gains)
    if n < 2:
        return {"mean": mean, "interval": None}
    half = float(student.ppf(0.975, n - 1) * gains.std(ddof=1) / math.sqrt(n))
    return {"mean": mean, "interval": [mean - half, mean + half]}


def main() -> None:
    """Run what is missing, and study all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=STEPS, nargs="+", default=list(STEPS))
    parser.add_argument("--seeds", type=int, help="in place of three of some and one of others")
    parser.add_argument("--held-out", action="store_true", help="score on other training garments")
    parser.add_argument("--out", default="segmentation.json", help="name beside the other results")
    said = parser.parse_args()
    path = RESULTS / said.out
    result = json.loads(path.read_text()) if path.exists() else {"runs": []}
    settings = json.loads(json.dumps({**SYNTHETIC, "held out": said.held_out}))
    if result["runs"] and result["settings"] != settings:
        raise SystemExit(f"{path} was measured by another protocol; --out names another file")
    kept, parts = result["runs"], garments(held_out=said.held_out)
    for seed, method in itertools.product(range(said.seeds or max(SEEDS.values())), said.only):
        done = {run["weights"] for run in kept if run["seed"] == seed}
        if method in done or seed >= (said.seeds or SEEDS.get(method, 1)):
            continue
        kept += one(method, seed, parts, beside=RANDOM not in done)
        result = provenance() | {"protocol": digest(settings), "settings": settings}
        save(said.out, {**result, "study": study(kept), "runs": kept})
        print(method, seed, flush=True)
    for row in study(kept):
        print(row["weights"], row["column"], f"{row['mean']:+.1f}", row["interval"])


if __name__ == "__main__":
    main()
