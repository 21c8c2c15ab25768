"""How hard each sample is for the method's own task."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from unlabeled.data import Store
from unlabeled.diagnose.probe import NEVER
from unlabeled.evaluate.embed import home, still
from unlabeled.method import Method
from unlabeled.views import Batch

DRAWS = 8  # of each sample's views, and of who meets whom
TOGETHER = 256  # samples in a batch; all batches are as large, or larger or smaller by one


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
        return method.energy(*method.views(batch), samples=len(rows)).float().cpu()

    with still(method):
        for draw in range(DRAWS):
            order = torch.randperm(len(index), generator=chance)
            for part in order.tensor_split(max(1, len(index) // TOGETHER)):
                found[draw, part] = scored(index[part], draw)
        few = index[:TOGETHER]
        own = not torch.equal(scored(few, 0), scored(few, 0, flip=True))
    agree = torch.corrcoef(found.double())[~torch.eye(DRAWS, dtype=torch.bool)].mean()
    steady = float(DRAWS * agree / (1 + (DRAWS - 1) * agree))
    return found.mean(0), steady if own else math.nan
