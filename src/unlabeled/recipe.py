"""How to train, whatever the method."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Training settings, and the hyperparameters that go with them.

    Attributes:
        optimizer: The update rule: "sgd" (Nesterov momentum), "adamw" or "lars".
        lr: Peak learning rate at the stated batch.
        batch: Samples per step, over all processes.
        epochs: Passes over the data.
        weight_decay: Decay of weights with two dimensions or more; biases and norms have none.
        momentum: Momentum of "sgd" and "lars"; the first beta of "adamw".
        warmup: Share of training, in [0, 1], over which the rate rises from zero.
        final: The last rate as a share of the peak, at the end of the cosine.
        clip: Largest gradient norm; None for no limit.
        settings: The method's hyperparameters that this recipe changes from their defaults.
    """

    optimizer: Literal["sgd", "adamw", "lars"] = "adamw"
    lr: float = 1e-3
    batch: int = 256
    epochs: float = 100
    weight_decay: float = 0.0
    momentum: float = 0.9
    warmup: float = 0.05
    final: float = 0.0
    clip: float | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    def at(self, batch: int) -> Recipe:
        """The same recipe for another batch size.

        The rate of "sgd" and "lars" grows with the batch (Goyal et al. 2017,
        https://arxiv.org/abs/1706.02677), that of "adamw" with its square root (Malladi et al.
        2022, https://arxiv.org/abs/2205.10287).
        """
        ratio = batch / self.batch
        lr = self.lr * (math.sqrt(ratio) if self.optimizer == "adamw" else ratio)
        return dataclasses.replace(self, batch=batch, lr=lr)

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of step `step` in [0, steps): linear warm-up, then a cosine."""
        rising = self.warmup * steps
        if step < rising:
            return self.lr * (step + 1) / (math.floor(rising) + 1)
        progress = (step - rising) / max(1.0, steps - rising)
        cosine = (1 + math.cos(math.pi * progress)) / 2
        return self.lr * (self.final + (1 - self.final) * cosine)
