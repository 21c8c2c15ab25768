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
from pathlib import Path

import torch
from torch import Tensor

import unlabeled
from benchmarks.common import laps, provenance, save
from unlabeled.data import open_labeled
from unlabeled.evaluate import knn, linear, readout

RECIPE = {
    "lr": 3e-3, "batch_size": 256, "weight_decay": 1e-4,
    "temperature": 0.1, "hidden": 512, "crop": 0.5, "colour": 0.5,
}  # fmt: skip
GRIDS = {"stage1": ("max", 5), "stage2": ("max", 4), "stage3": ("mean", 4)}
DIMS, COMPARED = 2048, 512  # components for the probe, and the leading ones for the neighbours
STRENGTHS = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3)  # of the probe's penalty
BANK = 50_000  # of the training images; the others choose


def one(seed: int, budget: str, steps: int | None) -> dict[str, object]:
    """Pretrain with one seed and score the frozen features."""
    clock = laps()
    length = {"steps": steps} if steps else {"time": budget}
    with tempfile.TemporaryDirectory() as place:
        run = unlabeled.pretrain(
            "simclr", "fashion-mnist", seed=seed, out=Path(place, "run"), report=False,
            **length, **RECIPE,
        )  # fmt: skip
        seconds, verdict, encoder = clock(), run.verdict["words"], run.encoder
    train, train_labels = open_labeled("fashion-mnist:train", like=run.shape)
    test, test_labels = open_labeled("fashion-mnist:test", like=run.shape)
    read = readout.fit(encoder, train, grids=GRIDS, dims=DIMS)
    x, q = read(encoder, train), read(encoder, test)
    y, t = (torch.from_numpy(labels.values) for labels in (train_labels, test_labels))
    return {
        "seed": seed,
        "steps": run.config["steps"],
        "seconds": seconds,
        "pretrain": run.config["command"],
        "verdict": verdict,
        **scores(x, y, q, t),
    }


def scores(x: Tensor, y: Tensor, q: Tensor, t: Tensor) -> dict[str, object]:
    """kNN and linear accuracy in percent; k and the penalty are chosen on slices of train."""
    near, far = x[:, -COMPARED:], q[:, -COMPARED:]
    bank, held = slice(BANK), slice(BANK, None)
    kept = {k: neighbours(near[bank], y[bank], near[held], y[held], k) for k in (10, 20, 50)}
    k = max(kept, key=lambda n: kept[n])
    return {
        "validation kNN": kept,
        "k": k,
        "kNN": neighbours(near, y, far, t, k),
        "linear": linear(
            (x.numpy(), y.numpy()), (q.numpy(), t.numpy()), classes=10, strengths=STRENGTHS
        ),
    }


def neighbours(bank: Tensor, labels: Tensor, queries: Tensor, truth: Tensor, k: int) -> float:
    """Weighted kNN accuracy in percent."""
    guess, _ = knn(bank, labels, queries, k=k, temperature=0.07, classes=10)
    return 100 * float((guess == truth).double().mean())


def main() -> None:
    """Run the seeds and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--time", default="10m")
    parser.add_argument("--steps", type=int, help="in place of a time, to repeat a run exactly")
    said = parser.parse_args()
    torch.set_num_threads(2)
    runs: list[dict[str, object]] = []
    for seed in range(said.seeds):
        steps = int(str(runs[0]["steps"])) if runs else said.steps
        runs.append(one(seed, said.time, steps))
        print(runs[-1], flush=True)
        save("accuracy.json", {**provenance(), "runs": runs})


if __name__ == "__main__":
    main()
