"""How well exemplar knows an image again, and BiGAN what it rebuilt: each one's own among others.

The measures are like those of benchmarks/tasks.py.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks import critic
from benchmarks.naive import gradient_energy, squared
from benchmarks.tasks import Found, images, percent
from unlabeled.data import Store
from unlabeled.evaluate.baselines import fresh
from unlabeled.methods.adversarial.bigan import BiGAN
from unlabeled.methods.transformation.exemplar import Exemplar
from unlabeled.state import borrowed
from unlabeled.views import Batch, augment
from unlabeled.views.dice import NEVER

CROWD = 1000  # held-out images, of which one is the same
REBUILT = 100  # rebuilt images, of which one is its own
PART = 250  # samples at a time


def own_first(queries: Tensor, others: Tensor) -> float:
    """Percent of queries `(n, ...)` to which, of all others `(n, ...)`, that of its row is nearest.

    A tie is a failure: where all are alike, none is found.
    """
    far = torch.cdist(queries.flatten(1).double(), others.flatten(1).double())
    own = far.diagonal()
    return percent((far <= own[:, None]).sum(1) == 1)


def exemplar(method: Exemplar, _: Store, test: Store, __: np.ndarray) -> Found:
    """Exemplar: percent of new views of its seeds that it names, and of held-out images paired.

    It learns seeds, so only of seeds can it say which one it sees: these are training images, under
    views that no epoch drew. Of held-out images it can say of which seeds they remind it. So two
    views of each are taken, and one of them is looked for among as many of other images by its
    scores for the seeds, beside the scores of the network untrained and the pixels.
    """
    rows = -(-torch.arange(method.found) * method.among // method.found)  # where the seeds lie
    right = []
    for seeds, index in zip(method.images.split(PART), rows.split(PART), strict=True):
        views, which = method.views(Batch(seeds, index, epoch=NEVER))
        right.append(method.scores(method.embed(views)).argmax(1) == which)
    index = torch.arange(min(CROWD, len(test)))
    held, size = test.read(index), method.encoder.size
    pair = [augment(Batch(held, index, epoch=NEVER + k), size, method.look) for k in range(2)]
    bare = fresh(method)
    with borrowed(bare, averages=False):  # an untrained network has seen no statistics yet
        untrained = [directions(bare, x) for x in pair]
    return {
        "accuracy": percent(torch.cat(right)),
        "chance": 100 / method.found,
        "pairs": own_first(*(directions(method, x) for x in pair)),
        "pairs, untrained": own_first(*untrained),
        "pairs, pixels": own_first(*pair),
        "pairs, chance": 100 / len(index),
    }


def directions(method: Exemplar, x: Tensor) -> Tensor:
    """Scores for the seeds, `(n, k)`, less their mean over seeds and of length 1."""
    scores = torch.cat([method.scores(method.embed(part)) for part in x.split(PART)])
    return F.normalize(scores - scores.mean(1, keepdim=True))


def bigan(method: BiGAN, train: Store, test: Store, _: np.ndarray) -> Found:
    """BiGAN: error of G(E(x)), and whose G(E(x)) is nearest; its critic's verdicts; its samples."""
    real, seen = images(method, test), images(method, train)
    noise = torch.randn(len(real), method.code, generator=torch.Generator().manual_seed(0))
    rebuilt = torch.cat([method.paint(method.embed(x)) for x in real.split(PART)])
    made = torch.cat([method.paint(z) for z in noise.split(PART)])
    groups = zip(real.split(REBUILT), rebuilt.split(REBUILT), strict=True)
    usual = squared(seen.mean(0).expand_as(real), real)
    return {
        "error": squared(rebuilt, real),
        "error of the mean": usual,
        # the mean over all pairs, in closed form
        "error of another": usual + float(seen.double().var(0, correction=0).mean()),
        "own": float(np.mean([own_first(x, g) for x, g in groups])),
        "own, chance": 100 / REBUILT,
        "critic": critic.told(method, real, noise),
        "gradient energy": gradient_energy(made),
        "true gradient energy": gradient_energy(real),
    }
