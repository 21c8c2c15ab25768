"""Say where a patch lay, seen from its neighbour."""

import math

import torch
from torch import Tensor, nn

from unlabeled.encoders import Patches
from unlabeled.fields import hp
from unlabeled.losses import choose
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.views import Batch
from unlabeled.views.patches import assemble, coarsen, drop_colours, even_out, grid

CENTRE, AROUND = 4, (0, 1, 2, 3, 5, 6, 7, 8)  # places of a 3x3 grid, row by row


class RelativePosition(Method):
    """Take two neighbouring patches of an image and name which of eight ways the second lies.

    Nine patches of a grid are encoded once; the one in the middle is paired with each of the
    others, both ways round. Gaps, jitter and one contrast leave nothing to go by but what is shown;
    large photographs need "drop" too, as a lens's fringes of colour tell, and "coarse", as fine
    grain does. An image is best read by its patches' mean (Kolesnikov et al. 2019), as a network
    of patches does.
    """

    prefers = Patches
    paper = "Doersch, Gupta & Efros 2015, https://arxiv.org/abs/1505.05192"
    recipe = Recipe(  # the schedule of Kolesnikov et al. 2019: the paper's is for a summed loss
        optimizer="sgd", lr=0.1, weight_decay=1e-4, batch=256, epochs=35, warmup=0.1428,
        drops=((0.4285, 0.1), (0.7142, 0.01)),
        settings={"extent": 0.75, "gap": 0.33, "jitter": 0.3, "coarse": 0.33, "drop": 1.0},
    )  # fmt: skip
    small = Recipe(optimizer="adamw", lr=2e-3, weight_decay=0.05, batch=64, epochs=20)

    gap: float = hp("share of its cell's side a patch leaves free", default=0.25, low=0, high=0.9)
    jitter: float = hp("share of that gap in which it moves", default=1.0, low=0, high=1)
    extent: float = hp("share of the image's side under the grid", default=1.0, low=0.1, high=1)
    coarse: float = hp("share of patches that lose their fine detail", default=0.0, low=0, high=1)
    drop: float = hp("share of patches that show a single colour", default=0.0, low=0, high=1)
    hidden: int = hp("width of the head's hidden layer", default=512, low=1)

    def setup(self) -> None:
        way, pairs = torch.arange(8), torch.tensor([[CENTRE] * 8, AROUND])
        self.pairs = nn.Buffer(torch.cat([pairs, pairs.flip(0)], 1), persistent=False)
        self.ways = nn.Buffer(torch.cat([way, 7 - way]), persistent=False)  # there, and back
        first, last = nn.Linear(2 * self.encoder.dim, self.hidden), nn.Linear(self.hidden, 8)
        norm = nn.BatchNorm1d(self.hidden, affine=False)  # as in the paper: no scale, no shift
        self.head = nn.Sequential(first, norm, nn.ReLU(), last)

    def views(self, batch: Batch) -> tuple[Tensor]:
        size, dice = self.encoder.part, batch.dice
        patches = grid(batch, size, gap=self.gap, jitter=self.jitter, extent=self.extent)
        patches = drop_colours(even_out(coarsen(patches, dice, self.coarse)), dice, self.drop)
        return (patches.flatten(0, 1).contiguous(memory_format=torch.channels_last),)

    def scores(self, patches: Tensor) -> Tensor:
        """Scores `(16 b, 8)` of the eight ways, for each pair of the grids `(9 b, c, s, s)`."""
        codes = self.encoder(patches).unflatten(0, (-1, 9))
        first, second = self.pairs
        return self.head(torch.cat([codes[:, first], codes[:, second]], 2).flatten(0, 1))

    def loss(self, patches: Tensor) -> Tensor:
        return choose(self.scores(patches), self.ways.repeat(len(patches) // 9))

    def learned_nothing(self, *_: Tensor) -> float:
        return math.log(8)

    def picture(self, batch: Batch) -> dict[str, Tensor]:
        (patches,) = self.views(batch)
        guess, shown = self.scores(patches).argmax(1), patches.unflatten(0, (-1, 9))
        rows = torch.arange(len(shown), device=guess.device)
        asked, around = rows % 8, self.pairs[1, :8]  # another neighbour for every image
        true, guessed = (torch.full_like(shown, 0.5) for _ in range(2))
        for board, way in ((true, asked), (guessed, guess.view(-1, 16)[rows, asked])):
            board[:, CENTRE] = shown[:, CENTRE]
            board[rows, around[way]] = shown[rows, around[asked]]
        return {"two patches": assemble(true), "where it puts the second": assemble(guessed)}
