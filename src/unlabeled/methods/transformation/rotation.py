"""Tell which way is up."""

import dataclasses
import math

import torch
from torch import Tensor, nn

from unlabeled.errors import UsageError
from unlabeled.fields import hp
from unlabeled.losses import choose
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.views import Batch, augment
from unlabeled.views.images import PLAIN

# quarter turns to the left; from 4 on, the image is flipped left-right before it is turned
GROUPS = {"rotations": (0, 1, 2, 3), "flips": (0, 4, 6, 2), "dihedral": (0, 1, 2, 3, 4, 5, 6, 7)}


class Rotation(Method):
    """Turn each image by 0, 90, 180 and 270 degrees, all four in one batch, and name the turn.

    To tell the turn of a picture one must know what is in it. Where things look alike upside down
    (an 8, a ball) there is nothing to learn. The best features are often not the last layer's.
    Other groups of exact moves do as well: flips (none, left-right, up-down, both) or all eight;
    a flip of what is symmetric from left to right cannot be told at all.
    """

    paper = "Gidaris, Singh & Komodakis 2018, https://arxiv.org/abs/1803.07728"
    recipe = Recipe(  # on CIFAR-10
        optimizer="sgd", lr=0.1, weight_decay=5e-4, batch=128, epochs=200, warmup=0,
        drops=((0.3, 0.2), (0.6, 0.04), (0.8, 0.008)),
    )  # fmt: skip
    small = Recipe(optimizer="adamw", lr=2e-3, weight_decay=0.05, batch=128, epochs=10)

    group: str = hp("what may be done: rotations, flips or dihedral", default="rotations")

    def setup(self) -> None:
        if self.group not in GROUPS:
            raise UsageError(f"no group named `{self.group}`", hint=f"one of {', '.join(GROUPS)}")
        self.moves = GROUPS[self.group]
        self.head = nn.Linear(self.encoder.dim, len(self.moves))

    def views(self, batch: Batch) -> tuple[Tensor, Tensor]:
        # what is asked for must not happen by chance before
        weak = dataclasses.replace(PLAIN, flip=0.5 if self.group == "rotations" else 0.0)
        images = augment(batch, self.encoder.size, weak)
        turned = torch.stack([move(images, name) for name in self.moves], 1).flatten(0, 1)
        turns = torch.arange(len(self.moves), device=images.device).repeat(len(images))
        return turned.contiguous(memory_format=torch.channels_last), turns

    def loss(self, turned: Tensor, turns: Tensor) -> Tensor:
        return choose(self.head(self.encoder(turned)), turns)

    def learned_nothing(self, *_: Tensor) -> float:
        return math.log(len(self.moves))

    def picture(self, batch: Batch) -> dict[str, Tensor]:
        turned, _ = self.views(batch)
        guess = self.head(self.encoder(turned)).argmax(1).tolist()
        upright = [undo(x, self.moves[k]) for x, k in zip(turned, guess, strict=True)]
        return {"turned": turned, "turned back by the guess": torch.stack(upright)}


def move(images: Tensor, name: int) -> Tensor:
    """Flip `(..., h, w)` left-right if the move's name is 4 or more; then turn it left."""
    return (images.flip(-1) if name >= 4 else images).rot90(name % 4, (-2, -1))


def undo(images: Tensor, name: int) -> Tensor:
    """Put `(..., h, w)` back as it was before the move."""
    back = images.rot90(-(name % 4), (-2, -1))
    return back.flip(-1) if name >= 4 else back
