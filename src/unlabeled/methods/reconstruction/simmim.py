"""Say which pixels are under the patches that are covered up."""

import torch
from torch import Tensor, nn

from unlabeled.encoders import Transformer
from unlabeled.fields import hp
from unlabeled.losses import regress
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.views import Batch, plain
from unlabeled.views.masks import scattered


class SimMIM(Method[Transformer]):
    """Cover large squares of patches, and read the pixels below off the encoder by a linear map.

    The encoder sees where a patch is covered. Whole squares are covered, as a single patch is
    guessed from its neighbours' edges; the pixels are asked for as they are, by absolute error.
    """

    paper = "Xie et al. 2022, https://arxiv.org/abs/2111.09886"
    recipe = Recipe(optimizer="adamw", lr=8e-4, weight_decay=0.05, batch=2048, epochs=800, clip=5.0)
    small = Recipe(
        optimizer="adamw", lr=2e-3, weight_decay=0.05, batch=64, epochs=40, clip=5.0,
        settings={"squares": 4},
    )  # fmt: skip
    exempt = {"constant_encoder": "its best constant, the median image, depends on the data"}

    hide: float = hp("share of squares that are covered", default=0.6, low=0.01, high=0.99)
    squares: int = hp("squares along a side of the image", default=6, low=2)

    def setup(self) -> None:
        encoder = self.encoder
        self.token = nn.Parameter(0.02 * torch.randn(encoder.dim))
        self.head = nn.Linear(encoder.dim, encoder.channels * encoder.patch**2)

    def views(self, batch: Batch) -> tuple[Tensor, Tensor]:
        images = plain(batch, self.encoder.size)
        return images, scattered(batch.dice, self.squares, self.encoder.grid, self.hide).flatten(1)

    def loss(self, images: Tensor, hidden: Tensor) -> Tensor:
        guess, asked = self.guess(images, hidden), self.encoder.cut(images)
        return regress(guess, asked, hidden[..., None], p=1.0)

    def guess(self, images: Tensor, hidden: Tensor) -> Tensor:
        """The pixels of each patch, `(b, patches, pixels)`."""
        return self.head(self.encoder.tokens(images, hidden=hidden, instead=self.token))

    def learned_nothing(self, images: Tensor, hidden: Tensor) -> float:
        asked = self.encoder.cut(images)
        median = asked.median(0).values.expand_as(asked)
        return float(regress(median, asked, hidden[..., None], p=1.0).mean())

    def picture(self, batch: Batch) -> dict[str, Tensor]:
        images, hidden = self.views(batch)
        patches, guess = self.encoder.cut(images), self.guess(images, hidden)
        both = (torch.where(hidden[..., None], x, patches) for x in (torch.tensor(0.5), guess))
        seen, filled = (self.encoder.paste(x).clamp(0, 1) for x in both)
        return {"seen": seen, "filled": filled, "true": images}
