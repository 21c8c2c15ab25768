"""Does each method do its own task, on held-out images, better than the naive answer?

    python -m benchmarks.proofs                     all of them; what is done is not done again
    python -m benchmarks.proofs --only jigsaw vae   some of them
    python -m benchmarks.proofs --steps 20 --out quick.json

Each is trained on its data's training part for three to nine tenths of the league's steps (see
`PROOFS`), and then does its task on the test part: benchmarks/tasks.py has how that is measured,
benchmarks/claims.py what is wanted. Writes benchmarks/results/proofs.json after each run.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

import unlabeled
from benchmarks import tasks
from benchmarks.claims import bad_cases, claims
from benchmarks.common import RESULTS, laps, provenance, save
from benchmarks.worlds import WORLDS, Samples
from unlabeled.data import open_data, open_labeled
from unlabeled.encoders import Shape

MEANS = 5000  # training images that the naive answers are made of, and probes draw from
HELD = 5000  # test images


@dataclass(frozen=True)
class Proof:
    """One run: a method, for how many steps, how it is measured, on which data.

    Attributes:
        method: Its name.
        steps: Of training.
        measure: How well it does its task.
        data: Which images.
        settings: The method's own, where they differ from its small recipe.
        probe: Whether frozen features are scored too, with few labels.
    """

    method: str
    steps: int
    measure: tasks.Measure
    data: str = "fashion-mnist"
    settings: dict[str, Any] = field(default_factory=dict)
    probe: bool = False


CENTRE = {"mask": "centre"}
QUARTER = {"factor": 4}
CRITIC = {"adversary": 0.001}
PROOFS: dict[str, Proof] = {
    "rotation": Proof("rotation", 260, tasks.turns, probe=True),
    "rotation, digits": Proof("rotation", 260, tasks.turns, "digits", probe=True),
    "flips": Proof("rotation", 260, tasks.flips, settings={"group": "flips"}),
    "relative-position": Proof("relative-position", 1300, tasks.puzzles("relative-position")),
    "jigsaw": Proof("jigsaw", 1200, tasks.puzzles("jigsaw")),
    "inpainting": Proof("inpainting", 900, tasks.hole, settings=CENTRE),
    "inpainting, critic": Proof("inpainting", 900, tasks.hole, settings=CENTRE | CRITIC),
    "super-resolution": Proof("super-resolution", 1160, tasks.enlargement, settings=QUARTER),
    "super-resolution, critic": Proof(
        "super-resolution", 1160, tasks.enlargement, settings=QUARTER | CRITIC
    ),
    "autoencoder": Proof("autoencoder", 490, tasks.rebuilding, settings={"code": 64}),
    "denoising": Proof("autoencoder", 490, tasks.rebuilding, settings={"code": 64, "noise": 0.3}),
    "vae": Proof("vae", 1080, tasks.evidence),
    "mae": Proof("mae", 340, tasks.hidden_patches),
    "simmim": Proof("simmim", 290, tasks.hidden_patches),
    "split-brain": Proof("split-brain", 150, tasks.halves),
    **{
        f"{name}, {data}": Proof(method, steps, measure, data, settings)
        for data in ("sprites", "photographs")
        for name, method, steps, measure, settings in (
            ("colorization", "colorization", 370, tasks.colour, {}),
            ("colorization by l2", "colorization", 370, tasks.colour, {"answer": "l2"}),
            ("split-brain", "split-brain", 150, tasks.halves, {}),
        )
    },
}


@cache
def samples(data: str) -> tuple[Any, Samples, Samples]:
    """What to train on; some of it with classes; and what is held out, with classes."""
    if data in WORLDS:
        train, test = WORLDS[data](0)
        return train.x, few(train, MEANS), few(test, HELD)
    opened = (open_labeled(f"{data}:{part}", Shape("image", 1, 28)) for part in ("train", "test"))
    train, test = (Samples(np.asarray(s.data[:]), labels.values) for s, labels in opened)
    return train.x, few(train, MEANS), few(test, HELD)


def few(part: Samples, most: int) -> Samples:
    """At most so many of them, evenly spread."""
    step = -(-len(part.x) // most)
    return Samples(part.x[::step], part.y[::step])


def one(name: str, seed: int, steps: int) -> dict[str, Any]:
    """Train, and measure on held-out images."""
    proof, clock = PROOFS[name], laps()
    images, train, test = samples(proof.data)
    with tempfile.TemporaryDirectory() as place:
        run = unlabeled.pretrain(
            proof.method, images, seed=seed, steps=steps, out=Path(place, "run"), report=False,
            quiet=True, **proof.settings,
        )  # fmt: skip
        method = run.method(run.data(images)).eval()
        with torch.no_grad():
            found = proof.measure(method, open_data(train.x), open_data(test.x), test.y)
        if proof.probe:
            scores = run.evaluate(
                train=train[:2], test=test[:2], protocols=("few",), beside=("untrained",), seed=seed
            )["scores"]
            found["10 labels"] = {who: s["10 labels"]["accuracy"] for who, s in scores.items()}
    return {
        "name": name,
        "seed": seed,
        "steps": steps,
        "data": proof.data,
        "held out": len(test.x),
        "command": run.config["command"],
        "seconds": clock(),
        "found": found,
    }


def main() -> None:
    """Run what is missing, and judge all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=PROOFS, nargs="+", default=list(PROOFS))
    parser.add_argument("--steps", type=int, help="in place of each one's own")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="proofs.json", help="name beside the other results")
    said = parser.parse_args()
    path = RESULTS / said.out
    result = json.loads(path.read_text()) if path.exists() else {"runs": []}
    runs: list[dict[str, Any]] = result["runs"]

    def keep() -> None:
        save(said.out, {**result, "claims": claims(runs), "bad": bad_cases(runs), "runs": runs})

    for name in said.only:
        if not any((run["name"], run["seed"]) == (name, said.seed) for run in runs):
            runs.append(one(name, said.seed, said.steps or PROOFS[name].steps))
            result = provenance()
            keep()
            print(name, runs[-1]["seconds"], runs[-1]["found"], flush=True)
    keep()
    for line in claims(runs):
        about = ", ".join(filter(None, (line["method"], line["of"])))
        verdict = "holds" if line["holds"] else "does not hold"
        print(about, line["claim"], line["measured"], line["wanted"], verdict, sep=" | ")


if __name__ == "__main__":
    main()
