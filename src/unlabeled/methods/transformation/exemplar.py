"""Know single images again, however they are cropped and coloured."""

import math

import torch
from torch import Tensor, nn

from unlabeled.encoders import mlp
from unlabeled.fields import hp
from unlabeled.losses import choose_among
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.views import Batch, Look, Samples, augment


class Exemplar(Method):
    """Classify strongly changed views of a few thousand images, each image a class of its own.

    The images that are classes, the seeds, lie evenly in the data and are kept in memory; every
    other image stands for the seed before it and is not shown. More seeds are harder to tell apart
    and each is seen less often. Crops and colours are the library's own, and a batch norm stands
    for the paper's dropout, since a loss must not draw.
    """

    paper = "Dosovitskiy, Springenberg, Riedmiller & Brox 2014, https://arxiv.org/abs/1406.6909"
    recipe = Recipe(optimizer="sgd", lr=0.01, batch=128, epochs=150, warmup=0)
    small = Recipe(
        optimizer="adamw", lr=2e-3, weight_decay=1e-4, batch=256, epochs=20,
        settings={"seeds": 2000, "hidden": 128, "copies": 2, "colour": 0.5},
    )  # fmt: skip

    seeds: int = hp("images that are classes; all, where there are fewer", default=8000, low=2)
    hidden: int = hp("width of the layer below the classes", default=512, low=1)
    copies: int = hp("views of each image in a batch", default=1, low=1)
    crop: float = hp("smallest share of the image a view keeps", default=0.3, low=0.01, high=1)
    colour: float = hp("strength of the colour changes", default=1.0, low=0, high=1.25)

    def setup(self) -> None:
        self.body = mlp(self.encoder.dim, self.hidden, last_norm=True)
        # not zero: the gradient of a class that is not in the batch would be rounding error alone
        self.classes = nn.Parameter(torch.randn(self.seeds, self.hidden) / self.hidden**0.5)

    def prepare(self, data: Samples) -> None:
        self.every = -(-len(data) // self.seeds)
        self.images = data[:: self.every].clone()

    def views(self, batch: Batch) -> tuple[Tensor, Tensor]:
        look, which = Look.strong((self.crop, 1), self.colour), batch.index // self.every
        shown = Batch(self.images[which.cpu()].to(which.device), batch.index)
        shown.dice = batch.dice
        seen = [augment(shown, self.encoder.size, look) for _ in range(self.copies)]
        return torch.stack(seen, 1).flatten(0, 1), which.repeat_interleave(self.copies)

    def embed(self, x: Tensor) -> Tensor:
        return self.body(self.encoder(x))

    def loss(self, images: Tensor, which: Tensor) -> Tensor:
        return choose_among(self.embed(images), self.classes, which)

    def learned_nothing(self, *_: Tensor) -> float:
        return math.log(self.seeds)
