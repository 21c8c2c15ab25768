"""Open a shortcut on purpose: the pretext task gets easier, and the features no better.

    python -m benchmarks.shortcuts

Patches that touch give away how they lie by the lines that run across their edges. Gaps and jitter
between them close that way. Here both puzzles are trained with it closed, as they are by default,
and open, on patches of photographs (see benchmarks/worlds.py); whole photographs are held out, for
the pretext task and for the probes. Each trained network also solves the puzzles of the other kind:
what it learnt from edges does not help it there. Open patches are also larger; one control has
them touch at the size of closed ones. Writes benchmarks/results/shortcuts.json after
each run, and goes on from there.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import unlabeled
from benchmarks.common import RESULTS, laps, provenance, save
from benchmarks.worlds import labelled, photographs
from unlabeled.data import Store, open_data
from unlabeled.method import Method
from unlabeled.views import Batch

RIGHT: dict[str, Callable[..., torch.Tensor]] = {  # which answers are right
    "relative-position": lambda m, patches: (
        m.scores(patches).argmax(1) == m.ways.repeat(len(patches) // 9)
    ),
    "jigsaw": lambda m, tiles, which: m.scores(tiles, which).argmax(1) == which,
}
STEPS = {"relative-position": 1300, "jigsaw": 1200}  # about a minute of two cores
CLOSED, OPEN = {"gap": 0.25, "jitter": 1.0}, {"gap": 0.0, "jitter": 0.0}
WAYS: dict[str, dict[str, dict[str, float]]] = {
    "relative-position": {
        "closed": {**CLOSED, "extent": 1.0},
        "open": {**OPEN, "extent": 1.0},
        "open, as small": {**OPEN, "extent": 0.75},  # patches that touch, as large as closed ones
    },
    "jigsaw": {"closed": CLOSED, "open": OPEN},
}
PROTOCOLS = ("knn", "linear", "few")
FILE = "shortcuts.json"


def one(name: str, way: str, seed: int, steps: int) -> dict[str, Any]:
    """Train with the shortcut closed or open; how often the puzzles are solved, and the probes."""
    train, test = photographs()
    clock, held = laps(), open_data(test.x)
    known = labelled(train)
    with tempfile.TemporaryDirectory() as place:
        run = unlabeled.pretrain(
            name, train.x, seed=seed, steps=steps, out=Path(place, "run"), report=False,
            quiet=True, **WAYS[name][way],
        )  # fmt: skip
        method = run.method(run.data(train.x)).eval()
        puzzles = {asked: solved(method, name, held, cut) for asked, cut in WAYS[name].items()}
        scores = run.evaluate(
            train=known[:2], test=labelled(test)[:2], protocols=PROTOCOLS,
            beside=("untrained",), seed=seed, groups=known.groups,
        )["scores"]  # fmt: skip
    return {
        "method": name,
        "shortcut": way,
        "seed": seed,
        "steps": steps,
        "puzzles": puzzles,
        "scores": {who: scores[who] for who in ("encoder", "untrained")},
        "seconds": clock(),
    }


@torch.no_grad()
def solved(method: Method[Any], name: str, store: Store, settings: dict[str, float]) -> float:
    """Percent of its puzzles that a trained method solves, where they are cut by other settings."""
    for setting, value in settings.items():
        setattr(method, setting, value)
    rows = torch.arange(len(store)).split(256)
    right = [RIGHT[name](method, *method.views(Batch(store.read(i), i))) for i in rows]
    return 100 * float(torch.cat(right).double().mean())


def main() -> None:
    """Both methods, both ways."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, help="in place of about a minute's")
    parser.add_argument("--seeds", type=int, default=1)
    said = parser.parse_args()
    path = RESULTS / FILE
    runs: list[dict[str, Any]] = json.loads(path.read_text())["runs"] if path.exists() else []
    done = {(run["method"], run["shortcut"], run["seed"]) for run in runs}
    for seed in range(said.seeds):
        for name in RIGHT:
            for way in WAYS[name]:
                if (name, way, seed) not in done:
                    runs.append(one(name, way, seed, said.steps or STEPS[name]))
                    print({k: v for k, v in runs[-1].items() if k != "scores"}, flush=True)
                    save(FILE, {**provenance(), "runs": runs})


if __name__ == "__main__":
    main()
