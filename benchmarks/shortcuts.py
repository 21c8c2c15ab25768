"""Open a shortcut on purpose: the pretext task gets easier, and the features no better.

    python -m benchmarks.shortcuts

Patches that touch give away how they lie by the lines that run across their edges. Gaps and jitter
between them close that way. Here both puzzles are trained with it closed, as they are by default,
and open, on patches of photographs (see benchmarks/worlds.py); whole photographs are held out, for
the pretext task and for the probes.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import unlabeled
from benchmarks.common import laps, provenance, save
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
WAYS = {"closed": {}, "open": {"gap": 0.0, "jitter": 0.0}}


def one(name: str, way: str, seed: int, length: dict[str, Any]) -> dict[str, Any]:
    """Train with the shortcut closed or open; how often the puzzle is solved, and the probes."""
    train, test = photographs()
    clock = laps()
    with tempfile.TemporaryDirectory() as place:
        run = unlabeled.pretrain(
            name, train[0], seed=seed, out=Path(place, "run"), report=False, quiet=True,
            **length, **WAYS[way],
        )  # fmt: skip
        right = solved(run.method(run.data(train[0])).eval(), name, open_data(test[0]))
        scores = run.evaluate(train=labelled(train), test=labelled(test), seed=seed)["scores"]
    return {
        "method": name,
        "shortcut": way,
        "seed": seed,
        "steps": run.config["steps"],
        "puzzle": right,
        "scores": {who: scores[who] for who in ("encoder", "untrained")},
        "seconds": clock(),
    }


@torch.no_grad()
def solved(method: Method[Any], name: str, store: Store) -> float:
    """Percent of its puzzles that a trained method solves."""
    rows = torch.arange(len(store)).split(256)
    right = [RIGHT[name](method, *method.views(Batch(store.read(i), i))) for i in rows]
    return 100 * float(torch.cat(right).double().mean())


def main() -> None:
    """Both methods, both ways."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--time", default="60s")
    parser.add_argument("--seeds", type=int, default=1)
    said = parser.parse_args()
    runs: list[dict[str, Any]] = []
    for name in RIGHT:
        steps = None
        for seed in range(said.seeds):
            for way in WAYS:
                runs.append(
                    one(name, way, seed, {"steps": steps} if steps else {"time": said.time})
                )
                steps = runs[-1]["steps"]
                print({k: v for k, v in runs[-1].items() if k != "scores"}, flush=True)
                save("shortcuts.json", {**provenance(), "runs": runs})


if __name__ == "__main__":
    main()
