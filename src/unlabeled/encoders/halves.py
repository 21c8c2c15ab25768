"""Two networks side by side, each of which sees one half of what an image is."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from unlabeled.encoders.base import Encoder
from unlabeled.encoders.convnet import ConvNet
from unlabeled.views import colours

CELLS = 8  # cells along an image's side whose means make up its coarse half


class Halves(Encoder):
    """One network for the first half of an image, one for the second, and no wire between them.

    Coloured images are split into lightness and colour, grey ones into the means of cells and
    what differs from them. The output is both networks' outputs, one after the other.

    Args:
        channels: Channels of the image: 3 for RGB, 1 for grey.
        size: Side it is meant for.
        width: Channels of each network's stem: half a ConvNet's.

    Source: Zhang, Isola & Efros 2017, sec. 3.1; its sec. 5 splits depth from colour alike.
    """

    layers = ConvNet.layers

    def __init__(self, channels: int = 3, size: int = 32, width: int = 8) -> None:
        super().__init__()
        self.channels, self.size = channels, size
        self.names = ("lightness", "colour") if channels == 3 else ("coarse", "fine")
        self.one = ConvNet(1, size, width)
        self.two = ConvNet(2 if channels == 3 else 1, size, width)
        self.dim = self.one.dim + self.two.dim

    def halves(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Both halves of images, in [0, 1]: what each network sees."""
        if self.channels == 3:
            lab = colours.to_lab(x)
            return lab[:, :1] / 100, lab[:, 1:] / (2 * colours.RANGE) + 0.5
        cell = max(2, round(x.shape[-1] / CELLS))
        means = F.avg_pool2d(x, cell, ceil_mode=True)
        coarse = F.interpolate(means, scale_factor=cell)[..., : x.shape[-2], : x.shape[-1]]
        return coarse, (x - coarse) / 2 + 0.5

    def whole(self, one: Tensor, two: Tensor) -> Tensor:
        """The image that two halves make, in [0, 1]."""
        if self.channels == 3:
            return colours.to_rgb(torch.cat([one * 100, (two - 0.5) * 2 * colours.RANGE], 1))
        return (one + (two - 0.5) * 2).clamp(0, 1)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        one, two = self.halves(x)
        first, second = self.one.features(one), self.two.features(two)
        return {name: torch.cat([first[name], second[name]], 1) for name in self.layers}
