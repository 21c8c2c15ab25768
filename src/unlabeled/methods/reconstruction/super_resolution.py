"""Tell what was there before it was made small."""

import math

import torch.nn.functional as F
from torch import Tensor

from unlabeled.encoders import Decoder, critic
from unlabeled.errors import UsageError
from unlabeled.fields import hp
from unlabeled.losses import doubt, regress
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.views import Batch, plain


class SuperResolution(Method):
    """Rebuild the image from one whose sides are several times smaller.

    The small image is shown enlarged (bicubic). By squared error the answer is the mean of all that
    is plausible; absolute error (`power` 1) is sharper, and a critic asks that it looks real. Asked
    only for what enlargement lacks (`residual`), the network learns edges and little else.
    """

    paper = "Ledig et al. 2017, https://arxiv.org/abs/1609.04802"
    recipe = Recipe(optimizer="adam", lr=1e-4, batch=16, epochs=46, warmup=0, drops=())  # SRResNet
    small = Recipe(
        optimizer="adamw", lr=2e-3, weight_decay=1e-4, batch=128, epochs=20,
        settings={"factor": 2, "width": 8},
    )  # fmt: skip
    exempt = {"constant_encoder": "its best constant, the mean image, depends on the data"}

    factor: int = hp("how many times smaller each side becomes", default=4, low=2)
    power: float = hp("power of the error: 2 squared, 1 absolute", default=2.0, low=1, high=2)
    residual: bool = hp("ask only for what plain enlargement lacks", default=False)
    adversary: float = hp("share of the critic in the loss; 0 for none", default=0.0, low=0, high=1)
    width: int = hp("channels of the decoder's last layer", default=32, low=1)

    def setup(self) -> None:
        channels, size = self.encoder.channels, self.encoder.size
        if size < 2 * self.factor:
            raise UsageError(
                f"images of {size} pixels cannot be made {self.factor} times smaller",
                hint=f"--factor {max(2, size // 4)}",
            )
        self.decoder = Decoder(self.encoder.dim, channels, size, self.width)
        if self.adversary:
            self.critic = critic(channels, self.width)

    def views(self, batch: Batch) -> tuple[Tensor, Tensor]:
        large = plain(batch, self.encoder.size)
        small = resized(large, self.encoder.size // self.factor)
        return resized(small, self.encoder.size), large

    def loss(self, enlarged: Tensor, large: Tensor) -> dict[str, Tensor]:
        rebuilt = self.rebuild(enlarged)
        error = regress(rebuilt, large, p=self.power)
        if not self.adversary:
            return {"reconstruction": error}
        doubted = doubt(self.critic, large, rebuilt, self.adversary)
        return {"reconstruction": (1 - self.adversary) * error, "critic": doubted}

    def rebuild(self, enlarged: Tensor) -> Tensor:
        painted = self.decoder(self.encoder(enlarged))
        return enlarged + painted if self.residual else painted

    def learned_nothing(self, enlarged: Tensor, large: Tensor) -> float:
        constant = enlarged if self.residual else large.mean(0).expand_as(large)
        error = float(regress(constant, large, p=self.power).mean())
        return (1 - self.adversary) * error + (2 * math.log(2) if self.adversary else 0)

    def picture(self, batch: Batch) -> dict[str, Tensor]:
        enlarged, large = self.views(batch)
        return {"enlarged": enlarged, "rebuilt": self.rebuild(enlarged).clamp(0, 1), "true": large}


def resized(x: Tensor, size: int) -> Tensor:
    """Images `(b, c, size, size)` in [0, 1], by bicubic interpolation, without aliasing."""
    sides = (size, size)
    return F.interpolate(x, sides, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
