"""Know a word by the company it keeps."""

import math

import torch
from torch import Tensor, nn

from unlabeled.encoders import PAD, Words
from unlabeled.fields import hp
from unlabeled.losses import tell
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.views import Batch, Samples
from unlabeled.views.words import neighbours, noise_words, subsample
from unlabeled.world import total, world


class Word2Vec(Method[Words]):
    """Skip-gram with negative sampling: tell a word's neighbours from words drawn by chance.

    Frequent words are thinned out before the window is laid, so it reaches further; near words
    count more, as each word draws its own window. The pairs of a row share their chance words, so
    that all scores are products of matrices (Ji et al. 2016, https://arxiv.org/abs/1604.04661);
    what is expected of the loss stays the same. The encoder's table holds the input vectors.
    """

    paper = "Mikolov, Sutskever, Chen, Corrado & Dean 2013, https://arxiv.org/abs/1310.4546"
    recipe = Recipe(optimizer="sgd", lr=0.025, momentum=0, batch=1, epochs=5, warmup=0, final=1e-4)
    small = Recipe(
        optimizer="adamw", lr=0.03, batch=256, epochs=5, warmup=0, settings={"shared": 32}
    )

    window: int = hp("most words on each side that count as neighbours", default=5, low=1)
    negatives: int = hp("chance words that count as much as one neighbour", default=5, low=1)
    shared: int = hp("chance words drawn for each row of text", default=64, low=1)
    threshold: float = hp("share of the text above which a word is thinned", default=1e-3, low=1e-8)
    power: float = hp("power of the counts that chance words follow", default=0.75, low=0, high=1)

    def setup(self) -> None:
        self.context = nn.Embedding(self.encoder.vocabulary, self.encoder.dim, padding_idx=PAD)
        nn.init.zeros_(self.context.weight)
        self.counts = nn.Buffer(torch.ones(self.encoder.vocabulary))

    def prepare(self, data: Samples) -> None:
        self.counts.copy_(torch.bincount(data[:].flatten(), minlength=len(self.counts)))
        self.counts[PAD] = 0

    def views(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        tokens = subsample(batch, self.counts, self.threshold)
        near = neighbours(tokens, batch.dice, self.window)
        return tokens, near, noise_words(batch.dice, self.counts, self.power, self.shared)

    def loss(self, tokens: Tensor, near: Tensor, noise: Tensor) -> Tensor:
        v = self.encoder.table(tokens)  # (b, t, d)
        real, chance = v @ self.context(tokens).mT, v @ self.context(noise).mT
        energy = (tell(real, True) * near).sum((1, 2))
        energy = energy + (tell(chance, False) * self.times(tokens, near, noise)).sum((1, 2))
        pairs = total(near.sum()).clamp(min=1)  # the loss is a mean over the world's pairs
        return energy * len(tokens) * world()[1] / pairs

    def times(self, tokens: Tensor, near: Tensor, noise: Tensor) -> Tensor:
        """How much each chance word counts for each centre, `(b, t, shared)`.

        Once for each neighbour of the centre, unless it is that neighbour.
        """
        same = (tokens[:, :, None] == noise[:, None]).float()
        others = near.sum(2, keepdim=True) - near.float() @ same
        return others * (self.negatives / self.shared)

    def learned_nothing(self, tokens: Tensor, near: Tensor, noise: Tensor) -> float:
        pairs = near.sum().clamp(min=1)
        return (1 + float(self.times(tokens, near, noise).sum() / pairs)) * math.log(2)
