"""Recognise the other view of the same image among the rest of the batch."""

import math

import torch
from torch import Tensor

from unlabeled.encoders import mlp
from unlabeled.fields import hp
from unlabeled.losses import nt_xent
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.views import Batch, Look, augment
from unlabeled.world import world


class SimCLR(Method):
    """Contrast two views of each image with every other image of the global batch (NT-Xent)."""

    paper = "Chen, Kornblith, Norouzi & Hinton 2020, https://arxiv.org/abs/2002.05709"
    recipe = Recipe(
        optimizer="lars", lr=4.8, weight_decay=1e-6, batch=4096, epochs=1000, warmup=0.01
    )
    small = Recipe(
        optimizer="adamw", lr=2e-3, weight_decay=1e-4, batch=256, epochs=20,
        settings={"temperature": 0.2, "hidden": 512, "crop": 0.5, "colour": 0.5},
    )  # fmt: skip
    contrasts = True

    temperature: float = hp("softmax temperature", default=0.1, low=1e-3, high=10)
    hidden: int = hp("width of the projector's hidden layer", default=2048, low=1)
    projection: int = hp("width of the projection", default=128, low=1)

    crop: float = hp("smallest share of the image a view keeps", default=0.08, low=0.01, high=1)
    colour: float = hp("strength of the colour changes", default=1.0, low=0, high=1.25)

    def setup(self) -> None:
        self.projector = mlp(self.encoder.dim, self.hidden, self.projection)

    def views(self, batch: Batch) -> tuple[Tensor, Tensor]:
        look, size = Look.strong((self.crop, 1), self.colour), self.encoder.size
        return augment(batch, size, look), augment(batch, size, look)

    def embed(self, x: Tensor) -> Tensor:
        return self.projector(self.encoder(x))

    def loss(self, a: Tensor, b: Tensor) -> Tensor:
        za, zb = self.embed(torch.cat([a, b])).chunk(2)
        return nt_xent(za, zb, temperature=self.temperature)

    def learned_nothing(self, a: Tensor, b: Tensor) -> float:
        return math.log(2 * len(a) * world()[1] - 1)
