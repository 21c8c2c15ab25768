"""A table of word vectors: text without a network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from unlabeled.encoders.base import Encoder

PAD = 0  # no word: fills a row up to its length


class Words(Encoder):
    """One vector per word; a text's vector is the mean of its words'.

    Args:
        vocabulary: Number of words, the padding at 0 included.
        dim: Width of a vector.
        size: Tokens in a row of text.
    """

    modality = "text"
    channels = 1

    def __init__(self, vocabulary: int = 100, dim: int = 100, size: int = 32) -> None:
        super().__init__()
        self.vocabulary, self.dim, self.size = vocabulary, dim, size
        self.table = nn.Embedding(vocabulary, dim, padding_idx=PAD)
        nn.init.uniform_(self.table.weight, -0.5 / dim, 0.5 / dim)
        with torch.no_grad():
            self.table.weight[PAD] = 0

    def features(self, x: Tensor) -> dict[str, Tensor]:
        there = (x != PAD).sum(1, keepdim=True).clamp(min=1)
        return {"out": self.table(x).sum(1) / there}
