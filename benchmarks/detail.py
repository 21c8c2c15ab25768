"""What frozen features still tell of a patch: its colour, and how much there is of fine detail.

    python -m benchmarks.detail                      the VAE beside four others, on one fold
    python -m benchmarks.detail --only vae --folds 2

On patches of photographs, whole photographs held out (benchmarks/worlds.py). Each system is trained
as in the league, on all patches that are not held out. From its last layer, and from that of the
same network untrained, ridge regression foretells of each held-out patch its mean colour and the
logarithm of the power of its luma in three bands of frequency, in cycles a pixel: coarse, middle
and fine. The share of variance so explained (R squared) says what the features keep. Beside it, how
far these facts themselves tell the class: linear accuracy by each alone. Writes
benchmarks/results/detail.json.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import unlabeled
from benchmarks.common import provenance, save
from benchmarks.league import called, steps_of
from benchmarks.worlds import labelled, photographs
from unlabeled.evaluate import embed
from unlabeled.evaluate.baselines import untrained
from unlabeled.views.images import LUMA

SYSTEMS = ("vae", "autoencoder", "inpainting", "jigsaw", "simmim")
BANDS = {"coarse": (0.01, 0.08), "middle": (0.08, 0.2), "fine": (0.2, 0.5)}
PENALTIES = np.logspace(-1, 5, 13)
FAINT = 1e-3  # added to powers, so that a flat patch has a logarithm


def facts(patches: np.ndarray) -> dict[str, np.ndarray]:
    """Of patches `(n, s, s, 3)` uint8: the mean colour `(n, 3)`, and each band's log power."""
    pixels = patches.astype(np.float64) / 255
    luma = pixels @ np.array(LUMA)
    power = np.abs(np.fft.fft2(luma - luma.mean((1, 2), keepdims=True))) ** 2
    along = np.fft.fftfreq(patches.shape[1])
    at = np.hypot(*np.meshgrid(along, along))
    band = lambda low, high: np.log(power[:, (at >= low) & (at < high)].sum(1) + FAINT)[:, None]
    return {"colour": pixels.mean((1, 2)), **{name: band(*ends) for name, ends in BANDS.items()}}


def explained(train: np.ndarray, test: np.ndarray, of: np.ndarray, held: np.ndarray) -> float:
    """R squared of held-out facts `(m, k)`, foretold from features by ridge regression."""
    model = make_pipeline(StandardScaler(), RidgeCV(alphas=PENALTIES)).fit(train, of)
    said = np.reshape(model.predict(test), held.shape)
    return float(1 - np.square(held - said).sum() / np.square(held - held.mean(0)).sum())


def one(system: str, fold: int) -> dict[str, Any]:
    """Train a system, and ask its features and those of its network untrained."""
    method, settings = called(system)
    train, test = photographs(fold)
    of, held = facts(train.x), facts(test.x)
    with tempfile.TemporaryDirectory() as place:
        run = unlabeled.pretrain(
            method, train.x, seed=fold, steps=steps_of(system, "photographs"), quiet=True,
            out=Path(place, "run"), report=False, **settings,
        )  # fmt: skip
        parts = run.data(train.x), run.data(test.x)
        nets = {"trained": run.encoder, "untrained": untrained(run.encoder, parts[0], fold)}
    found: dict[str, dict[str, float]] = {}
    for who, net in nets.items():
        known, new = (embed(net, part)["out"] for part in parts)
        found[who] = {k: explained(known, new, of[k], held[k]) for k in of}
    return {"system": system, "fold": fold, "backbone": run.config["backbone"], "found": found}


def told(fold: int) -> dict[str, float]:
    """Percent of held-out patches whose class each fact alone tells, and chance."""
    train, test = map(labelled, photographs(fold))
    of, held = facts(train.x), facts(test.x)
    of["all"], held["all"] = (np.concatenate([*x.values()], 1) for x in (of, held))
    probe = lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    right = {k: probe().fit(of[k], train.y).score(held[k], test.y) for k in of}
    commonest = float((test.y == np.bincount(train.y).argmax()).mean())
    return {k: 100 * float(x) for k, x in (right | {"the commonest class": commonest}).items()}


def main() -> None:
    """Ask all."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--only", nargs="+", default=list(SYSTEMS), metavar="SYSTEM")
    parser.add_argument("--folds", type=int, default=1)
    parser.add_argument("--out", default="detail.json", help="name beside the other results")
    said = parser.parse_args()
    result: dict[str, Any] = {**provenance(), "told": [told(k) for k in range(said.folds)]}
    result["runs"] = []
    print(result["told"], flush=True)
    for system in said.only:
        for fold in range(said.folds):
            result["runs"].append(one(system, fold))
            save(said.out, result)
            print(result["runs"][-1], flush=True)


if __name__ == "__main__":
    main()
