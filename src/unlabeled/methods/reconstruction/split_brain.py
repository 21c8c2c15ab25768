"""Foretell each half of what you see from the other half."""

import math

import torch
from torch import Tensor

from unlabeled.encoders import Decoder, Halves
from unlabeled.fields import hp
from unlabeled.losses import choose
from unlabeled.method import Method, single
from unlabeled.recipe import Recipe
from unlabeled.views import Batch, colours, plain

LEVELS = 100  # answers about one channel


class SplitBrain(Method[Halves]):
    """Let two networks, each of which sees some channels of an image, predict each other's.

    Lightness and colour; of grey images, the means of cells and what differs from them. Each
    answer is a choice, of 261 colours or 100 levels, at every place. Joined, the two networks are
    one encoder of the whole image.
    """

    paper = "Zhang, Isola & Efros 2017, https://arxiv.org/abs/1611.09842"
    recipe = Recipe(optimizer="adamw", lr=1e-3, weight_decay=1e-4, batch=256, epochs=90)
    small = Recipe(optimizer="adamw", lr=2e-3, weight_decay=1e-4, batch=128, epochs=20)

    width: int = hp("channels of each decoder's last layer", default=32, low=1)

    def setup(self) -> None:
        encoder, size = self.encoder, self.encoder.size
        self.side = min(size, max(16, size // 4))  # of the coarser half that is predicted
        fill = lambda seen, k: Decoder(seen.dim, k, self.side, self.width)
        colour = encoder.names[1] == "colour"
        self.second = fill(encoder.one, len(colours.bins()) if colour else LEVELS)
        self.first = fill(encoder.two, LEVELS)

    def views(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        images = plain(batch, self.encoder.size)
        one, two = map(self.asked, self.encoder.halves(images))
        return images, one, two

    def asked(self, half: Tensor) -> Tensor:
        """The answer at each place: a level, or shares of colours; `(b * side * side, ...)`."""
        parts = colours.coarse(half, self.side)
        if parts.shape[1] == 2:
            return colours.soft_code((parts - 0.5) * 2 * colours.RANGE)
        return (parts[:, 0] * (LEVELS - 1)).round().long()

    def guesses(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of the answers about the first half and the second: `(b * side * side, k)`."""
        one, two = self.encoder.halves(images)
        scores = self.first(self.encoder.two(two)), self.second(self.encoder.one(one))
        first, second = (colours.pixels(single(s)) for s in scores)
        return first, second

    def loss(self, images: Tensor, one: Tensor, two: Tensor) -> dict[str, Tensor]:
        price = lambda guess, asked: choose(guess, asked).view(len(images), -1).mean(1)
        pairs = zip(self.guesses(images), (one, two), strict=True)
        return {name: price(*pair) for name, pair in zip(self.encoder.names, pairs, strict=True)}

    def learned_nothing(self, images: Tensor, one: Tensor, two: Tensor) -> float:
        return math.log(LEVELS) + math.log(LEVELS if two.ndim == 1 else two.shape[1])

    def picture(self, batch: Batch) -> dict[str, Tensor]:
        images = plain(batch, self.encoder.size)
        one, two = self.encoder.halves(images)
        first, second = map(self.painted, self.guesses(images), (one, two))
        join, (a, b) = self.encoder.whole, self.encoder.names
        return {"seen": images, f"{a} guessed": join(first, two), f"{b} guessed": join(one, second)}

    def painted(self, scores: Tensor, like: Tensor) -> Tensor:
        """A half made of the mean of the answers thought likely."""
        if like.shape[1] == 2:
            mean = colours.annealed_mean(scores) / (2 * colours.RANGE) + 0.5
        else:
            mean = scores.softmax(1) @ torch.linspace(0, 1, LEVELS).to(scores)[:, None]
        return colours.spread(mean, like)
