"""Every system on real data, beside its baselines; resumable, one file a run.

    python -m benchmarks.league                                all of them
    python -m benchmarks.league --only simclr cpc              some of them
    python -m benchmarks.league --on sprites --seeds 1         on one kind of data
    python -m benchmarks.league --plan                         measure the steps, and no more

Fashion-MNIST: all 60,000 training images without labels; scores on its 10,000 test images with the
last checkpoint, beside the same network untrained, of the same seed. Series: the same images row by
row, 28 channels and 28 steps. Sprites and photographs: see benchmarks/worlds.py. Text: the glosses
of WordNet; judged are its words. 20 Newsgroups: all posts before a date, judged by those after it.

How many steps a minute of two quiet cores gives is measured once, for every system on every data,
and kept in benchmarks/results/steps.json; every run takes as many. So a row does not hang on what
else the machine did, and runs may go side by side. A result of another number of steps is run anew.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import unlabeled
from benchmarks.common import RESULTS, laps, provenance, save
from benchmarks.worlds import WORLDS, labelled
from unlabeled.diagnose import looks
from unlabeled.encoders import is_colour_blind
from unlabeled.errors import Diverged
from unlabeled.evaluate import USUAL
from unlabeled.pretraining import plan

IMAGES = ("fashion-mnist", "sprites", "photographs")
COLOURED = ("sprites", "photographs")
SYSTEMS: dict[str, dict[str, Any]] = {  # name: where, and the method and its flags if they differ
    "rotation": {},
    "flips": {"method": "rotation", "group": "flips"},
    "dihedral": {"method": "rotation", "group": "dihedral"},
    "relative-position": {},
    "jigsaw": {},
    "exemplar": {},
    "rotation+jigsaw": {},
    "autoencoder": {},
    "denoising": {"method": "autoencoder", "noise": 0.3},
    "vae": {},
    "colorization": {"on": COLOURED},
    "colorization-l2": {"on": COLOURED, "method": "colorization", "answer": "l2"},
    "split-brain": {},
    "inpainting": {},
    "inpainting-critic": {"method": "inpainting", "adversary": 0.001},
    "super-resolution": {},
    "super-resolution-critic": {"method": "super-resolution", "adversary": 0.001},
    "mae": {},
    "simmim": {},
    "bigan": {},
    "simclr": {},
    "byol": {},
    "cpc": {},
    "cpc-series": {"method": "cpc", "on": ("rows",)},
    "swav": {},
    "word2vec": {"on": ("wordnet", "20-newsgroups")},
}
BUDGET, STEPS = "60s", "steps.json"
SEEDS = {
    "fashion-mnist": 3, "sprites": 1, "photographs": 1, "rows": 3, "wordnet": 3, "20-newsgroups": 3,
}  # fmt: skip
MORE = {"cpc": ("future",)}  # methods that have a test of their own
FULL = {"rows": "cpc-series", "20-newsgroups": "word2vec"}  # else simclr, with its first seed:
TUNED = "fashion-mnist"  # scored with what depends on no seed, and here fine-tuned too


def steps_of(system: str, data: str) -> int:
    """How many steps a minute gives, measured unless it is known."""
    path = RESULTS / STEPS
    known = json.loads(path.read_text())["steps"] if path.exists() else {}
    if system not in known.get(data, {}):
        method, settings = called(system)
        asked = plan(method, samples(data, 0), time=BUDGET, seed=0, quiet=True, **settings)
        known.setdefault(data, {})[system] = asked["steps"]
        save(STEPS, {**provenance(), "time": BUDGET, "steps": known})
    return known[data][system]


def called(system: str) -> tuple[str, dict[str, Any]]:
    """The method of a system, and its settings."""
    settings = {"method": system, **SYSTEMS[system]}
    settings.pop("on", None)
    return settings.pop("method"), settings


def samples(data: str, seed: int) -> Any:
    """What to train on."""
    return WORLDS[data](seed)[0][0] if data in WORLDS else data


def one(system: str, data: str, seed: int) -> None:
    """Train and judge one system with one seed, unless its result is there."""
    method, settings = called(system)
    name, steps = f"systems/{data}/{system}-{seed}.json", steps_of(system, data)
    if (RESULTS / name).exists() and json.loads((RESULTS / name).read_text())["steps"] == steps:
        return
    clock = laps()
    with tempfile.TemporaryDirectory() as place:
        run = unlabeled.pretrain(
            method, samples(data, seed),
            seed=seed, steps=steps, out=Path(place, "run"), report=False, **settings,
        )  # fmt: skip
        pretraining = clock()
        blind = ", colour-blind" * is_colour_blind(run.encoder)
        backbone = run.config["backbone"] + blind
        full = (system, seed) == (FULL.get(data, "simclr"), 0)
        result = run.evaluate(**judged(system, data, backbone, seed, full=full))
        verdict, (first, *_, last) = run.verdict, looks(run.metrics())
    path = save(
        name,
        {
            **provenance(),
            "system": system,
            "data": data,
            "seed": seed,
            "backbone": backbone,
            "steps": run.config["steps"],
            "pretrain": run.config["command"],
            "seconds": {"pretraining": pretraining, "evaluation": clock()},
            "verdict": verdict,
            "RankMe": {"before": first.rankme, "after": last.rankme},
            "evaluation": result,
        },
    )
    for who, found in result["scores"].items():
        print(path.name, who, {k: round(v.get("accuracy", 0), 2) for k, v in found.items()})


def judged(system: str, data: str, backbone: str, seed: int, *, full: bool) -> dict[str, Any]:
    """How to evaluate a run on this data; a baseline that another run has scored is left out."""
    if data == "wordnet":
        return {}
    train, test, groups = f"{data}:train", f"{data}:test", None
    if data in WORLDS:
        known, held = map(labelled, WORLDS[data](seed))
        train, test, groups = known[:2], held[:2], known.groups
    kept = [json.loads(path.read_text()) for path in (RESULTS / "systems" / data).glob("*.json")]
    others = [r for r in kept if r["system"] != system]  # its own result is about to be replaced
    twins = [r for r in others if (r["backbone"], r["seed"]) == (backbone, seed)]
    own = MORE.get(called(system)[0], ())
    untrained = own or not any("untrained" in r["evaluation"].get("layers", ()) for r in twins)
    return {
        "train": train,
        "test": test,
        "protocols": (
            *USUAL,
            *own,
            *("finetune",) * (full and data == TUNED),
        ),
        "beside": ("untrained",) * bool(untrained) + ("raw", "PCA") * full,
        "supervised": full,
        "seed": seed,
        "groups": groups,
    }


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=SYSTEMS, nargs="+", default=list(SYSTEMS))
    parser.add_argument("--on", choices=SEEDS, nargs="+", default=list(SEEDS))
    parser.add_argument("--plan", action="store_true", help="only measure how many steps to take")
    parser.add_argument("--seeds", type=int, help="in place of three, or one on small data")
    said, stopped = parser.parse_args(), []
    for data in said.on:
        here = [name for name in said.only if data in SYSTEMS[name].get("on", IMAGES)]
        for seed in range(1 if said.plan else said.seeds or SEEDS[data]):
            for system in here:
                if said.plan:
                    print(data, system, steps_of(system, data), flush=True)
                    continue
                try:
                    one(system, data, seed)
                except Diverged as error:  # no result; the others shall have theirs
                    stopped.append(f"{system} on {data}, seed {seed}: {error}")
    if stopped:
        raise SystemExit("\n".join(stopped))


if __name__ == "__main__":
    main()
