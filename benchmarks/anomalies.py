"""A class that training never saw: who finds it strange?

    OMP_NUM_THREADS=1 python -m benchmarks.anomalies

Fashion-MNIST without one class, its own small recipe and equal steps for each method. Then test
images, some of them of the class left out: how well do the method's energies tell these from the
others, and how well does the distance to the nearest of 10,000 training images, by the encoder, by
the same network untrained and by raw pixels? Labels choose what is left out and judge afterwards;
training sees none. Writes benchmarks/results/anomalies.json after each run, and goes on from there.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
from typing import Any

import numpy as np
import torch

from benchmarks.common import RESULTS, laps, provenance, save
from unlabeled.data import open_labeled
from unlabeled.encoders import Encoder, Shape
from unlabeled.evaluate import baselines
from unlabeled.evaluate.anomaly import distance, in_turn
from unlabeled.evaluate.embed import embed
from unlabeled.evaluate.energies import energies
from unlabeled.pretraining import prepare
from unlabeled.train.memory import keep_memory

METHODS: dict[str, dict[str, Any]] = {  # name: the method, and its flags where they differ
    "autoencoder": {}, "denoising": {"method": "autoencoder", "noise": 0.3}, "vae": {},
    "rotation": {}, "jigsaw": {}, "simclr": {}, "inpainting": {}, "super-resolution": {},
    "mae": {}, "exemplar": {}, "bigan": {},
}  # fmt: skip
CLASSES = (1, 5, 8)  # trousers, sandals, bags
STEPS, BANK, SCORED = 200, 10_000, 2_500

Vectors = tuple[np.ndarray, np.ndarray]


class Split:
    """The data of one class left out.

    Attributes:
        normal: All training images of other classes.
        bank: Some of these, to be near to.
        test: Images to score, of all classes.
        name: The class left out.
    """

    def __init__(self, held: int, scored: int) -> None:
        shape = Shape("image", 1, 28)
        (store, labels), (test, truth) = (
            open_labeled(f"fashion-mnist:{part}", shape) for part in ("train", "test")
        )
        rows = np.flatnonzero(labels.values != held)
        some = np.random.default_rng(0).permutation(rows)[:BANK]
        self.normal, self.bank = store.subset(rows), store.subset(np.sort(some))
        self.test = test.subset(np.arange(scored))
        self.truth, self.held, self.name = truth.values[:scored], held, labels.names[held]
        self._fresh: dict[str, float] = {}

    def told(self, scores: torch.Tensor) -> float:
        """AUROC in percent of the class left out against the others."""
        return in_turn(scores[:, None], self.truth, np.array([self.held]))["AUROC"]

    def by_distance(self, bank: np.ndarray, queries: np.ndarray) -> float:
        """The same, by the distance to the nearest of the bank."""
        return self.told(distance(torch.from_numpy(bank), torch.from_numpy(queries)))

    def embedded(self, encoder: Encoder) -> float:
        """By distances of an encoder's vectors."""
        return self.by_distance(*(embed(encoder, part)["out"] for part in (self.bank, self.test)))

    def untrained(self, encoder: Encoder, backbone: str) -> float:
        """By those of the same network with fresh weights; each network is asked once."""
        if backbone not in self._fresh:
            self._fresh[backbone] = self.embedded(baselines.untrained(encoder, self.bank))
        return self._fresh[backbone]

    @functools.cached_property
    def pixels(self) -> float:
        """By raw pixels."""
        return self.by_distance(*map(baselines.raw, (self.bank, self.test)))


def one(split: Split, name: str, steps: int) -> dict[str, Any]:
    """Train one method without the class, and look for it."""
    clock, said = laps(), {"method": name, **METHODS[name]}
    ready = prepare(said.pop("method"), split.normal, steps=steps, seed=0, **said)
    for _ in ready.trainer.run():
        pass
    trained = clock()
    method, backbone = ready.method, ready.config["backbone"]
    found, reliability = energies(method, split.test, torch.arange(len(split.test)))
    return {
        "method": name, "class": split.held, "name": split.name, "steps": steps, "seed": 0,
        "scored": len(split.test), "bank": len(split.bank), "backbone": backbone,
        "batch": ready.config["recipe"]["batch"], "energy": split.told(found),
        "reliability": reliability, "distance": split.embedded(method.encoder),
        "untrained": split.untrained(method.encoder, backbone), "pixels": split.pixels,
        "seconds": {"pretraining": trained, "scoring": clock()},
    }  # fmt: skip


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=METHODS, nargs="+", default=METHODS)
    parser.add_argument("--classes", type=int, nargs="+", default=CLASSES)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--scored", type=int, default=SCORED, help="test images")
    parser.add_argument("--out", default="anomalies.json", help="name beside the other results")
    said = parser.parse_args()
    keep_memory()
    path = RESULTS / said.out
    kept: list[dict[str, Any]] = json.loads(path.read_text())["runs"] if path.exists() else []
    done = {(r["method"], r["class"], r["steps"], r["scored"]) for r in kept}
    split = functools.cache(lambda held: Split(held, said.scored))
    for name, held in itertools.product(said.only, said.classes):
        if (name, held, said.steps, said.scored) not in done:
            kept.append(one(split(held), name, said.steps))
            print(kept[-1], flush=True)
            save(said.out, {**provenance(), "runs": kept})


if __name__ == "__main__":
    main()
