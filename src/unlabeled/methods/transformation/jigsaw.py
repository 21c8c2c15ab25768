"""Put the pieces of a picture back in order."""

import math

import torch
from torch import Tensor, nn

from unlabeled.encoders import Patches, mlp
from unlabeled.fields import hp
from unlabeled.losses import choose
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.views import Batch
from unlabeled.views.images import luma
from unlabeled.views.patches import assemble, even_out, far_orders, grid, move_colours


class Jigsaw(Method):
    """Shuffle nine tiles of an image in one of a few known orders, and name the order.

    Every tile is encoded by itself, once, for several puzzles, in orders that are far apart (the
    paper's own set has pairs one swap apart). Gaps, jitter and one contrast leave no edge to match;
    greys, and colours moved apart, hide what the lens did. A network of patches suits it: it reads
    an image by its tiles' mean (Kolesnikov et al. 2019). Any other sees tiles at half its size.
    """

    prefers = Patches
    paper = "Noroozi & Favaro 2016, https://arxiv.org/abs/1603.09246"
    recipe = Recipe(
        optimizer="sgd", lr=0.01, weight_decay=5e-4, batch=256, epochs=70, warmup=0,
        drops=((0.2857, 0.1), (0.5714, 0.01), (0.8571, 0.001)),
        settings={"orders": 1000, "published": True, "puzzles": 1, "fringe": 2},
    )  # fmt: skip
    small = Recipe(
        optimizer="adamw", lr=2e-3, weight_decay=0.05, batch=64, epochs=20,
        settings={"orders": 256, "width": 128, "hidden": 512},
    )  # fmt: skip

    orders: int = hp("how many orders there are to tell apart", default=100, low=2, high=10_000)
    published: bool = hp("choose orders as the paper did, farthest on average", default=False)
    puzzles: int = hp("puzzles made of each image", default=8, low=1)
    gap: float = hp("share of its cell's side a tile leaves free", default=0.25, low=0, high=0.9)
    jitter: float = hp("share of that gap in which it moves", default=1.0, low=0, high=1)
    gray: float = hp("share of images shown without colour", default=0.3, low=0, high=1)
    fringe: int = hp("pixels by which a shown tile's colours move apart", default=0, low=0)
    width: int = hp("width of a tile's code", default=1024, low=1)
    hidden: int = hp("width of the layer that sees all tiles", default=4096, low=1)

    def setup(self) -> None:
        self.known = nn.Buffer(far_orders(9, self.orders, self.published).clone(), persistent=False)
        self.code = nn.Sequential(mlp(self.encoder.dim, self.width, last_norm=True), nn.ReLU())
        self.head = mlp(9 * self.width, self.hidden, self.orders)

    def views(self, batch: Batch) -> tuple[Tensor, Tensor]:
        tiles = grid(batch, self.encoder.part, gap=self.gap, jitter=self.jitter)
        gray = batch.dice.coin(self.gray, 1, 1, 1, 1)
        which = batch.dice.integers(self.orders, self.puzzles).flatten()
        moved = move_colours(tiles, batch.dice, self.fringe)
        tiles = torch.where(gray, luma(tiles.flatten(0, 1)).view_as(tiles[:, :, :1]), moved)
        return even_out(tiles).flatten(0, 1).contiguous(memory_format=torch.channels_last), which

    def scores(self, tiles: Tensor, which: Tensor) -> Tensor:
        """Scores `(puzzles b, orders)` of tiles `(9 b, c, s, s)` in the orders `which`."""
        codes = self.code(self.encoder(tiles)).unflatten(0, (-1, 9))
        order = self.known[which].view(len(codes), -1, 9)
        image = torch.arange(len(codes), device=which.device)[:, None, None]
        return self.head(codes[image, order].flatten(0, 1).flatten(1))  # place j: tile order[j]

    def loss(self, tiles: Tensor, which: Tensor) -> Tensor:
        return choose(self.scores(tiles, which), which)

    def learned_nothing(self, *_: Tensor) -> float:
        return math.log(self.orders)

    def picture(self, batch: Batch) -> dict[str, Tensor]:
        tiles, which = self.views(batch)
        image = torch.arange(len(batch), device=which.device)[:, None]
        shuffled = tiles.unflatten(0, (-1, 9))[image, self.known[which[:: self.puzzles]]]
        guess = self.known[self.scores(tiles, which).argmax(1)[:: self.puzzles]].argsort(1)
        return {"shuffled": assemble(shuffled), "solved": assemble(shuffled[image, guess])}
