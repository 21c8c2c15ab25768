"""What an encoder must beat: itself untrained, the samples as they are; and what labels give."""

from __future__ import annotations

import copy
import dataclasses
import re
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from unlabeled.data.batches import Batches, spread
from unlabeled.data.store import Store
from unlabeled.encoders import Encoder, colour_blind, is_colour_blind
from unlabeled.evaluate.embed import BATCH, home
from unlabeled.losses import choose
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.state import borrowed
from unlabeled.train.loop import train
from unlabeled.train.runtime import Runtime
from unlabeled.views import Batch
from unlabeled.views.sequences import plain_sequence, preprocess

NORM_BATCHES = 20
M = TypeVar("M", bound=nn.Module)
PIXELS = 4096  # most numbers of a raw sample; larger images are shrunk


def untrained(encoder: Encoder, store: Store, seed: int = 0) -> Encoder:
    """The same network with fresh weights and the batch norm averages of this data."""
    net = fresh(encoder, seed)
    recompute_norms(net, store)
    return net.eval()


def fresh(module: M, seed: int = 0) -> M:
    """A copy with weights as they are drawn before any training.

    Whoever built the network may have its own way: timm draws a transformer's weights at a
    deviation of 0.02, less than torch does where it is narrow, and that is what training began
    from. A network that was made colour-blind began so, too.
    """
    copied = copy.deepcopy(module)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for part in copied.cpu().modules():
            if hasattr(part, "reset_parameters"):
                part.reset_parameters()  # pyright: ignore[reportCallIssue]
            else:  # a class token, a table of positions
                for loose in part.parameters(recurse=False):
                    nn.init.trunc_normal_(loose, std=0.02)
        for part in copied.modules():  # a method holds its encoder, and that its backbone
            own = getattr(getattr(part, "backbone", None), "init_weights", None)
            if own is not None:
                own()
        for was, part in zip(module.modules(), copied.modules(), strict=True):
            if isinstance(was, Encoder) and isinstance(part, Encoder) and is_colour_blind(was):
                colour_blind(part)
    return copied.to(home(module))


@torch.no_grad()
def recompute_norms(encoder: Encoder, store: Store) -> None:
    """Give batch norms the averages of this data: the fair form of an untrained network.

    A cumulative average over 20 batches of samples spread by chance, always the same, in place.
    """
    norms = [part for part in encoder.modules() if isinstance(part, _BatchNorm)]
    if not norms:
        return
    batches = [b for b in spread(len(store), NORM_BATCHES * BATCH).split(BATCH) if len(b) > 1]
    kept = [norm.momentum for norm in norms]
    with borrowed(encoder):
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum, norm.training = None, True  # None: a cumulative average
        for rows in batches:
            encoder(preprocess(encoder, store.read(rows).to(home(encoder))))
        for norm, momentum in zip(norms, kept, strict=True):
            norm.momentum = momentum


def raw(store: Store) -> np.ndarray:
    """The samples as they are, `(n, d)` float32; images in [0, 1], shrunk to 4,096 numbers."""
    parts = [store.read(rows).float() for rows in torch.arange(len(store)).split(BATCH)]
    if store.shape.modality == "image":
        side = int((PIXELS / store.shape.channels) ** 0.5)
        fits = nn.Identity() if store.shape.size <= side else nn.AdaptiveAvgPool2d(side)
        parts = [fits(part / 255) for part in parts]
    return torch.cat(parts).flatten(1).numpy()


def pca(train: np.ndarray, test: np.ndarray, dims: int) -> tuple[np.ndarray, np.ndarray]:
    """The leading principal components of raw samples, fitted on `train`; at most `dims`."""
    x, q = torch.from_numpy(train), torch.from_numpy(test)
    mean = x.mean(0)
    x = x - mean
    _, axes = torch.linalg.eigh(x.T @ x / len(x))
    basis = axes[:, -min(dims, axes.shape[1]) :]
    return (x @ basis).numpy(), ((q - mean) @ basis).numpy()


class Supervised(Method):
    """Learn with every label: not a method of this library, but what it is measured against."""

    recipe = Recipe(optimizer="adamw", lr=2e-3, weight_decay=0.05, batch=128)

    labels: Tensor = dataclasses.field()
    decay: float = dataclasses.field(default=1.0)  # of the rate, from a block to the one before it

    def setup(self) -> None:
        self.truth = nn.Buffer(self.labels)
        self.head = nn.Linear(self.encoder.dim, int(self.labels.max()) + 1)

    def views(self, batch: Batch) -> tuple[Tensor, Tensor]:
        return weak(self.encoder, batch), self.truth[batch.index]

    def loss(self, x: Tensor, truth: Tensor) -> Tensor:
        return choose(self.head(self.encoder(x)), truth)

    def groups(self) -> list[dict[str, Any]]:
        every = blocks(self.encoder) if self.decay < 1 else []
        return [
            {"params": part, "scale": self.decay ** (len(every) - i), **more}
            for i, block in enumerate(every)
            for part, more in (
                ([p for p in block if p.ndim > 1], {}),
                ([p for p in block if p.ndim <= 1], {"weight_decay": 0.0}),
            )
            if part
        ]


def blocks(encoder: nn.Module) -> list[list[nn.Parameter]]:
    """The parameters that learn, block by block from the input on.

    A block is what a name says up to its first number, `backbone.blocks.3`, or the module itself
    where there is none; blocks come in the order in which the network was built.
    """
    found: dict[str, list[nn.Parameter]] = {}
    for name, p in encoder.named_parameters():
        if p.requires_grad:
            numbered = re.match(r".*?\.\d+(?=\.)", name)
            block = numbered.group() if numbered else name.rpartition(".")[0]
            found.setdefault(block, []).append(p)
    return list(found.values())


def weak(encoder: Encoder, batch: Batch) -> Tensor:
    """The weak view of pretraining; text as it is."""
    if encoder.modality == "text":
        return batch.data
    return plain_sequence(batch, encoder)


def supervised(
    encoder: Encoder, labelled: tuple[Store, np.ndarray], *, steps: int, seed: int = 0
) -> Encoder:
    """The same network trained from scratch with all labels: what labels give in as many steps.

    AdamW at 2e-3 with a cosine, weight decay 0.05, batches of 128 and the weak views of
    pretraining; nothing is chosen on the test samples.
    """
    store, labels = labelled
    with torch.random.fork_rng():
        net = untrained(encoder, store, seed)
        method = Supervised(net, labels=torch.from_numpy(labels))
        learn(method, store, Supervised.recipe, steps=steps, seed=seed)
    return net.eval()


def learn(method: Method[Any], store: Store, recipe: Recipe, *, steps: int, seed: int) -> None:
    """Train with the loop of pretraining, where the encoder is and with nothing left on disk."""
    device = home(method.encoder)
    batches = Batches(store, recipe.batch, seed=seed, device=device)
    for _ in train(method, batches, recipe, steps=steps, runtime=Runtime(str(device))):
        pass
