"""Know single images again, however they are cropped and coloured."""

import math

import torch
from torch import Tensor, nn

from unlabeled.encoders import mlp
from unlabeled.fields import hp
from unlabeled.losses import choose_among
from unlabeled.method import Method, single
from unlabeled.recipe import Recipe
from unlabeled.views import Batch, Look, Samples, augment, whole


class Exemplar(Method):
    """Classify strongly changed views of a few thousand images, each image a class of its own.

    The seeds, the images that are classes, lie evenly in the data and in memory; any other stands
    for the seed before it. A batch norm stands for the paper's dropout, since a loss must not draw.
    """

    paper = "Dosovitskiy, Springenberg, Riedmiller & Brox 2014, https://arxiv.org/abs/1406.6909"
    recipe = Recipe(optimizer="sgd", lr=0.01, batch=128, epochs=150, warmup=0)
    small = Recipe(
        optimizer="adamw", lr=2e-3, weight_decay=1e-4, batch=256, epochs=20,
        settings={"seeds": 2000, "hidden": 128, "copies": 2, "colour": 0.5},
    )  # fmt: skip

    seeds: int = hp("images that are classes; all, where there are fewer", default=8000, low=2)
    hidden: int = hp("width of the layer below the classes", default=512, low=1)
    copies: int = hp("views of each image in a batch", default=1, low=1)
    crop: float = hp("smallest share of the image a view keeps", default=0.3, low=0.01, high=1)
    colour: float = hp("strength of the colour changes", default=1.0, low=0, high=1.25)

    def setup(self) -> None:
        self.look = Look.strong((self.crop, 1), self.colour)
        self.body = mlp(self.encoder.dim, self.hidden, last_norm=True)
        # not zero: the gradient of a class that is not in the batch would be rounding error alone
        self.classes = nn.Parameter(torch.randn(self.seeds, self.hidden) / self.hidden**0.5)
        self.marks = nn.Buffer(-torch.ones(self.seeds))  # seeds' mean pixels in training; -1: none

    def prepare(self, data: Samples) -> None:
        self.found, self.among = min(len(data), self.seeds), len(data)
        self.images = data[-(-torch.arange(self.found) * self.among // self.found)]  # rounded up
        self.means = self.images.flatten(1).mean(1, dtype=torch.float32)
        self.marks.fill_(-1)[: self.found] = self.means

    def views(self, batch: Batch) -> tuple[Tensor, Tensor]:
        which = batch.index * self.found // self.among
        shown = batch.showing(self.images[which.cpu()].to(which.device))
        seen = [augment(shown, self.encoder.size, self.look) for _ in range(self.copies)]
        return torch.stack(seen, 1).flatten(0, 1), which.repeat_interleave(self.copies)

    def embed(self, x: Tensor) -> Tensor:
        return self.body(self.encoder(x))

    def loss(self, images: Tensor, which: Tensor) -> Tensor:
        return choose_among(self.embed(images), self.classes[: self.found], which)

    def learned_nothing(self, *_: Tensor) -> float:
        return math.log(self.found)

    def scores(self, z: Tensor) -> Tensor:
        """Scores `(n, k)` of vectors `(n, hidden)` for the seeds that there were in training."""
        return single(z) @ self.classes[: int((self.marks >= 0).sum())].T

    @torch.no_grad()
    def energy_of(self, batch: Batch) -> Tensor:
        """Minus the log density of the mixture of Gaussians whose posterior is the softmax."""
        z = single(self.embed(augment(batch, self.encoder.size, self.look)))  # long if it is new
        return z.square().sum(1) / 2 - self.scores(z).logsumexp(1)  # Lee et al. 2018, 1807.03888

    def picture(self, batch: Batch) -> dict[str, Tensor]:
        if not torch.allclose(self.means, self.marks[: self.found].cpu()):
            return {}  # these are not the images that it was trained on
        seen = augment(batch, self.encoder.size, self.look)
        guess = self.images[self.scores(self.embed(seen)).argmax(1).cpu()].to(seen.device)
        true, seed = (whole(x, seen.shape[-1]) for x in (batch, batch.showing(guess)))
        return {"an image": true, "a view of it": seen, "the seed it takes that for": seed}
