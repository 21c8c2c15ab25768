"""A small, fast convolution network: the default for small images and for CPUs."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from unlabeled.encoders.base import Encoder


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class ConvNet(Encoder):
    """Six layers on ever smaller maps, so that most of the work is products that fit a cache.

    The output keeps where things are, on a 2x2 grid: for small images that are about one thing, a
    collar at the top and a sole at the bottom, an average over the whole image throws away half
    of what the nearest neighbours need.

    Args:
        channels: Channels of the image.
        size: Side it is meant for; any side of 8 or more works.
        width: Channels of the stem; the last stage has eight times, the output 32 times as many.
    """

    layers = ("stage1", "stage2", "stage3", "out")

    def __init__(self, channels: int = 3, size: int = 32, width: int = 16) -> None:
        super().__init__()
        self.channels, self.size, self.dim = channels, size, 32 * width
        self.stage1 = nn.Sequential(conv(channels, width, 4, 2), conv(width, 2 * width))
        self.stage2 = nn.Sequential(conv(2 * width, 4 * width), conv(4 * width, 4 * width))
        self.stage3 = nn.Sequential(conv(4 * width, 8 * width), conv(8 * width, 8 * width))

    def features(self, x: Tensor) -> dict[str, Tensor]:
        one = self.stage1(x * 4 - 2)
        two = self.stage2(F.max_pool2d(one, 2, ceil_mode=True))
        three = self.stage3(F.max_pool2d(two, 2, ceil_mode=True))
        out = F.adaptive_avg_pool2d(three, 2).flatten(1)
        return {"stage1": one, "stage2": two, "stage3": three, "out": out}
