"""Say what comes next, in the words of your own code."""

import math

import torch
from torch import Tensor, nn

from unlabeled.encoders import Causal, Sequence
from unlabeled.fields import hp
from unlabeled.losses import info_nce
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.views import Batch
from unlabeled.views.sequences import plain_sequence
from unlabeled.world import world


class CPC(Method[Sequence]):
    """Pick the code of a later part, from a summary of the parts before, among all other parts.

    Patches down an image, or windows along a series. Every distance ahead has a linear map of its
    own. The nearest part overlaps the last one seen and is skipped.
    """

    paper = "van den Oord, Li & Vinyals 2018, https://arxiv.org/abs/1807.03748"
    recipe = Recipe(optimizer="adamw", lr=2e-4, batch=512, epochs=200, warmup=0)
    small = Recipe(optimizer="adamw", lr=3e-3, weight_decay=1e-4, batch=32, epochs=10)

    ahead: int = hp("how many steps ahead the furthest prediction lies", default=5, low=1)
    skip: int = hp("nearest steps not predicted, as they overlap", default=1, low=0)

    def setup(self) -> None:
        dim = self.encoder.dim
        self.context = Causal(dim, lanes=self.encoder.modality == "image")
        distances = range(self.skip + 1, self.skip + self.ahead + 1)
        self.guess = nn.ModuleDict({str(k): nn.Linear(dim, dim, bias=False) for k in distances})

    def views(self, batch: Batch) -> tuple[Tensor]:
        return (plain_sequence(batch, self.encoder),)

    def loss(self, x: Tensor) -> Tensor:
        energies = [
            info_nce(asked.flatten(0, 2), there.flatten(0, 2)).view(len(x), -1).mean(1)
            for asked, there in self.futures(x).values()
        ]
        return torch.stack(energies).mean(0)

    def futures(self, x: Tensor) -> dict[int, tuple[Tensor, Tensor]]:
        """By distance ahead, what is asked for and what is there: `(b, steps, lanes, dim)` both."""
        codes = self.encoder.codes(x)
        summary = self.context(codes)
        return {k: (guess(summary[:, :-k]), codes[:, k:]) for k, guess in self.reachable(codes)}

    def reachable(self, codes: Tensor) -> list[tuple[int, nn.Module]]:
        """The distances that fit in the sequence, and their linear maps."""
        return [(int(k), guess) for k, guess in self.guess.items() if int(k) < codes.shape[1]]

    def learned_nothing(self, x: Tensor) -> float:
        with torch.no_grad():
            codes = self.encoder.codes(x[:1])
        _, steps, lanes, _ = codes.shape
        rows = [len(x) * (steps - k) * lanes * world()[1] for k, _ in self.reachable(codes)]
        return sum(map(math.log, rows)) / len(rows)
