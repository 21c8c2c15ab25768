"""Every system on real data, three seeds, beside its baselines; resumable, one file a run.

    python -m benchmarks.league                       all of them
    python -m benchmarks.league --only simclr         one of them
    python -m benchmarks.league --time 60s --seeds 1  a quick look

Images: all 60,000 Fashion-MNIST training images without labels; scores on its 10,000 test images
with the last checkpoint. Text: the glosses of WordNet. The first seed's time budget settles how
many steps all seeds take.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path

import unlabeled
from benchmarks.common import RESULTS, provenance, save

SYSTEMS = {
    "rotation": {},
    "autoencoder": {},
    "denoising": {"method": "autoencoder", "noise": 0.3},
    "simclr": {},
    "byol": {},
    "cpc": {},
    "swav": {},
    "word2vec": {},
}
PROTOCOLS = ("knn", "linear", "few")


def one(system: str, seed: int, budget: str) -> None:
    """Train and judge one system with one seed, unless its result is there."""
    name = f"systems/{system}-{seed}.json"
    if (RESULTS / name).exists():
        return
    settings = dict(SYSTEMS[system])
    method = settings.pop("method", system)
    text = method == "word2vec"
    first = RESULTS / f"systems/{system}-0.json"
    length = (
        {"steps": json.loads(first.read_text())["steps"]} if first.exists() else {"time": budget}
    )
    folder = Path(tempfile.mkdtemp()) / "run"
    began = time.perf_counter()
    run = unlabeled.pretrain(
        method, "wordnet" if text else "fashion-mnist", seed=seed, out=folder, report=False,
        **length, **settings,
    )  # fmt: skip
    trained = time.perf_counter()
    labelled = {} if text else {
        "train": "fashion-mnist:train", "test": "fashion-mnist:test", "protocols": PROTOCOLS,
        "supervised": seed == 0 and system == "simclr",
    }  # fmt: skip
    result = run.evaluate(**labelled)
    path = save(
        name,
        {
            **provenance(),
            "system": system,
            "seed": seed,
            "steps": run.config["steps"],
            "pretrain": run.config["command"],
            "seconds": {
                "pretraining": trained - began,
                "evaluation": time.perf_counter() - trained,
            },
            "verdict": run.verdict,
            "evaluation": result,
        },
    )
    shutil.rmtree(folder.parent)
    print(path.name, json.dumps(result.get("encoder", result))[:200], flush=True)


def main() -> None:
    """Run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=SYSTEMS)
    parser.add_argument("--time", default="3m")
    parser.add_argument("--seeds", type=int, default=3)
    said = parser.parse_args()
    for seed in range(said.seeds):
        for system in [said.only] if said.only else SYSTEMS:
            one(system, seed, said.time)


if __name__ == "__main__":
    main()
