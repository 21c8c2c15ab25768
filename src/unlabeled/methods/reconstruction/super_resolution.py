"""Tell what was there before it was made small."""

import torch.nn.functional as F
from torch import Tensor

from unlabeled.encoders import Decoder
from unlabeled.errors import UsageError
from unlabeled.fields import hp
from unlabeled.losses import regress
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.views import Batch, plain


class SuperResolution(Method):
    """Rebuild the image from one whose sides are several times smaller.

    The small image is enlarged by plain (bicubic) interpolation, and what that lacks is what the
    network must know about the things it sees. By squared error the answer is the mean of all that
    is plausible; absolute error (`power` 1) is somewhat sharper.
    """

    paper = "Ledig et al. 2017, https://arxiv.org/abs/1609.04802"
    recipe = Recipe(optimizer="adamw", lr=1e-4, batch=16, epochs=46, warmup=0)
    small = Recipe(optimizer="adamw", lr=2e-3, weight_decay=1e-4, batch=128, epochs=20)
    exempt = {"constant_encoder": "its best constant, which adds nothing, depends on the data"}

    factor: int = hp("how many times smaller each side becomes", default=4, low=2)
    power: float = hp("power of the error: 2 squared, 1 absolute", default=2.0, low=1, high=2)
    width: int = hp("channels of the decoder's last layer", default=32, low=1)

    def setup(self) -> None:
        size = self.encoder.size
        if size < 2 * self.factor:
            raise UsageError(
                f"images of {size} pixels cannot be made {self.factor} times smaller",
                hint=f"--factor {max(2, size // 4)}",
            )
        self.decoder = Decoder(self.encoder.dim, self.encoder.channels, size, self.width)

    def views(self, batch: Batch) -> tuple[Tensor, Tensor]:
        large = plain(batch, self.encoder.size)
        small = resized(large, self.encoder.size // self.factor)
        return resized(small, self.encoder.size), large

    def loss(self, enlarged: Tensor, large: Tensor) -> Tensor:
        return regress(self.rebuild(enlarged), large, p=self.power)

    def rebuild(self, enlarged: Tensor) -> Tensor:
        return enlarged + self.decoder(self.encoder(enlarged))

    def learned_nothing(self, enlarged: Tensor, large: Tensor) -> float:
        return float(regress(enlarged, large, p=self.power).mean())  # plain enlargement

    def picture(self, batch: Batch) -> dict[str, Tensor]:
        enlarged, large = self.views(batch)
        return {"enlarged": enlarged, "rebuilt": self.rebuild(enlarged).clamp(0, 1), "true": large}


def resized(x: Tensor, size: int) -> Tensor:
    """Images `(b, c, size, size)` in [0, 1], by bicubic interpolation, without aliasing."""
    sides = (size, size)
    return F.interpolate(x, sides, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
