"""Too few negatives merge classes, too many split them: can that be told without labels?

    python -m benchmarks.over_under

SimCLR on Fashion-MNIST's training images, a small network, equal steps: how many negatives each
view meets, times the temperature, times seeds. Labels judge (10,000 training images, 5,000 others
to score; the test part is never read): a run on a line of the sweep is on the side of too few
negatives, of too many, or as good as the line's best within the seeds' noise. Without labels,
numbers guess the same. How often they are right is the study (benchmarks/sides.py). Writes
benchmarks/results/over_under.json after each run, and goes on from there.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks import sides
from benchmarks.choosing import judges, labelled
from benchmarks.common import RESULTS, laps, provenance, save
from benchmarks.pushing import clustering_verdict, pushed
from unlabeled import catalog
from unlabeled.data import open_data
from unlabeled.data.batches import Batches, spread
from unlabeled.data.store import Store
from unlabeled.diagnose import (
    coverage,
    false_negatives,
    retrieval,
    silhouette,
    tolerance,
    uniformity,
)
from unlabeled.diagnose.probe import vectors_of, views_of
from unlabeled.encoders import ConvNet
from unlabeled.evaluate.clustering import clustering
from unlabeled.evaluate.embed import embed
from unlabeled.fields import hp
from unlabeled.losses import choose
from unlabeled.losses.kmeans import kmeans
from unlabeled.methods.invariance.simclr import SimCLR
from unlabeled.state import borrowed
from unlabeled.train.loop import train
from unlabeled.train.memory import keep_memory
from unlabeled.views import Batch
from unlabeled.views.dice import NEVER

NEGATIVES = (1, 4, 16, 64, 256)
TEMPERATURES = (0.05, 0.1, 0.2, 0.5, 1.0)
WIDTH, BATCH, STEPS, SEEDS = 8, 256, 200, 2
SAMPLES, CLUSTERS = 2048, 10  # that are looked at without labels

Judges = tuple[list[Store], list[np.ndarray]]


class Few(SimCLR):
    """SimCLR where each view meets only so many of the batch's other views, drawn in each step."""

    negatives: int = hp("how many", default=256, low=1)

    def views(self, batch: Batch) -> tuple[Tensor, ...]:
        a, b = super().views(batch)
        n = 2 * len(a)
        chance = torch.rand(n, n)  # the loop seeds this generator in each step
        twin = torch.arange(n).roll(len(a))
        chance[torch.arange(n), twin] = chance[torch.arange(n), torch.arange(n)] = -1
        return a, b, chance.topk(self.negatives).indices

    def loss(self, a: Tensor, b: Tensor, others: Tensor) -> Tensor:
        z = F.normalize(self.embed(torch.cat([a, b])), dim=1)
        cosines = z @ z.T
        twin = torch.arange(len(z)).roll(len(a))[:, None]
        scores = cosines.gather(1, torch.cat([twin, others], 1)) / self.temperature
        return choose(scores, torch.zeros(len(z), dtype=torch.long)).view(2, -1).mean(0)

    def learned_nothing(self, *_: Tensor) -> float:
        return math.log(1 + self.negatives)


def one(
    store: Store, judged: Judges, negatives: int, temperature: float, seed: int, steps: int
) -> dict[str, Any]:
    """Train one and judge it, with labels and without."""
    clock, (stores, truths) = laps(), judged
    torch.manual_seed(seed)
    small = catalog.card("simclr").small
    settings = small.settings | {"temperature": temperature, "negatives": negatives}
    method = Few(ConvNet(1, 28, width=WIDTH), **settings)
    recipe = dataclasses.replace(small.at(BATCH), settings={})
    *_, last = train(method, Batches(store, BATCH, seed=seed), recipe, steps=steps)
    trained = clock()
    vectors = [embed(method.encoder, part)["out"] for part in stores]
    fit = clustering(vectors[1], truths[1], classes=10)
    numbers = guesses(method, stores[0], negatives)
    return {
        "negatives": negatives, "temperature": temperature, "seed": seed, "steps": steps,
        "loss": float(last.loss), **labelled(vectors, truths),
        **{name: fit[name] for name in ("homogeneity", "completeness")},
        "numbers": numbers, "verdict": clustering_verdict(numbers).level,
        "seconds": {"pretraining": trained, "evaluation": clock()},
    }  # fmt: skip


@torch.no_grad()
def guesses(method: Few, store: Store, negatives: int) -> dict[str, float]:
    """The label-free numbers, in the encoder's space and in the loss's."""
    index = spread(len(store), SAMPLES)
    rows = store.read(index)
    batch = Batch(rows, index, seed=0, epoch=NEVER)
    with borrowed(method, averages=False):
        a, b = SimCLR.views(method, batch)
        x, y = method.embed(torch.cat([a, b])).chunk(2)
    with borrowed(method):  # as `diagnose` looks at an encoder
        h, weak = vectors_of(method.encoder, batch), views_of(method.encoder, batch)
    seen = kmeans(F.normalize(h, dim=1), CLUSTERS)[1]
    own = kmeans(F.normalize(x, dim=1), CLUSTERS)[1]
    pixels = rows.flatten(1).float()
    pixels -= pixels.mean(0)
    return {
        "retrieval@1": retrieval(*weak) if weak else 0.0,
        "uniformity": uniformity(h),
        "uniformity, the loss's space": uniformity(x),
        "tolerance": tolerance(h, seen),
        "tolerance, the loss's space": tolerance(x, own),
        "silhouette": silhouette(h, seen),
        "gradient on neighbours": pushed(x, y, pixels, temperature=method.temperature),
        "expected false negatives": false_negatives(own, negatives),
        "clusters among the negatives": coverage(own, negatives),
    }


def main() -> None:
    """Run what is missing, and study all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--negatives", type=int, nargs="+", default=NEGATIVES)
    parser.add_argument("--temperatures", type=float, nargs="+", default=TEMPERATURES)
    parser.add_argument("--out", default="over_under.json", help="name beside the other results")
    said = parser.parse_args()
    keep_memory()
    path = RESULTS / said.out
    result = json.loads(path.read_text()) if path.exists() else {"runs": []}
    kept: list[dict[str, Any]] = result["runs"]
    done = {(r["negatives"], r["temperature"], r["seed"], r["steps"]) for r in kept}
    store, judged = open_data("fashion-mnist:train"), judges()
    for seed, k, t in itertools.product(range(said.seeds), said.negatives, said.temperatures):
        if (k, t, seed, said.steps) not in done:
            kept.append(one(store, judged, k, t, seed, said.steps))
            shown = ("negatives", "temperature", "seed", "kNN", "linear", "verdict")
            print({name: kept[-1][name] for name in shown}, flush=True)
            result = provenance()
            save(said.out, {**result, "study": [], "runs": kept})
    save(said.out, {**result, "study": sides.study(kept), "runs": kept})
    for row in sides.study(kept):
        print(row)


if __name__ == "__main__":
    main()
