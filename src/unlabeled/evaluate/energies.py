"""Energies: how hard each sample is for the method's own task, and whether strange ones are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unlabeled.data import Store
from unlabeled.errors import DataError, UsageError
from unlabeled.evaluate.anomaly import in_turn
from unlabeled.evaluate.baselines import fresh
from unlabeled.evaluate.embed import home
from unlabeled.method import Method
from unlabeled.state import borrowed
from unlabeled.views import Batch
from unlabeled.views.dice import NEVER

DRAWS = 8  # of each sample's views, and of who meets whom
TOGETHER = 256  # samples in a batch; all batches are as large, or larger or smaller by one
STEADY = 0.5  # a reliability below which energies are mostly chance


@torch.no_grad()
def energies(
    method: Method[Any], store: Store, index: Tensor, *, seed: int = 0
) -> tuple[Tensor, float]:
    """Each sample's mean energy over a few draws of its views, and how far it is the sample's own.

    An energy also hangs on the views and, where samples are told apart, on who else is in the
    batch; so both are drawn anew each time. Draws that agree speak of the sample.

    Args:
        method: The method, heads and all.
        store: Its samples.
        index: `(n,)` positions of those that are asked about.
        seed: Of the draws.

    Returns:
        `(n,)` energies, and the correlation to expect with those of as many other draws: not a
        number where energies are none, do not differ, or do not hang on the samples at all, as in
        a method that shows others in their place.

    Source: Spearman 1910 and Brown 1910, for the correlation of means from that of single draws.
    """
    chance, found = torch.Generator().manual_seed(seed), torch.empty(DRAWS, len(index))

    def scored(rows: Tensor, draw: int, *, flip: bool = False) -> Tensor:
        data, rows = store.read(rows).to(home(method)), rows.to(home(method))
        method.index = rows
        batch = Batch(data.flip(0) if flip else data, rows, seed=seed, epoch=NEVER + draw)
        return method.energy_of(batch).float().cpu()

    with borrowed(method):
        for draw in range(DRAWS):
            order = torch.randperm(len(index), generator=chance)
            for part in order.tensor_split(max(1, len(index) // TOGETHER)):
                found[draw, part] = scored(index[part], draw)
        few = index[:TOGETHER]
        own = not torch.equal(scored(few, 0), scored(few, 0, flip=True))
    agree = torch.corrcoef(found.double())[~torch.eye(DRAWS, dtype=torch.bool)].mean()
    steady = float(DRAWS * agree / (1 + (DRAWS - 1) * agree))
    return found.mean(0), steady if own else math.nan


def own_energies(
    method: Method[Any] | None, store: Store, *, seed: int = 0
) -> tuple[Tensor, float]:
    """The energies of all samples and their reliability, as `energies` has them, or a refusal.

    Args:
        method: The method, heads and all; an encoder alone has no energy.
        store: The samples.
        seed: Of the draws.

    Raises:
        DataError: Of one sample alone, which is beside no other.
        UsageError: Where there is no method; of text, where a row's energy grows with its length;
            and where energies are no numbers, all alike, or do not hang on the samples.
    """
    who, hint = type(method).__name__, "go by distances of embeddings: --protocol anomaly does"
    if method is None:
        raise UsageError("energies are asked of a method, and this is an encoder alone", hint=hint)
    if store.shape.modality == "text":
        raise UsageError(f"energies of text grow with its length; {who} reads text", hint=hint)
    if len(store) < 2:
        raise DataError("energies are told apart between samples: there must be at least 2")
    found, steady = energies(method, store, torch.arange(len(store)), seed=seed)
    if math.isnan(steady):
        raise UsageError(
            f"the energies of {who} say nothing of these samples: they are the same whichever is "
            "shown, or no numbers",
            hint=hint,
        )
    return found, steady


def energy(
    method: Method[Any] | None,
    test: tuple[Store, np.ndarray],
    *,
    seed: int = 0,
    untrained: bool = True,
) -> dict[str, dict[str, dict[str, float]]]:
    """Call a test sample strange by its energy: how badly it fits what the method learnt.

    Each class in turn is the strange one, to be told from all others, as in `anomaly`. But nothing
    is left out of training: the method may have seen every class, without its label, and where all
    are equally familiar 50 is what to expect. More than that says which class is hard, not which
    is new. To find what is new, train on normal samples alone.

    Args:
        method: The method as it was at the end of training, heads and all.
        test: Samples and labels.
        seed: Of the draws and of the untrained weights.
        untrained: Whether to ask the same method with fresh weights too.

    Returns:
        Of "encoder", and of "untrained", the column "energy": the "AUROC", the mean over the
        classes held out, and their "deviation", in percent; and the "reliability" of the energies,
        the correlation in [-1, 1] to expect with those of other draws.

    Raises:
        UsageError: Where energies say nothing of a sample: see `own_energies`.
    """
    store, labels = test
    asked = {"encoder": own_energies(method, store, seed=seed)}
    if untrained and method is not None:
        asked["untrained"] = energies(
            fresh(method, seed), store, torch.arange(len(store)), seed=seed
        )
    known = np.unique(labels)
    return {
        who: {
            "energy": {
                **in_turn(e[:, None].expand(-1, len(known)), labels, known),
                "reliability": r,
            }
        }
        for who, (e, r) in asked.items()
    }
