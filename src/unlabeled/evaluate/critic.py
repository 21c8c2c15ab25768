"""What a critic sees in images: features of the side of an adversarial game that judges."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unlabeled.encoders import Encoder
from unlabeled.errors import UsageError
from unlabeled.method import Method

GRID = 4  # places along a side to which each map is pooled
LAYERS = 3  # of `encoders.critic`, each a convolution, its norm and its LeakyReLU


class CriticFeatures(Encoder):
    """The maps of every layer of a critic, and as its output all of them, pooled and joined.

    Args:
        critic: One that `encoders.critic` made, or its layers alone; it is shared, not copied.
        channels: Channels of the images.
        size: Their side.
    """

    layers = (*(f"layer{i + 1}" for i in range(LAYERS)), "out")

    def __init__(self, critic: nn.Sequential, channels: int, size: int) -> None:
        super().__init__()
        self.channels, self.size = channels, size
        self.body = nn.ModuleList(critic[3 * i : 3 * i + 3] for i in range(LAYERS))
        with torch.no_grad():
            blank = next(critic.parameters()).new_zeros(1, channels, size, size)
            self.dim = self.features(blank)["out"].shape[1]

    def features(self, x: Tensor) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for name, layer in zip(self.layers, self.body, strict=False):
            x = found[name] = layer(x)
        grids = [F.adaptive_max_pool2d(m, min(GRID, m.shape[-1])) for m in found.values()]
        return {**found, "out": torch.cat([grid.flatten(1) for grid in grids], 1)}


def critic_features(method: Method[Any]) -> CriticFeatures:
    """An encoder made of a method's critic, of what it sees in images alone.

    Each layer's maps are max-pooled to a grid of 4 x 4, or less where they are smaller, and joined:
    `embed` and the protocols take it like any encoder.

    Args:
        method: BiGAN, or inpainting or super-resolution with an adversary, heads and all.

    Raises:
        UsageError: Where the method has no critic.

    Source: Radford, Metz & Chintala 2016, sec. 5.1, https://arxiv.org/abs/1511.06434.
    """
    for part in getattr(method, "critic", nn.Identity()).modules():
        if isinstance(part, nn.Sequential) and isinstance(part[0], nn.Conv2d):
            return CriticFeatures(part, method.encoder.channels, method.encoder.size)
    raise UsageError(
        f"{type(method).__name__} has no critic here",
        hint="bigan has one; inpainting and super-resolution with --adversary 0.001",
    )
