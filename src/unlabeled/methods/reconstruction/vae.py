"""Guess the causes behind what you saw, and stay close to what causes are like."""

import torch.nn.functional as F
from torch import Tensor, nn

from unlabeled.encoders import Decoder
from unlabeled.fields import hp
from unlabeled.method import Method, single
from unlabeled.recipe import Recipe
from unlabeled.views import Batch, whole


class VAE(Method):
    """Rebuild the image from a noisy code, and pay for what the code tells beyond the prior.

    The two terms are the negative evidence lower bound, in nats an image: the cross-entropy of
    each pixel as a coin of that brightness, and how far the code's distribution is from a standard
    normal. With `beta` above 1 the code tells less. Where it tells nothing, the decoder paints the
    mean image and the divergence is 0: the posterior has collapsed.
    """

    paper = "Kingma & Welling 2014, https://arxiv.org/abs/1312.6114"
    recipe = Recipe(  # for the paper's Adagrad at 0.01 or 0.02, whose steps shrink; SGD diverges
        optimizer="adamw", lr=1e-3, batch=100, epochs=100, warmup=0, settings={"code": 20}
    )
    small = Recipe(
        optimizer="adamw", lr=2e-3, weight_decay=1e-4, batch=128, epochs=20, settings={"width": 8}
    )
    exempt = {"constant_encoder": "its best constant, the mean image, depends on the data"}

    code: int = hp("width of the code between encoder and decoder", default=64, low=1)
    beta: float = hp("weight of the divergence; 1 is the paper's", default=1.0, low=0)
    width: int = hp("channels of the decoder's last layer", default=32, low=1)

    def setup(self) -> None:
        self.mean = nn.Linear(self.encoder.dim, self.code)
        self.log_variance = nn.Linear(self.encoder.dim, self.code)
        self.decoder = Decoder(self.code, self.encoder.channels, self.encoder.size, self.width)

    def views(self, batch: Batch) -> tuple[Tensor, Tensor]:
        return whole(batch, self.encoder.size), batch.dice.normal(self.code)

    def loss(self, images: Tensor, noise: Tensor) -> dict[str, Tensor]:
        mean, log_variance = self.posterior(images)
        scores = single(self.decoder(mean + (log_variance / 2).exp() * noise))
        wrong = F.binary_cross_entropy_with_logits(scores, images, reduction="none")
        told = self.beta * divergence(mean, log_variance)
        return {"reconstruction": wrong.flatten(1).sum(1), "divergence": told}

    def posterior(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The mean and the log-variance of each image's code, `(b, code)` each."""
        seen = self.encoder(images)
        return single(self.mean(seen)), single(self.log_variance(seen))

    def learned_nothing(self, images: Tensor, noise: Tensor) -> float:
        mean = images.mean(0)  # the best constant; the code then tells nothing
        return float(F.binary_cross_entropy(mean, mean, reduction="sum"))

    def picture(self, batch: Batch) -> dict[str, Tensor]:
        images, noise = self.views(batch)
        rebuilt, new = (self.decoder(z).sigmoid() for z in (self.posterior(images)[0], noise))
        return {"seen": images, "rebuilt": rebuilt, "drawn from the prior": new}


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Kullback-Leibler divergence of normals from the standard normal, in nats.

    Args:
        mean: `(n, d)`.
        log_variance: `(n, d)`, of independent coordinates.

    Returns:
        `(n,)`, 0 where the mean is 0 and the variance 1.

    Source: Kingma & Welling 2014, appendix B.
    """
    return (mean.square() + log_variance.exp() - 1 - log_variance).sum(1) / 2
