"""Does each method do its own task, on held-out images, better than the naive answer?

    python -m benchmarks.proofs                     all of them; what is done is not done again
    python -m benchmarks.proofs --only jigsaw vae   some of them
    python -m benchmarks.proofs --steps 20 --out quick.json

Each is trained on its data's training part for as many steps as in the league, and then does its
task on the test part: benchmarks/tasks.py and benchmarks/known_again.py have how that is measured,
benchmarks/claims.py what is wanted. Writes benchmarks/results/proofs.json after each run. A result
of another number of steps is run anew.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

import unlabeled
from benchmarks import known_again, tasks
from benchmarks.claims import COLOURED, WIDE, bad_cases, claims
from benchmarks.common import RESULTS, laps, provenance, save
from benchmarks.league import SEEDS, TUNED, steps_of
from benchmarks.worlds import WORLDS, Samples, at, labelled
from unlabeled.data import open_data, open_labeled
from unlabeled.encoders import Encoder, Halves, Shape
from unlabeled.evaluate import embed
from unlabeled.evaluate.baselines import untrained
from unlabeled.evaluate.few import few as with_few

MEANS = 5000  # training images that the naive answers are made of, and probes draw from
HELD = 5000  # test images


@dataclass(frozen=True)
class Proof:
    """One run: a method, how it is measured, on which data.

    Attributes:
        method: Its name.
        measure: How well it does its task.
        data: Which images.
        settings: The method's own, where they differ from its small recipe.
        probe: Whether frozen features are scored too, with few labels.
        like: The system of the league that it takes the steps of: the method's own where empty.
    """

    method: str
    measure: tasks.Measure
    data: str = TUNED
    settings: dict[str, Any] = field(default_factory=dict)
    probe: bool = False
    like: str = ""

    @property
    def steps(self) -> int:
        """Of training: as many as the league's, on Fashion-MNIST where it lacks the data."""
        return steps_of(self.like or self.method, self.data if self.data in SEEDS else TUNED)


CENTRE = {"mask": "centre"}
QUARTER = {"factor": 4}
CRITIC = {"adversary": 0.001}
SPLIT = Proof("split-brain", tasks.halves, probe=True)
AS_WIDE = Proof("autoencoder", tasks.rebuilding, probe=True, like="split-brain")
PROOFS: dict[str, Proof] = {
    "exemplar": Proof("exemplar", known_again.exemplar),
    "bigan": Proof("bigan", known_again.bigan),
    "rotation": Proof("rotation", tasks.turns, probe=True),
    "rotation, digits": Proof("rotation", tasks.turns, "digits", probe=True),
    "flips": Proof("rotation", tasks.flips, settings={"group": "flips"}, like="flips"),
    "relative-position": Proof("relative-position", tasks.puzzles("relative-position")),
    "jigsaw": Proof("jigsaw", tasks.puzzles("jigsaw")),
    "inpainting": Proof("inpainting", tasks.hole, settings=CENTRE),
    "inpainting, critic": Proof("inpainting", tasks.hole, settings=CENTRE | CRITIC),
    "super-resolution": Proof("super-resolution", tasks.enlargement, settings=QUARTER),
    "super-resolution, critic": Proof(
        "super-resolution", tasks.enlargement, settings=QUARTER | CRITIC
    ),
    "autoencoder": Proof("autoencoder", tasks.rebuilding, settings={"code": 64}),
    "denoising": Proof(
        "autoencoder", tasks.rebuilding, settings={"code": 64, "noise": 0.3}, like="denoising"
    ),
    "vae": Proof("vae", tasks.evidence),
    "mae": Proof("mae", tasks.hidden_patches),
    "simmim": Proof("simmim", tasks.hidden_patches),
    "split-brain": SPLIT,
    WIDE: AS_WIDE,
    **{
        f"{name}, {data}": replace(proof, data=data)
        for data in COLOURED
        for name, proof in (
            ("colorization", Proof("colorization", tasks.colour)),
            (
                "colorization by l2",
                Proof("colorization", tasks.colour, settings={"answer": "l2"}),
            ),
            ("split-brain", SPLIT),
            (WIDE, AS_WIDE),
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
    return at(part, np.arange(0, len(part.x), -(-len(part.x) // most)))


def probed(encoder: Encoder, train: Samples, test: Samples, seed: int) -> dict[str, float]:
    """Accuracy with 10 labels a class: of its features, an untrained network's, and its halves'."""
    train, test = map(labelled, (train, test))
    stores = [open_data(part.x) for part in (train, test)]
    nets = {"encoder": encoder, "untrained": untrained(encoder, stores[0], seed)}
    asked = {who: [embed(net, store)["out"] for store in stores] for who, net in nets.items()}
    if isinstance(encoder, Halves):
        for who, mark in (("encoder", ""), ("untrained", ", untrained")):
            halves = zip(*(np.split(x, [encoder.one.dim], 1) for x in asked[who]), strict=True)
            named = (name + mark for name in encoder.names)
            asked |= {name: [*half] for name, half in zip(named, halves, strict=True)}
    given: dict[str, Any] = {"classes": int(train.y.max()) + 1, "groups": train.groups}
    return {
        who: with_few((x, train.y), (q, test.y), labels=10, **given)["accuracy"]
        for who, (x, q) in asked.items()
    }


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
            found["10 labels"] = probed(method.encoder, train, test, seed)
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
    kept = {(run["name"], run["seed"]): run for run in result["runs"]}

    def keep() -> list[dict[str, Any]]:
        runs = list(kept.values())
        save(said.out, {**result, "claims": claims(runs), "bad": bad_cases(runs), "runs": runs})
        return runs

    for name in said.only:
        steps, key = said.steps or PROOFS[name].steps, (name, said.seed)
        if kept.get(key, {}).get("steps") != steps:
            kept[key] = one(name, said.seed, steps)
            result = provenance()
            keep()
            print(name, kept[key]["seconds"], kept[key]["found"], flush=True)
    for line in claims(keep()):
        about = ", ".join(filter(None, (line["method"], line["of"])))
        verdict = "holds" if line["holds"] else "does not hold"
        print(about, line["claim"], line["measured"], line["wanted"], verdict, sep=" | ")


if __name__ == "__main__":
    main()
