"""How a run does in the eyes of somebody who has labels: nearest neighbours while it trains.

For a person to watch, where labels lie beside the samples. Nothing that trains, judges a run or
chooses between runs sees this number or a label.
"""

from __future__ import annotations

import torch
from torch import Tensor

from unlabeled.data.labels import Opened
from unlabeled.encoders import Encoder
from unlabeled.errors import DataError
from unlabeled.evaluate.documents import firsts
from unlabeled.evaluate.embed import BATCH, home
from unlabeled.evaluate.knn import TEMPERATURE, K, nearest, vote
from unlabeled.state import borrowed
from unlabeled.views.sequences import preprocess

FEWEST, MOST = 256, 10_000  # samples that are named


class OnlineKNN:
    """Names samples by their nearest neighbours among the others: `online(encoder)`, in percent.

    Weighted kNN as in `evaluate`, but of training samples, few of them, each left out of its own
    vote, and with batch norm on the statistics of the batch: worth its course, not its height.

    Args:
        opened: The samples, and how to read their labels.
        samples: How many are named, within 256 and 10,000.
        seed: The run's; it draws the samples, the same at every look.

    Raises:
        DataError: Where there are no labels, or all are the same.

    Source: Wu et al. 2018, sec. 3.4, https://arxiv.org/abs/1805.01978.
    """

    def __init__(self, opened: Opened, *, samples: int, seed: int) -> None:
        self.store, known = opened.store, opened.labels()
        chance = torch.Generator().manual_seed(seed)
        whole = torch.from_numpy(firsts(self.store))  # the rows of one text are alike
        among = whole[torch.randperm(len(whole), generator=chance)]
        self.index = among[: min(max(samples, FEWEST), MOST)].sort().values
        self.labels = torch.from_numpy(known.values)[self.index]
        self.classes = len(known.names)
        if len(self.labels.unique()) < 2:
            raise DataError(f"no kNN of {self.store.source}: its labels are all the same")

    @torch.no_grad()
    def __call__(self, encoder: Encoder) -> float:
        """The percent that are named right, now; nothing of the encoder changes."""
        device, vectors = home(encoder), []
        with borrowed(encoder, averages=False):
            for rows in self.index.tensor_split(-(-len(self.index) // BATCH)):  # none of few
                x = preprocess(encoder, self.store.read(rows).to(device))
                vectors.append(encoder(x).float().cpu())
        return named(torch.cat(vectors), self.labels, classes=self.classes)


def named(vectors: Tensor, labels: Tensor, *, classes: int, k: int = K) -> float:
    """Percent of `(n, d)` vectors whose k nearest others vote for their own label, `(n,)`."""
    cosines, index = nearest(vectors, vectors, k + 1)
    own = index == torch.arange(len(vectors))[:, None]
    own[~own.any(1), -1] = True  # more than k are equal to it: any k of them are its neighbours
    others = (len(vectors), min(k, len(vectors) - 1))
    cosines, index = cosines[~own].view(others), index[~own].view(others)
    right = vote(cosines, labels[index], TEMPERATURE, classes) == labels
    return 100 * right.double().mean().item()
