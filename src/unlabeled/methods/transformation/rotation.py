"""Tell which way is up."""

import math

import torch
from torch import Tensor, nn

from unlabeled.losses import choose
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.views import Batch, plain


class Rotation(Method):
    """Turn each image by 0, 90, 180 and 270 degrees, all four in one batch, and name the turn.

    To tell the turn of a picture one must know what is in it. Where things look alike upside down
    (an 8, a ball) there is nothing to learn. The best features are often not the last layer's.
    """

    paper = "Gidaris, Singh & Komodakis 2018, https://arxiv.org/abs/1803.07728"
    recipe = Recipe(optimizer="sgd", lr=0.1, weight_decay=5e-4, batch=128, epochs=200, warmup=0)
    small = Recipe(optimizer="adamw", lr=2e-3, weight_decay=0.05, batch=128, epochs=10)

    def setup(self) -> None:
        self.head = nn.Linear(self.encoder.dim, 4)

    def views(self, batch: Batch) -> tuple[Tensor, Tensor]:
        images = plain(batch, self.encoder.size)
        turned = torch.stack([images.rot90(turn, (2, 3)) for turn in range(4)], 1).flatten(0, 1)
        turns = torch.arange(4, device=images.device).repeat(len(images))  # row 4 i + turn
        return turned.contiguous(memory_format=torch.channels_last), turns

    def loss(self, turned: Tensor, turns: Tensor) -> Tensor:
        return choose(self.head(self.encoder(turned)), turns)

    def learned_nothing(self, *_: Tensor) -> float:
        return math.log(4)

    def picture(self, batch: Batch) -> dict[str, Tensor]:
        turned, _ = self.views(batch)
        guess = self.head(self.encoder(turned)).argmax(1)
        upright = torch.stack(
            [x.rot90(-int(k), (1, 2)) for x, k in zip(turned, guess, strict=True)]
        )
        return {"turned": turned, "turned back by the guess": upright}
