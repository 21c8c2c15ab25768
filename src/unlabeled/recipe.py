"""How to train, whatever the method."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Training settings, and the hyperparameters that go with them.

    Attributes:
        optimizer: The update rule: "sgd" (Nesterov momentum), "adam" (decay is part of the
            gradient), "adamw" (it is not) or "lars".
        lr: Peak learning rate at the stated batch.
        batch: Samples per step, over all processes.
        epochs: Passes over the data.
        weight_decay: Decay of weights with two dimensions or more; biases and norms have none.
        momentum: Momentum of "sgd" and "lars"; the first beta of "adam" and "adamw".
        beta2: The second beta of "adam" and "adamw".
        warmup: Share of training, in [0, 1], over which the rate rises from zero.
        drops: Where the rate drops instead, and to what: shares of all training, in [0, 1] and in
            their order, each with the share of the peak that holds from there on. Without any the
            rate stays; None for a cosine.
        final: The last rate as a share of the peak: where the cosine ends, or where the rate ends
            that falls by a steady factor from the last drop on; with drops, 0 for no such fall.
        clip: Largest gradient norm; None for no limit.
        settings: The method's hyperparameters that this recipe changes from their defaults.
    """

    optimizer: Literal["sgd", "adam", "adamw", "lars"] = "adamw"
    lr: float = 1e-3
    batch: int = 256
    epochs: float = 100
    weight_decay: float = 0.0
    momentum: float = 0.9
    beta2: float = 0.999
    warmup: float = 0.05
    drops: Sequence[Sequence[float]] | None = None
    final: float = 0.0
    clip: float | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    def at(self, batch: int) -> Recipe:
        """The same recipe for another batch size.

        The rate of "sgd" and "lars" grows with the batch (Goyal et al. 2017,
        https://arxiv.org/abs/1706.02677), those of "adam" and "adamw" with its square root
        (Malladi et al. 2022, https://arxiv.org/abs/2205.10287).
        """
        ratio = batch / self.batch
        lr = self.lr * (math.sqrt(ratio) if self.optimizer in ("adam", "adamw") else ratio)
        return dataclasses.replace(self, batch=batch, lr=lr)

    def rate(self, step: int, steps: int) -> float:
        """The rate of step `step` in [0, steps): linear warm-up, then a cosine or drops."""
        rising = self.warmup * steps
        if step < rising:
            return self.lr * (step + 1) / (math.floor(rising) + 1)
        if self.drops is not None:
            *_, (start, level) = (0.0, 1.0), *(d for d in self.drops if d[0] <= step / steps)
            if self.final and self.drops and start == self.drops[-1][0]:
                level *= (self.final / level) ** ((step / steps - start) / (1 - start))
            return self.lr * level
        progress = (step - rising) / max(1.0, steps - rising)
        cosine = (1 + math.cos(math.pi * progress)) / 2
        return self.lr * (self.final + (1 - self.final) * cosine)
