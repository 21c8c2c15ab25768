"""Give a grey picture its colours back."""

import math

from torch import Tensor, cat, nn, ones

from unlabeled.encoders import Decoder, colour_blind
from unlabeled.errors import UsageError
from unlabeled.fields import hp
from unlabeled.losses import choose, regress
from unlabeled.method import Method, single
from unlabeled.recipe import Recipe
from unlabeled.views import Batch, Samples, colours, plain


class Colorization(Method):
    """Name the colour of every part of an image from its lightness alone.

    The answer is one of 261 bins, of which rare ones count more: the mean of all that is plausible
    ("l2") is a greyish brown. The encoder weighs all channels alike, so it never sees colour.
    An image that has none itself counts nothing, and its energy is 0.
    """

    coloured = True
    paper = "Zhang, Isola & Efros 2016, https://arxiv.org/abs/1603.08511"
    recipe = Recipe(  # 450,000 steps, with drops after 200,000 and 375,000
        optimizer="adam", lr=3e-5, beta2=0.99, weight_decay=1e-3, batch=40, epochs=14, warmup=0,
        drops=((0.4444, 0.3333), (0.8333, 0.1)),
    )  # fmt: skip
    small = Recipe(optimizer="adamw", lr=2e-3, weight_decay=1e-4, batch=128, epochs=20)

    answer: str = hp('what is asked for: "bins" of colours, or "l2", their mean', default="bins")
    mix: float = hp("how alike colours count; little: by rarity", default=0.5, low=1e-2, high=1)
    width: int = hp("channels of the decoder's last layer", default=32, low=1)

    def setup(self) -> None:
        size, kinds = self.encoder.size, {"bins": len(colours.bins()), "l2": 2}
        if self.answer not in kinds:
            raise UsageError(f"there is no answer `{self.answer}`", hint='it is "bins" or "l2"')
        colour_blind(self.encoder)
        self.side = min(size, max(16, size // 4))  # of the coarser image that is coloured
        self.decoder = Decoder(self.encoder.dim, kinds[self.answer], self.side, self.width)
        self.weight = nn.Buffer(ones(kinds["bins"]))

    def prepare(self, data: Samples) -> None:
        self.weight.copy_(colours.rebalanced(colours.shares(data, self.side), self.mix))

    def views(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        image = colours.to_lab(plain(batch, self.encoder.size))
        ab = colours.coarse(image[:, 1:], self.side)  # (b * side * side, 2)
        asked = colours.soft_code(ab) if self.answer == "bins" else ab / colours.RANGE
        return colours.grey(image), asked, colours.coloured(ab, len(image))

    def loss(self, grey: Tensor, asked: Tensor, coloured: Tensor) -> Tensor:
        guess, bins = self.guess(grey), self.answer == "bins"
        each = choose(guess, asked) * self.counts(asked) if bins else regress(guess, asked)
        return each.view(len(grey), -1).mean(1) * coloured

    def guess(self, grey: Tensor) -> Tensor:
        """Scores of colours, or colours, for each part of each image: `(b * side * side, k)`."""
        return colours.pixels(single(self.decoder(self.encoder(grey))))

    def counts(self, asked: Tensor) -> Tensor:
        """How much each part counts, by its nearest colour."""
        return self.weight[asked.argmax(1)]

    def learned_nothing(self, grey: Tensor, asked: Tensor, coloured: Tensor) -> float:
        each = asked.view(len(grey), -1, asked.shape[1])[coloured]
        cost = self.counts(each.flatten(0, 1)) * math.log(each.shape[2])
        if self.answer == "l2":
            cost = (each - each.mean(0)).square()  # from the mean colour of each place
        return float(cost.mean().nan_to_num() * coloured.float().mean())

    def picture(self, batch: Batch) -> dict[str, Tensor]:
        image = colours.to_lab(plain(batch, self.encoder.size))
        grey = colours.grey(image)
        guess = self.guess(grey)
        ab = colours.annealed_mean(guess) if self.answer == "bins" else guess * colours.RANGE
        coloured = colours.to_rgb(cat([image[:, :1], colours.spread(ab, image)], 1))
        return {"seen": grey, "coloured": coloured, "true": colours.to_rgb(image)}
