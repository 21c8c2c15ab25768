"""Paint images from codes, and code images, so well that no critic can tell the two apart."""

import torch
from torch import Tensor, nn

from unlabeled.encoders import Decoder, critic, mlp, still
from unlabeled.fields import hp
from unlabeled.losses import tell
from unlabeled.method import Method, single
from unlabeled.recipe import Recipe
from unlabeled.views import Batch, whole


class BiGAN(Method):
    """Deceive a critic who sees an image and a code, one of which was made from the other.

    In real pairs the encoder made the code, in made ones the painter made the image of a code drawn
    by chance. They look alike only where encoder and painter undo each other. The loss says who is
    ahead: 4 ln 2 where nobody is. An image's energy is the critic's loss of telling that its pair
    is real. `critic_features` are what it sees in images, as in DCGAN (Radford et al. 2016).
    """

    paper = "Donahue, Krähenbühl & Darrell 2017, https://arxiv.org/abs/1605.09782"
    recipe = Recipe(
        optimizer="adam", lr=2e-4, momentum=0.5, weight_decay=2.5e-5, batch=128, epochs=400,
        warmup=0, drops=((0.5, 1.0),), final=0.01,
    )  # fmt: skip
    small = Recipe(lr=1e-3, momentum=0.5, batch=64, epochs=20, settings={"width": 16})
    exempt = {
        "constant_encoder": "a game's loss says who is ahead, not what was learnt",
        "descent": "it is a game: where one side loses less, the other loses more",
    }

    code: int = hp("numbers in a code", default=50, low=1)
    width: int = hp("channels of the painter's last layer and critic's first", default=64, low=1)
    hidden: int = hp("width of the layer where the critic sees both", default=512, low=1)

    def setup(self) -> None:
        channels, size = self.encoder.channels, self.encoder.size
        self.head = mlp(self.encoder.dim, self.code, last_norm=True)  # to the prior's deviation
        self.painter = Decoder(self.code, channels, size, self.width)
        self.critic = Critic(channels, self.code, self.width, self.hidden)

    def views(self, batch: Batch) -> tuple[Tensor, Tensor]:
        return whole(batch, self.encoder.size), batch.dice.normal(self.code)

    def embed(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(x))

    def paint(self, codes: Tensor) -> Tensor:
        return single(self.painter(codes)).sigmoid()

    def loss(self, images: Tensor, noise: Tensor) -> dict[str, Tensor]:
        pairs = torch.cat([images, self.paint(noise)]), torch.cat([self.embed(images), noise])
        real, made = self.critic(*(x.detach() for x in pairs)).chunk(2)
        told = tell(real, True) + tell(made, False)
        real, made = still(self.critic, *pairs).chunk(2)
        return {"critic": told, "deceivers": tell(real, False) + tell(made, True)}

    @torch.no_grad()
    def energy(self, *views: Tensor, samples: int | None = None) -> Tensor:
        return tell(self.critic(views[0], self.embed(views[0])), True)

    def picture(self, batch: Batch) -> dict[str, Tensor]:
        images, noise = self.views(batch)
        rebuilt, new = self.paint(self.embed(images)), self.paint(noise)
        return {"seen": images, "rebuilt": rebuilt, "drawn from the prior": new}


class Critic(nn.Module):
    """Says by one number `(b,)` how real a pair of image and code looks."""

    def __init__(self, channels: int, code: int, width: int, hidden: int) -> None:
        super().__init__()
        look = critic(channels, width)[:-3]  # all but its own verdict
        self.look = nn.Sequential(look, nn.AdaptiveAvgPool2d(2), nn.Flatten())
        self.judge = mlp(16 * width + code, hidden, 1, norm=False)

    def forward(self, images: Tensor, codes: Tensor) -> Tensor:
        return single(self.judge(torch.cat([self.look(images), codes], 1)))[:, 0]
