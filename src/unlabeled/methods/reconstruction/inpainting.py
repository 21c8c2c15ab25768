"""Paint what the hole hides from what is around it."""

import math

import torch
from torch import Tensor, full, nn

from unlabeled.encoders import Decoder, critic
from unlabeled.fields import hp
from unlabeled.losses import doubt, regress
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.views import Batch, Samples, floats, plain
from unlabeled.views.masks import rim, shape


class Inpainting(Method):
    """Fill a hole of a quarter of the image; a critic may ask that the filling looks real.

    Blocks may overlap: they take up to a quarter, 13 % on average. The rim around a centre hole is
    painted too, and counts more, so that the filling fits. By squared error alone the filling is
    the mean of all that is plausible, a blur. The critic's gradient turns round on its way to the
    painter. In the paper the critic sees of a centre hole the filling alone, and learns at a tenth.
    """

    paper = "Pathak, Krähenbühl, Donahue, Darrell & Efros 2016, https://arxiv.org/abs/1604.07379"
    recipe = Recipe(
        optimizer="adam", lr=2e-3, momentum=0.5, batch=64, epochs=500, warmup=0, drops=(),
        settings={"adversary": 0.001},
    )  # fmt: skip
    small = Recipe(
        optimizer="adamw", lr=2e-3, weight_decay=1e-4, batch=128, epochs=20, settings={"width": 8}
    )
    exempt = {"constant_encoder": "its best constant, the mean image, depends on the data"}

    mask: str = hp('shape of the hole: "centre", "blocks" or "field"', default="field")
    overlap: float = hp("weight of a centre hole's rim; the hole's is 1", default=10.0, low=0)
    adversary: float = hp("share of the critic in the loss; 0 for none", default=0.0, low=0, high=1)
    width: int = hp("channels of the decoder's last layer", default=32, low=1)

    def setup(self) -> None:
        channels, size = self.encoder.channels, self.encoder.size
        self.holes = shape(self.mask)
        self.decoder = Decoder(self.encoder.dim, channels, size, self.width)
        self.colour = nn.Buffer(full((channels, 1, 1), 0.5))  # what the hole is filled with
        if self.adversary:
            self.critic = critic(channels, self.width)

    def prepare(self, data: Samples) -> None:
        few = data[:: -(-len(data) // 1000)].split(50)
        means = torch.stack([floats(part).mean((0, 2, 3)) for part in few])
        self.colour.copy_(means.mean(0)[:, None, None])

    def views(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        whole = plain(batch, self.encoder.size)
        hole = self.holes(batch.dice, self.encoder.size)
        return torch.where(hole, self.colour, whole), whole, hole

    def loss(self, seen: Tensor, whole: Tensor, hole: Tensor) -> dict[str, Tensor]:
        painted = self.decoder(self.encoder(seen))
        error = regress(painted, whole, self.weight(hole))
        if not self.adversary:
            return {"reconstruction": error}
        filled = torch.where(hole, painted, whole)
        doubted = doubt(self.critic, whole, filled, self.adversary)
        return {"reconstruction": (1 - self.adversary) * error, "critic": doubted}

    def weight(self, hole: Tensor) -> Tensor:
        around = self.overlap if self.mask == "centre" else 0  # long rims would drown the holes
        return hole + around * rim(hole, max(1, self.encoder.size // 32))

    def learned_nothing(self, seen: Tensor, whole: Tensor, hole: Tensor) -> float:
        mean = whole.mean(0).expand_as(whole)
        error = float(regress(mean, whole, self.weight(hole)).mean())
        return (1 - self.adversary) * error + (2 * math.log(2) if self.adversary else 0)

    def picture(self, batch: Batch) -> dict[str, Tensor]:
        seen, whole, hole = self.views(batch)
        filled = torch.where(hole, self.decoder(self.encoder(seen)), whole)
        return {"seen": seen, "filled": filled.clamp(0, 1), "true": whole}
