"""Is what a critic learnt to see in images worth keeping? DCGAN's use of it, with BiGAN's critic.

    python -m benchmarks.critic
    python -m benchmarks.critic --seeds 1 --steps 20 --out quick.json

BiGAN on Fashion-MNIST's training images, without labels, for as many steps as in the league. Then
linear accuracy with all labels and with 10 a class, on the test images, of the critic's features
(Radford et al. 2016, sec. 5.1), of the same critic untrained, and of BiGAN's encoder. And of the
game: how often the critic tells held-out real pairs from made ones (50 % is chance), and how evenly
the made images lie over the ten classes, as a linear probe of raw pixels names them: the entropy of
their classes, as a share of ln 10. Writes benchmarks/results/critic.json after each seed.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

import unlabeled
from benchmarks.common import laps, provenance, save
from benchmarks.league import steps_of
from unlabeled.data import Store, open_labeled
from unlabeled.encoders import Shape
from unlabeled.evaluate import critic_features, embed, linear
from unlabeled.evaluate.baselines import fresh, raw
from unlabeled.evaluate.few import few
from unlabeled.evaluate.linear import Labelled
from unlabeled.evaluate.logistic import Problem, Scale, fit
from unlabeled.methods.adversarial.bigan import BiGAN
from unlabeled.views import floats

DATA, CLASSES, SEEDS = "fashion-mnist", 10, 3
PENALTY = 1e-4  # of the probe that names made images


def features(method: BiGAN, seed: int, *stores: Store) -> dict[str, list[np.ndarray]]:
    """By whose they are, the features of each store: `(n, d)`."""
    encoders = {
        "critic": critic_features(method),
        "critic, untrained": critic_features(fresh(method, seed)),
        "encoder": method.encoder,
    }
    return {who: [embed(net, part)["out"] for part in stores] for who, net in encoders.items()}


@torch.no_grad()
def told(method: BiGAN, images: Tensor, noise: Tensor) -> dict[str, float]:
    """Percent of real pairs, and of made ones, that the critic takes for what they are."""
    pairs = zip(images.split(500), noise.split(500), strict=True)
    right = [
        (method.critic(x, method.embed(x)) > 0, method.critic(method.paint(z), z) < 0)
        for x, z in pairs
    ]
    real, made = (100 * float(torch.cat(side).double().mean()) for side in zip(*right, strict=True))
    return {"real": real, "made": made, "both": (real + made) / 2}


def named(train: Labelled, images: np.ndarray) -> np.ndarray:
    """The classes of images `(n, d)` by a linear probe of raw pixels."""
    x, y = map(torch.from_numpy, train)
    scale = Scale.of(x)
    weight = fit(Problem.of(scale(x), y, CLASSES), PENALTY)[0, 0]
    scores = scale(torch.from_numpy(images)) @ weight[:, :-1].T + weight[:, -1]
    return scores.argmax(1).numpy()


def evenness(classes: np.ndarray) -> float:
    """The entropy of how often each class occurs, as a share of the most there can be."""
    share = np.bincount(classes, minlength=CLASSES) / len(classes)
    share = share[share > 0]
    return float(-(share * np.log(share)).sum() / math.log(CLASSES))


def thinned(store: Store, labels: np.ndarray, step: int) -> tuple[Store, np.ndarray]:
    """Every `step`-th sample, and its label."""
    rows = np.arange(0, len(store), step)
    return store.subset(rows), labels[rows]


def one(seed: int, steps: int, step: int = 1) -> dict[str, Any]:
    """Train with one seed and judge; every `step`-th labelled image is used."""
    clock = laps()
    with tempfile.TemporaryDirectory() as place:
        run = unlabeled.pretrain(
            "bigan", DATA, seed=seed, steps=steps, out=Path(place, "run"), report=False, quiet=True
        )
        method = cast("BiGAN", run.method(run.data(DATA)).eval())
    trained = clock()
    opened = (open_labeled(f"{DATA}:{part}", Shape("image", 1, 28)) for part in ("train", "test"))
    (train, y), (test, truth) = (thinned(store, who.values, step) for store, who in opened)
    scores = {}
    for who, (x, q) in features(method, seed, train, test).items():
        both = (x, y), (q, truth)
        scores[who] = {
            "width": x.shape[1],
            "linear": linear(*both, classes=CLASSES),
            "10 labels": few(*both, classes=CLASSES, labels=10),
        }
    noise = torch.randn(len(test), method.code, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        made = torch.cat([method.paint(z) for z in noise.split(500)]).flatten(1).numpy()
    return {
        "seed": seed, "steps": steps, "pretrain": run.config["command"], "scores": scores,
        "told": told(method, floats(test.read(torch.arange(len(test)))), noise),
        "evenness": {
            who: evenness(named((raw(train), y), part))
            for who, part in (("real", raw(test)), ("made", made))
        },
        "seconds": {"pretraining": trained, "evaluation": clock()},
    }  # fmt: skip


def main() -> None:
    """All seeds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--steps", type=int, help="in place of the league's")
    parser.add_argument("--every", type=int, default=1, help="use each so many-th labelled image")
    parser.add_argument("--out", default="critic.json")
    said, runs = parser.parse_args(), []
    for seed in range(said.seeds):
        runs.append(one(seed, said.steps or steps_of("bigan", DATA), said.every))
        print(runs[-1], flush=True)
        save(said.out, {**provenance(), "data": DATA, "every": said.every, "runs": runs})


if __name__ == "__main__":
    main()
