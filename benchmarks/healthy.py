"""Runs that work, of every image method: does the diagnosis stay quiet?

    python -m benchmarks.healthy

Each method by its own recipe on Fashion-MNIST's training images, half a minute of two cores, two
seeds; the first seed's time budget settles how many steps the other takes. Every look at the
encoder is kept with what was said of it. Writes benchmarks/results/healthy.json after each run, and
goes on from there; the verdicts are written anew from the looks that are kept.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import unlabeled
from benchmarks.common import RESULTS, laps, provenance, save
from unlabeled import catalog
from unlabeled.diagnose import Health, verdict
from unlabeled.errors import Diverged

LEFT_OUT = {"word2vec": "it reads text", "colorization": "Fashion-MNIST is grey"}
METHODS = tuple(name for name in catalog.cards() if name not in LEFT_OUT)
ALARMS = ("collapsed", "diverged", "warning")


def one(method: str, seed: int, **length: Any) -> dict[str, Any]:
    """Train one method and keep its looks; it is stopped where a collapse lasts."""
    clock, stopped = laps(), False
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        try:
            unlabeled.pretrain(
                method, "fashion-mnist:train",
                seed=seed, out=out, report=False, quiet=True, **length,
            )  # fmt: skip
        except Diverged:
            stopped = True
        run = unlabeled.load(out)
        looks = [line["health"] for line in run.metrics() if line.get("health")]
        about = {"method": method, "seed": seed, "steps": run.config["steps"], "stopped": stopped}
        return {**about, "command": run.config["command"], "seconds": clock(), "looks": looks}


def judged(run: dict[str, Any]) -> dict[str, Any]:
    """A run with what was said at each look, and whether any of it was an alarm."""
    looks = [Health.read(look) for look in run["looks"]]
    found = [verdict(looks[: n + 1], steps=run["steps"]) for n in range(len(looks))]
    said = [{"step": h.step, "level": v.level, "words": v.words} for h, v in zip(looks, found)]  # noqa: B905
    alarm = run["stopped"] or any(v.level in ALARMS for v in found)
    return {**run, "said": said, "alarm": alarm}


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """How many runs, how many of them with an alarm, and the levels of all looks."""
    levels = Counter(one["level"] for run in runs for one in run["said"])
    return {
        "runs": len(runs),
        "methods": len({run["method"] for run in runs}),
        "looks": sum(levels.values()),
        "levels": dict(levels),
        "runs with an alarm": [f"{r['method']}, seed {r['seed']}" for r in runs if r["alarm"]],
        "runs warned of": sorted(
            {
                f"{run['method']}, seed {run['seed']}: {one['level']}"
                for run in runs
                for one in run["said"]
                if one["level"] not in ("healthy", *ALARMS)
            }
        ),
    }


def main() -> None:
    """Run what is missing, and judge all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=METHODS, nargs="+", default=METHODS)
    parser.add_argument("--time", default="25s")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--out", default="healthy.json", help="name beside the other results")
    said = parser.parse_args()
    path = RESULTS / said.out
    result = json.loads(path.read_text()) if path.exists() else {"runs": []}
    kept = [judged(run) for run in result["runs"]]
    for seed in range(said.seeds):
        for method in said.only:
            own = [run for run in kept if run["method"] == method]
            if any(run["seed"] == seed for run in own):
                continue
            length = {"steps": own[0]["steps"]} if own else {"time": said.time}
            kept.append(judged(one(method, seed, **length)))
            print(method, seed, kept[-1]["steps"], [v["level"] for v in kept[-1]["said"]])
            result = provenance()
            save(said.out, {**result, "summary": summary(kept), "runs": kept})
    save(said.out, {**result, "summary": summary(kept), "runs": kept})
    print(json.dumps(summary(kept), indent=1))


if __name__ == "__main__":
    main()
