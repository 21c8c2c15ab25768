"""The best frozen features that ten minutes of two cores give on Fashion-MNIST.

    python -m benchmarks.accuracy                  three seeds, ten minutes each
    python -m benchmarks.accuracy --seeds 1

Pretraining sees the 60,000 training images without labels. Everything that has a choice (the
number of neighbours, the strength of the probe's penalty) is chosen with the last 10,000 of them
as queries and the first 50,000 as the bank. The test set is scored once, with the last checkpoint.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

import unlabeled
from benchmarks.common import provenance, save
from unlabeled.data import open_labeled
from unlabeled.evaluate import knn, linear, readout

RECIPE = {
    "lr": 3e-3, "batch_size": 256, "weight_decay": 1e-4,
    "temperature": 0.1, "hidden": 512, "crop": 0.5, "colour": 0.5,
}  # fmt: skip
GRIDS = {"stage1": 3, "stage2": 2, "stage3": 2}
DIMS = 512
BANK = 50_000  # of the training images; the others choose


def one(seed: int, budget: str, steps: int | None) -> dict[str, object]:
    """Pretrain with one seed and score the frozen features."""
    folder = Path(tempfile.mkdtemp()) / "run"
    began = time.perf_counter(), time.process_time()
    length = {"steps": steps} if steps else {"time": budget}
    run = unlabeled.pretrain(
        "simclr", "fashion-mnist", seed=seed, out=folder, report=False, **length, **RECIPE
    )
    seconds = {"wall": time.perf_counter() - began[0], "cpu": time.process_time() - began[1]}
    train, train_labels = open_labeled("fashion-mnist:train", like=run.shape)
    test, test_labels = open_labeled("fashion-mnist:test", like=run.shape)
    read = readout.fit(run.encoder, train, grids=GRIDS, dims=DIMS)
    x, q = read(run.encoder, train).numpy(), read(run.encoder, test).numpy()
    return {
        "seed": seed,
        "steps": run.config["steps"],
        "seconds": seconds,
        "pretrain": run.config["command"],
        "verdict": run.verdict["words"],
        **scores(x, train_labels.values, q, test_labels.values),
    }


def scores(x: np.ndarray, y: np.ndarray, q: np.ndarray, t: np.ndarray) -> dict[str, object]:
    """kNN and linear accuracy in percent; k chosen on a slice of train, the penalty too."""
    kept = {k: _knn(x[:BANK], y[:BANK], x[BANK:], y[BANK:], k) for k in (10, 20, 50)}
    k = max(kept, key=lambda n: kept[n])
    probe = linear.fit(x, y)
    return {
        "validation kNN": kept,
        "k": k,
        "kNN": _knn(x, y, q, t, k),
        "linear": 100 * float((probe.predict(q) == t).mean()),
    }


def _knn(
    bank: np.ndarray, labels: np.ndarray, queries: np.ndarray, true: np.ndarray, k: int
) -> float:
    guess, _ = knn.knn(bank, labels, queries, k=k, temperature=0.07)
    return 100 * float((np.asarray(guess) == true).mean())


def main() -> None:
    """Run the seeds and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--time", default="10m")
    said = parser.parse_args()
    torch.set_num_threads(2)
    runs: list[dict[str, object]] = []
    for seed in range(said.seeds):
        steps = int(str(runs[0]["steps"])) if runs else None
        runs.append(one(seed, said.time, steps))
        print(runs[-1], flush=True)
        save("accuracy.json", {**provenance(), "runs": runs})


if __name__ == "__main__":
    main()
