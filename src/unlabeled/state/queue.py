"""The last vectors seen."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from unlabeled.state.base import State
from unlabeled.world import gather


class Queue(State):
    """The last `size` vectors remembered, oldest overwritten first.

    Attributes:
        items: `(size, dim)`; rows never written are zero.
        filled: How many rows were ever written, a tensor.
    """

    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        self.items = nn.Buffer(torch.zeros(size, dim))
        self.head = nn.Buffer(torch.zeros((), dtype=torch.long))
        self.filled = nn.Buffer(torch.zeros((), dtype=torch.long))
        self._coming: list[Tensor] = []

    def remember(self, vectors: Tensor) -> None:
        """Store `vectors` of every process at the next `advance`; none where the size is 0."""
        if self.training and len(self.items):
            self._coming.append(vectors.detach())

    def forget(self) -> None:
        self._coming.clear()

    @torch.no_grad()
    def advance(self, progress: float) -> None:
        if not self._coming:
            return
        new = gather(torch.cat(self._coming))[-len(self.items) :]
        self._coming.clear()
        slots = (self.head + torch.arange(len(new), device=new.device)) % len(self.items)
        self.items[slots] = new.to(self.items.dtype)
        self.head.add_(len(new)).remainder_(len(self.items))
        self.filled.add_(len(new)).clamp_(max=len(self.items))
