"""Say again what you saw, through a narrow code."""

from torch import Tensor, nn

from unlabeled.encoders import Decoder
from unlabeled.fields import hp
from unlabeled.losses import regress
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.views import Batch, whole


class Autoencoder(Method):
    """Rebuild the image from a narrow code; with `noise`, from one whose pixels are partly gone.

    The bottleneck, or the noise, keeps it from learning the identity. The target is always the
    clean image.
    """

    paper = "Vincent, Larochelle, Bengio & Manzagol 2008, https://doi.org/10.1145/1390156.1390294"
    recipe = Recipe(  # plain descent, as in the paper; clipped, for a convolution's steeper start
        optimizer="sgd", lr=0.1, momentum=0, batch=128, epochs=50, warmup=0, drops=(), clip=1.0,
        settings={"noise": 0.25},
    )  # fmt: skip
    small = Recipe(
        optimizer="adamw", lr=1.4e-3, weight_decay=1e-4, batch=128, epochs=20,
        settings={"code": 128, "width": 8},
    )  # fmt: skip
    exempt = {"constant_encoder": "its best constant, the mean image, depends on the data"}

    code: int = hp("width of the code between encoder and decoder", default=64, low=1)
    noise: float = hp("share of pixels set to zero in the input", default=0.0, low=0, high=0.99)
    width: int = hp("channels of the decoder's last layer", default=32, low=1)

    def setup(self) -> None:
        self.narrow = nn.Linear(self.encoder.dim, self.code)
        self.decoder = Decoder(self.code, self.encoder.channels, self.encoder.size, self.width)

    def views(self, batch: Batch) -> tuple[Tensor, Tensor]:
        clean = whole(batch, self.encoder.size)
        gone = batch.dice.coin(self.noise, 1, *clean.shape[2:])
        return clean.masked_fill(gone, 0.0), clean

    def loss(self, noisy: Tensor, clean: Tensor) -> Tensor:
        return regress(self.rebuild(noisy), clean)

    def rebuild(self, images: Tensor) -> Tensor:
        return self.decoder(self.narrow(self.encoder(images)))

    def learned_nothing(self, noisy: Tensor, clean: Tensor) -> float:
        return float((clean - clean.mean(0)).square().mean())  # the mean image is the best constant

    def picture(self, batch: Batch) -> dict[str, Tensor]:
        noisy, clean = self.views(batch)
        return {"seen": noisy, "rebuilt": self.rebuild(noisy).clamp(0, 1), "true": clean}
