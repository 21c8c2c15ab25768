"""Every system on real data, three seeds, beside its baselines; resumable, one file a run.

    python -m benchmarks.league                       all of them
    python -m benchmarks.league --only simclr cpc     some of them
    python -m benchmarks.league --time 10s --seeds 1  a quick look

Images: all 60,000 Fashion-MNIST training images without labels; scores on its 10,000 test images
with the last checkpoint, beside the same network untrained, of the same seed. Series: the same
images row by row, 28 channels and 28 steps. Text: the glosses of WordNet. The first seed's time
budget settles how many steps all seeds take.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import unlabeled
from benchmarks.common import RESULTS, laps, provenance, save
from unlabeled.data import open_labeled
from unlabeled.encoders import Shape

SYSTEMS: dict[str, dict[str, Any]] = {  # name: data, and the method and its flags where they differ
    "rotation": {},
    "autoencoder": {},
    "denoising": {"method": "autoencoder", "noise": 0.3},
    "simclr": {},
    "byol": {},
    "cpc": {},
    "cpc-series": {"method": "cpc", "data": "rows"},
    "swav": {},
    "word2vec": {"data": "wordnet"},
}
PROTOCOLS = ("knn", "linear", "few")
ALL = "simclr"  # with its first seed the baselines that depend on no seed are scored too


def one(system: str, seed: int, budget: str) -> None:
    """Train and judge one system with one seed, unless its result is there."""
    name = f"systems/{system}-{seed}.json"
    if (RESULTS / name).exists():
        return
    settings = {"method": system, "data": "fashion-mnist", **SYSTEMS[system]}
    method, data = settings.pop("method"), settings.pop("data")
    first = RESULTS / f"systems/{system}-0.json"
    length = (
        {"steps": json.loads(first.read_text())["steps"]} if first.exists() else {"time": budget}
    )
    folder = Path(tempfile.mkdtemp()) / "run"
    clock = laps()
    run = unlabeled.pretrain(
        method, rows("train")[0] if data == "rows" else data,
        seed=seed, out=folder, report=False, **length, **settings,
    )  # fmt: skip
    pretraining = clock()
    backbone = run.config["backbone"]
    result = run.evaluate(**judged(data, backbone, seed, everything=(system, seed) == (ALL, 0)))
    path = save(
        name,
        {
            **provenance(),
            "system": system,
            "seed": seed,
            "backbone": backbone,
            "steps": run.config["steps"],
            "pretrain": run.config["command"],
            "seconds": {"pretraining": pretraining, "evaluation": clock()},
            "verdict": run.verdict,
            "evaluation": result,
        },
    )
    shutil.rmtree(folder.parent)
    for who, found in result["scores"].items():
        print(path.name, who, {k: round(v.get("accuracy", 0), 2) for k, v in found.items()})


def judged(data: str, backbone: str, seed: int, *, everything: bool) -> dict[str, Any]:
    """How to evaluate a run on this data; a baseline that another run has scored is left out."""
    if data == "wordnet":
        return {}
    parts = [rows(p) if data == "rows" else f"{data}:{p}" for p in ("train", "test")]
    kept = [json.loads(path.read_text()) for path in (RESULTS / "systems").glob("*.json")]
    twins = [r for r in kept if (r["backbone"], r["seed"]) == (backbone, seed)]
    untrained = not any("untrained" in r["evaluation"]["scores"] for r in twins)
    return {
        "train": parts[0],
        "test": parts[1],
        "protocols": PROTOCOLS,
        "beside": ("untrained",) * untrained + ("raw", "PCA") * everything,
        "supervised": everything,
        "seed": seed,
    }


def rows(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Fashion-MNIST as series, `(n, 28 channels, 28 steps)` float32 in [0, 1], and its labels."""
    store, labels = open_labeled(f"fashion-mnist:{part}", Shape("image", 1, 28))
    images = np.asarray(store.data[:], np.float32).reshape(-1, 28, 28) / 255
    return np.ascontiguousarray(images.transpose(0, 2, 1)), labels.values  # down the image


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=SYSTEMS, nargs="+", default=list(SYSTEMS))
    parser.add_argument("--time", default="60s")
    parser.add_argument("--seeds", type=int, default=3)
    said = parser.parse_args()
    for seed in range(said.seeds):
        for system in said.only:
            one(system, seed, said.time)


if __name__ == "__main__":
    main()
