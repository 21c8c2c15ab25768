"""What looking costs: the share of a run spent on looks, and the seconds of a full evaluation.

    python -m benchmarks.budgets

Budgets, on two cores: looks under 3 % of a minute's run, of SimCLR and of the autoencoder, whose
steps cost least; kNN, a linear probe on every layer, few labels, clustering and diagnosis of a
512-wide encoder on Fashion-MNIST under 90 seconds, its features aside. Clocks are the process's own
CPU time as well as the wall's. Writes benchmarks/results/budgets.json.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import laps, provenance, save
from unlabeled.data import open_labeled
from unlabeled.diagnose import diagnose
from unlabeled.encoders import ConvNet, Encoder, Shape
from unlabeled.evaluate import embed, evaluate
from unlabeled.log import Log
from unlabeled.pretraining import prepare
from unlabeled.train.folder import RunFolder
from unlabeled.train.loop import Step
from unlabeled.train.memory import keep_memory
from unlabeled.watch import Watch

LOOKS, EVALUATION = 3.0, 90.0  # percent of a run; seconds
LOOKED = ("simclr", "autoencoder")
PROTOCOLS = ("knn", "linear", "few", "clustering", "layers")


class Timed(Watch):
    """A watch that times its looks."""

    spent: dict[str, float]

    def look(self, done: int, step: Step | None) -> None:
        clock = laps()
        super().look(done, step)
        self.spent = {k: self.spent[k] + v for k, v in clock().items()}


def looks(method: str, seconds: float) -> dict[str, Any]:
    """Train a method for so long and say how much of it went into looks, in percent."""
    ready = prepare(method, "fashion-mnist:train", time=seconds)
    with (
        tempfile.TemporaryDirectory() as folder,
        RunFolder.create(Path(folder) / "run", ready.config, ready.store) as place,
    ):
        watch, clock = Timed(ready, place, Log(quiet=True)), laps()
        watch.spent = {"wall": 0.0, "cpu": 0.0}
        watch.begin()
        for step in ready.trainer.run():
            watch.see(step)
        took = clock()
    share = {k: 100 * watch.spent[k] / took[k] for k in took}
    return {
        "steps": ready.trainer.steps, "looks": len(watch.history),
        "seconds": took, "seconds of looks": watch.spent, "percent": share,
        "budget, percent": LOOKS, "kept": share["cpu"] < LOOKS,
    }  # fmt: skip


def evaluation(encoder: Encoder, samples: int | None = None) -> dict[str, Any]:
    """Judge an encoder with and without labels, and time it beside computing its features.

    Args:
        encoder: What is judged; its weights do not matter to the clock.
        samples: The first so many of each part; all if None.
    """
    shape = Shape("image", 1, 28)
    pairs = [open_labeled(f"fashion-mnist:{part}", like=shape) for part in ("train", "test")]
    train, test = (
        (store.subset(np.arange(samples or len(store))), labels.values[:samples])
        for store, labels in pairs
    )
    clock = laps()
    for store, _ in (train, test):  # what `evaluate` computes
        embed(encoder, store, layers=encoder.layers)
    features = clock()
    evaluate(encoder, train, test, protocols=PROTOCOLS, beside=())
    diagnose(encoder, train[0])
    whole = clock()
    beyond = {k: whole[k] - features[k] for k in whole}
    return {
        "samples": [len(train[0]), len(test[0])], "dimensions": encoder.dim,
        "protocols": [*PROTOCOLS, "diagnose"], "seconds": whole, "seconds of features": features,
        "seconds beyond": beyond, "budget, seconds": EVALUATION,
        "kept": beyond["cpu"] / 2 < EVALUATION,
    }  # fmt: skip


def main() -> None:
    """Measure all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--time", type=float, default=60, help="seconds of the run")
    parser.add_argument("--samples", type=int, help="of each part to evaluate on; all if not said")
    parser.add_argument("--out", default="budgets.json", help="name beside the other results")
    said = parser.parse_args()
    keep_memory()
    found = {f"looks, {method}": looks(method, said.time) for method in LOOKED}
    found["evaluation"] = evaluation(ConvNet(1, 28), said.samples)
    for name, row in found.items():
        print(name, row)
    save(said.out, {**provenance(), **found})


if __name__ == "__main__":
    main()
