"""The future: is what was seen so far enough to pick what comes next among sixteen?"""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from unlabeled.data.store import Store
from unlabeled.encoders import Sequence
from unlabeled.errors import UsageError
from unlabeled.evaluate.baselines import fresh
from unlabeled.evaluate.embed import BATCH, inputs
from unlabeled.evaluate.matching import won
from unlabeled.method import Method
from unlabeled.state import borrowed

CHOICES = 16

Futures: TypeAlias = dict[int, tuple[Tensor, Tensor]]


@runtime_checkable
class Foresees(Protocol):
    """A method that predicts codes further along a sequence, as CPC does.

    Attributes:
        encoder: Which encodes the parts of a sample one by one.
    """

    encoder: Sequence

    def futures(self, x: Tensor) -> Futures:
        """By distance ahead, what is asked for and what is there: `(b, steps, lanes, dim)` both."""
        ...


@torch.no_grad()
def future(method: Method[Any] | None, store: Store, *, seed: int = 0) -> dict[str, dict[str, Any]]:
    """Let a method pick the true future part among fifteen others, by inner products.

    The others are true futures too, of any place of any of 512 samples: what the loss tells apart.
    In a harder game, "same sample", they are of the same sample, where it has enough. A tie is
    lost. Chance is 6.25 %.

    Args:
        method: One with `futures`, as it was at the end of training.
        store: Samples that it was not trained on.
        seed: Of the samples drawn, of who stands beside whom, and of the untrained weights.

    Returns:
        "encoder": what the method asks for, from its context. "untrained": the same with fresh
        weights. "last part": the code of the last part seen, in place of a context and a map. By
        column, such as "2 ahead", each has an "accuracy" and that among the "same sample".

    Raises:
        UsageError: Where the method predicts no such thing.

    Source: van den Oord et al. 2018, sec. 2.3, https://arxiv.org/abs/1807.03748.
    """
    if not isinstance(method, Foresees):
        who = "an encoder alone" if method is None else type(method).__name__
        raise UsageError(
            f"the future is asked of a method that predicts it, and {who} does not",
            hint="leave future out of --protocol; cpc is such a method",
        )
    rows = np.random.default_rng(seed).permutation(len(store))[:BATCH]
    x = next(inputs(method.encoder, store.subset(rows)))
    found = {}
    for who, asker in {"encoder": method, "untrained": fresh(method, seed)}.items():
        with borrowed(asker):
            found[who] = asker.futures(x)
    with borrowed(method):
        codes = method.encoder.codes(x)
    found["last part"] = {k: (codes[:, :-k], codes[:, k:]) for k in found["encoder"]}
    return {
        who: {f"{k} ahead": _played(asked, there, seed) for k, (asked, there) in pairs.items()}
        for who, pairs in found.items()
    }


def _played(asked: Tensor, there: Tensor, seed: int) -> dict[str, float]:
    """The two games, every part once; in percent."""
    chance = np.random.default_rng(seed)
    b, parts = len(asked), asked[0, :, :, 0].numel()
    games = {"accuracy": [chance.permutation(b * parts)]}
    if parts >= CHOICES:
        games["same sample"] = [i * parts + chance.permutation(parts) for i in range(b)]
    asked, there = asked.flatten(0, 2), there.flatten(0, 2)
    return {name: 100 * won(asked, there, game, CHOICES) for name, game in games.items()}
