"""Fine-tuning: every weight learns from few labels, from a good start or from none."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from unlabeled.data.store import Store
from unlabeled.encoders import Encoder
from unlabeled.evaluate import baselines
from unlabeled.evaluate.documents import firsts, members, whole
from unlabeled.evaluate.embed import embed, home
from unlabeled.evaluate.few import chosen, over
from unlabeled.evaluate.logistic import Problem, Scale, fit
from unlabeled.recipe import Recipe

LABELS = (10, 100)  # labels a class
STEPS = 200
DRAWS = 3
DECAY = 0.75  # of the learning rate from one block to the one before it
PENALTY = 1e-2  # of the first head, on standardised features
RECIPE = Recipe(optimizer="adamw", lr=1e-3, weight_decay=0.05, batch=128, warmup=0.1)


def finetune(
    encoder: Encoder,
    labelled: tuple[Store, np.ndarray],
    *,
    steps: int = STEPS,
    decay: float = DECAY,
    seed: int = 0,
) -> baselines.Supervised:
    """Train a copy of an encoder and a head on labelled samples: first the head, then all.

    The head begins at its optimum on the frozen features, by L2-penalised logistic regression, so
    that its first steps do not spoil them. Then all weights learn for `steps` steps with AdamW at
    1e-3 with warm-up and a cosine, weight decay 0.05, batches of up to 128 and the weak views of
    pretraining.

    Args:
        encoder: Where to start from; it stays as it is.
        labelled: The samples and their labels, all that is ever looked at; the head names as many
            classes as the largest label says.
        steps: Of the optimiser.
        decay: Of the learning rate, from each block to the one nearer to the input; 1 for none.
        seed: Of the batches and the views.

    Returns:
        The encoder and its `head`.

    Source: Kumar et al. 2022 (head first), https://arxiv.org/abs/2202.10054; Howard & Ruder 2018,
    sec. 3.2 (decay), https://arxiv.org/abs/1801.06146.
    """
    store, labels = labelled
    with torch.random.fork_rng():
        net = copy.deepcopy(encoder)
        method = baselines.Supervised(net, labels=torch.from_numpy(labels), decay=decay)
        method.to(home(encoder))
        _head_first(method, store)
        baselines.learn(method, store, RECIPE, steps=steps, seed=seed)
    return method.eval()


@torch.no_grad()
def _head_first(method: baselines.Supervised, store: Store) -> None:
    """Give the head its optimum on the features as they are."""
    x = torch.from_numpy(embed(method.encoder, store)["out"]).to(method.truth.device)
    scale = Scale.of(x)
    weight = fit(Problem.of(scale(x), method.truth, method.head.out_features), PENALTY)[0, 0]
    slope = weight[:, :-1] / scale.deviation
    method.head.weight.copy_(slope)
    method.head.bias.copy_(weight[:, -1] - slope @ scale.mean[0])


@torch.no_grad()
def accuracy(method: baselines.Supervised, test: tuple[Store, np.ndarray]) -> float:
    """Percent of samples that a tuned network names right."""
    store, labels = test
    x = torch.from_numpy(whole(store, embed(method.encoder, store)["out"]))
    guess = method.head(x.to(home(method.head))).argmax(1).cpu().numpy()
    return 100 * float((guess == labels[firsts(store)]).mean())


def finetuned(
    encoder: Encoder,
    train: tuple[Store, np.ndarray],
    test: tuple[Store, np.ndarray],
    *,
    labels: Sequence[int] = LABELS,
    draws: int = DRAWS,
    steps: int = STEPS,
    seed: int = 0,
) -> dict[str, dict[str, dict[str, Any]]]:
    """Fine-tune from the encoder's weights and from random ones, with as many steps of either.

    Random weights learn without the decay, which would hold back what has everything to learn.

    Args:
        encoder: The encoder as pretraining left it.
        train: Samples and labels to draw from.
        test: The same, to score.
        labels: Labels a class.
        draws: How many times they are drawn.
        steps: Of the optimiser.
        seed: Of the random weights.

    Returns:
        "encoder" and "untrained": by column, the "accuracy" over the draws, their "deviation",
        and the "draws".
    """
    starts = {
        "encoder": (encoder, DECAY),
        "untrained": (baselines.untrained(encoder, train[0], seed), 1.0),
    }

    def score(start: Encoder, decay: float, n: int, draw: int) -> float:
        drawn = chosen(train[1][firsts(train[0])], n, draw)
        rows = np.flatnonzero(np.isin(members(train[0]), drawn))
        some = train[0].subset(rows), train[1][rows]
        return accuracy(finetune(start, some, steps=steps, decay=decay, seed=draw), test)

    return {
        who: {
            f"tuned, {n} labels": over([score(*start, n, draw) for draw in range(draws)])
            for n in labels
        }
        for who, start in starts.items()
    }
