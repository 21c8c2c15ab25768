"""Say which pixels are under the patches that are covered up."""

import torch
from torch import Tensor, nn

from unlabeled.encoders import Transformer
from unlabeled.errors import UsageError
from unlabeled.fields import hp
from unlabeled.losses import regress
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.views import Batch, plain
from unlabeled.views.masks import scattered
from unlabeled.views.patches import standardise


class SimMIM(Method[Transformer]):
    """Cover large squares of patches, and read the pixels below off the encoder by a linear map.

    The encoder sees where a patch is covered. Whole squares are covered, as a single patch is
    guessed from its neighbours' edges. The pixels are asked for as they are, by absolute error;
    or, as MAE asks, with each patch's mean and contrast taken out, by squared error: where most of
    an image is of one colour, the least absolute error is to say that colour and learn nothing.
    """

    paper = "Xie et al. 2022, https://arxiv.org/abs/2111.09886"
    recipe = Recipe(optimizer="adamw", lr=8e-4, weight_decay=0.05, batch=2048, epochs=800, clip=5.0)
    small = Recipe(
        optimizer="adamw", lr=2e-3, weight_decay=0.05, batch=64, epochs=40, clip=5.0,
        settings={"squares": 4, "target": "standardised"},
    )  # fmt: skip
    exempt = {"constant_encoder": "its best constant, an image, depends on the data"}

    hide: float = hp("share of squares that are covered", default=0.6, low=0.01, high=0.99)
    squares: int = hp("squares along a side of the image", default=6, low=2)
    target: str = hp('what is asked for: "pixels", or "standardised" patches', default="pixels")

    def setup(self) -> None:
        encoder, powers = self.encoder, {"pixels": 1.0, "standardised": 2.0}
        if self.target not in powers:
            raise UsageError(f"no target `{self.target}`", hint='it is "pixels" or "standardised"')
        self.power = powers[self.target]  # of the error
        self.token = nn.Parameter(0.02 * torch.randn(encoder.dim))
        self.head = nn.Linear(encoder.dim, encoder.channels * encoder.patch**2)

    def views(self, batch: Batch) -> tuple[Tensor, Tensor]:
        images = plain(batch, self.encoder.size)
        return images, scattered(batch.dice, self.squares, self.encoder.grid, self.hide).flatten(1)

    def loss(self, images: Tensor, hidden: Tensor) -> Tensor:
        guess, asked = self.guess(images, hidden), self.asked(images)
        return regress(guess, asked, hidden[..., None], p=self.power)

    def asked(self, images: Tensor) -> Tensor:
        """What should be under each patch, `(b, patches, pixels)`."""
        patches = self.encoder.cut(images)
        return patches if self.target == "pixels" else standardise(patches)[0]

    def guess(self, images: Tensor, hidden: Tensor) -> Tensor:
        """What it says is there."""
        return self.head(self.encoder.tokens(images, hidden=hidden, instead=self.token))

    def learned_nothing(self, images: Tensor, hidden: Tensor) -> float:
        asked = self.asked(images)
        best = asked.median(0).values if self.power == 1 else asked.mean(0)
        return float(regress(best.expand_as(asked), asked, hidden[..., None], p=self.power).mean())

    def picture(self, batch: Batch) -> dict[str, Tensor]:
        images, hidden = self.views(batch)
        patches, guess = self.encoder.cut(images), self.guess(images, hidden)
        if self.target == "standardised":
            _, mean, deviation = standardise(patches)
            guess = guess * deviation + mean
        both = (torch.where(hidden[..., None], x, patches) for x in (torch.tensor(0.5), guess))
        seen, filled = (self.encoder.paste(x).clamp(0, 1) for x in both)
        return {"seen": seen, "filled": filled, "true": images}
