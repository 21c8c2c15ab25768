"""Know a word by the company it keeps."""

import math

import torch
from torch import Tensor, nn

from unlabeled.encoders import PAD, Words
from unlabeled.fields import hp
from unlabeled.losses import tell
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.views import Batch
from unlabeled.views.words import noise_words, skip_grams, subsample
from unlabeled.world import total, world


class Word2Vec(Method[Words]):
    """Skip-gram with negative sampling: tell a word's neighbours from words drawn by chance.

    Frequent words are thinned out before the window is laid, so it reaches further; near words
    count more, as each word draws its own window. The encoder's table holds the input vectors.
    """

    paper = "Mikolov, Sutskever, Chen, Corrado & Dean 2013, https://arxiv.org/abs/1310.4546"
    recipe = Recipe(optimizer="sgd", lr=0.025, momentum=0, batch=1, epochs=5, warmup=0, final=1e-4)
    small = Recipe(optimizer="adamw", lr=3e-3, batch=512, epochs=15, warmup=0)

    window: int = hp("most words on each side that count as neighbours", default=5, low=1)
    negatives: int = hp("words drawn by chance for each neighbour", default=5, low=1)
    threshold: float = hp("share of the text above which a word is thinned", default=1e-3, low=1e-8)
    power: float = hp("power of the counts that chance words follow", default=0.75, low=0, high=1)

    def setup(self) -> None:
        self.context = nn.Embedding(self.encoder.vocabulary, self.encoder.dim, padding_idx=PAD)
        nn.init.zeros_(self.context.weight)
        self.counts = nn.Buffer(torch.ones(self.encoder.vocabulary))

    def prepare(self, data: Tensor) -> None:
        self.counts.copy_(torch.bincount(data.flatten(), minlength=len(self.counts)))
        self.counts[PAD] = 0

    def views(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        tokens = subsample(batch, self.counts, self.threshold)
        word, neighbour = skip_grams(tokens, batch.dice, self.window)
        noise = noise_words(batch.dice, self.counts, self.power, neighbour.shape[1], self.negatives)
        return word, neighbour, noise

    def loss(self, word: Tensor, neighbour: Tensor, noise: Tensor) -> Tensor:
        v = self.encoder.table(word)[..., None]  # (b, pairs, d, 1)
        others = torch.cat([neighbour[..., None], noise], 2)  # (b, pairs, 1 + negatives)
        scores = (self.context(others) @ v).squeeze(-1)
        real = torch.arange(scores.shape[2], device=scores.device) == 0
        # a pair without a neighbour is no pair; a chance word that is the neighbour is no noise
        there = (neighbour != PAD)[..., None] & (real | (others != neighbour[..., None]))
        energy = (tell(scores, real) * there).sum(2)
        pairs = total(there[..., 0].sum()).clamp(min=1)  # the loss is a mean over the world's pairs
        return energy.sum(1) * len(word) * world()[1] / pairs

    def learned_nothing(self, word: Tensor, neighbour: Tensor, noise: Tensor) -> float:
        clash = ((noise == neighbour[..., None]) & (neighbour != PAD)[..., None]).sum()
        pairs = (neighbour != PAD).sum().clamp(min=1)
        return (1 + self.negatives - float(clash / pairs)) * math.log(2)
