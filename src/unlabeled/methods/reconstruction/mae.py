"""Paint the many patches you have not seen from the few you have."""

import torch
from torch import Tensor

from unlabeled.encoders import Painter, Transformer
from unlabeled.errors import UsageError
from unlabeled.fields import hp
from unlabeled.losses import regress
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.views import Batch, plain
from unlabeled.views.patches import standardise


class MAE(Method[Transformer]):
    """Encode a quarter of the patches alone, and let a small decoder paint the other three.

    The encoder never meets a hidden patch or a sign for one, so most of its work is spared. Each
    patch is asked for with its own mean and contrast taken out; those that were seen cost nothing.
    """

    paper = "He, Chen, Xie, Li, Dollár & Girshick 2022, https://arxiv.org/abs/2111.06377"
    recipe = Recipe(
        optimizer="adamw", lr=2.4e-3, beta2=0.95, weight_decay=0.05, batch=4096, epochs=800,
        settings={"width": 512, "depth": 8},
    )  # fmt: skip
    small = Recipe(  # patches of four pixels tell less of their neighbours than the paper's of 16
        optimizer="adamw", lr=3e-3, weight_decay=0.05, batch=64, epochs=40, settings={"hide": 0.5}
    )
    exempt = {"constant_encoder": "its best constant is the hidden patches' mean, 0"}

    hide: float = hp("share of patches that are hidden", default=0.75, low=0.01, high=0.99)
    width: int = hp("width of the decoder", default=128, low=8)
    depth: int = hp("layers of the decoder", default=2, low=1)

    def setup(self) -> None:
        encoder = self.encoder
        if self.width % 4:
            raise UsageError(f"width must be a multiple of 4, got {self.width}")
        self.patches = encoder.grid**2
        self.kept = min(max(1, round((1 - self.hide) * self.patches)), self.patches - 1)
        pixels = encoder.channels * encoder.patch**2
        self.painter = Painter(encoder.dim, pixels, encoder.grid, self.width, self.depth)

    def views(self, batch: Batch) -> tuple[Tensor, Tensor]:
        return plain(batch, self.encoder.size), batch.dice.order(self.patches)[:, : self.kept]

    def loss(self, images: Tensor, keep: Tensor) -> Tensor:
        painted = self.painter(self.encoder.tokens(images, keep), keep)
        return regress(painted, self.asked(images), self.hidden(keep)[..., None])

    def asked(self, images: Tensor) -> Tensor:
        """Each patch at mean 0 and deviation 1: `(b, patches, pixels)`."""
        return standardise(self.encoder.cut(images))[0]

    def hidden(self, keep: Tensor) -> Tensor:
        """Which patches were not seen, `(b, patches)` bool."""
        seen = torch.zeros(len(keep), self.patches, dtype=torch.bool, device=keep.device)
        return ~seen.scatter(1, keep, True)

    def learned_nothing(self, images: Tensor, keep: Tensor) -> float:
        asked, hidden = self.asked(images), self.hidden(keep)[..., None]
        return float(regress(torch.zeros_like(asked), asked, hidden).mean())  # about 1

    def picture(self, batch: Batch) -> dict[str, Tensor]:
        images, keep = self.views(batch)
        patches, hidden = self.encoder.cut(images), self.hidden(keep)[..., None]
        _, mean, deviation = standardise(patches)
        painted = self.painter(self.encoder.tokens(images, keep), keep) * deviation + mean
        both = torch.where(hidden, 0.5, patches), torch.where(hidden, painted, patches)
        seen, filled = (self.encoder.paste(x).clamp(0, 1) for x in both)
        return {"seen": seen, "painted, with each patch's own level": filled, "true": images}
