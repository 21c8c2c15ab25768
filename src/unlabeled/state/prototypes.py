"""Learnt cluster centres."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unlabeled.state.base import State


class Prototypes(State):
    """Unit vectors that gradient moves and `advance` puts back on the sphere.

    Args:
        count: How many, k.
        dim: Their width.
        frozen: Share of training, in [0, 1], during which they stand still.
    """

    def __init__(self, count: int, dim: int, *, frozen: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(F.normalize(torch.randn(count, dim), dim=1))
        self.frozen = frozen
        self.resting = nn.Buffer(torch.tensor(frozen > 0))

    def forward(self, z: Tensor) -> Tensor:
        """Cosines `(n, k)` of unit vectors `(n, dim)` with every prototype."""
        weight = torch.where(self.resting, self.weight.detach(), self.weight)
        return z @ weight.T

    @torch.no_grad()
    def advance(self, progress: float) -> None:
        self.weight.copy_(F.normalize(self.weight, dim=1))
        self.resting.fill_(progress < self.frozen)
