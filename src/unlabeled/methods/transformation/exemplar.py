"""Know every single image again, however it is cropped and coloured."""

import math

import torch
from torch import Tensor, nn

from unlabeled.encoders import mlp
from unlabeled.fields import hp
from unlabeled.losses import choose_among
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.views import Batch, Look, augment


class Exemplar(Method):
    """Classify strongly changed views of images, each image being a class of its own.

    The classifier has a row for every image of the data: for n images n times `hidden` numbers,
    and as many again for each moment of the optimiser (100,000 images and a width of 512 take
    0.6 GB with adamw). The n scores of a view are never held at once, but all are computed: beyond
    some hundred thousand images contrast with a batch or a queue instead. The paper takes 8,000
    images with 150 views each; crops and colours here are the library's own, and a batch norm
    stands for the paper's dropout, since a loss must not draw.
    """

    paper = "Dosovitskiy, Springenberg, Riedmiller & Brox 2014, https://arxiv.org/abs/1406.6909"
    recipe = Recipe(optimizer="sgd", lr=0.01, batch=128, epochs=150, warmup=0)
    small = Recipe(
        optimizer="adamw", lr=2e-3, weight_decay=1e-4, batch=256, epochs=20,
        settings={"hidden": 128, "copies": 2, "colour": 0.5},
    )  # fmt: skip

    hidden: int = hp("width of the layer below the classes", default=512, low=1)
    copies: int = hp("views of each image in a batch", default=1, low=1)
    crop: float = hp("smallest share of the image a view keeps", default=0.3, low=0.01, high=1)
    colour: float = hp("strength of the colour changes", default=1.0, low=0, high=1.25)

    def setup(self) -> None:
        self.body = mlp(self.encoder.dim, self.hidden, last_norm=True)
        self.classes = nn.Parameter(torch.zeros(0, self.hidden))

    def prepare(self, data: Tensor) -> None:
        self.classes = nn.Parameter(torch.zeros(len(data), self.hidden))

    def views(self, batch: Batch) -> tuple[Tensor, Tensor]:
        s = self.colour
        strong = {"brightness": 0.8 * s, "contrast": 0.8 * s, "saturation": 0.8 * s, "hue": 0.2 * s}
        look = Look(crop=(self.crop, 1), **strong)
        seen = [augment(batch, self.encoder.size, look) for _ in range(self.copies)]
        images = torch.stack(seen, 1).flatten(0, 1)  # row copies * i + j
        return images, batch.index.repeat_interleave(self.copies)

    def embed(self, x: Tensor) -> Tensor:
        return self.body(self.encoder(x))

    def loss(self, images: Tensor, which: Tensor) -> Tensor:
        return choose_among(self.embed(images), self.classes, which)

    def learned_nothing(self, *_: Tensor) -> float:
        return math.log(len(self.classes))
