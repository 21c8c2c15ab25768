"""A small, fast convolution network: the default for small images and for CPUs."""

from __future__ import annotations

from torch import Tensor, nn

from unlabeled.encoders.base import Encoder


def conv(inputs: int, outputs: int) -> nn.Sequential:
    """3x3 convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class ConvNet(Encoder):
    """Three stages, each halving the image: most of the work is done on small maps.

    Args:
        channels: Channels of the image.
        size: Side it is meant for; any side of 8 or more works.
        width: Channels of the first stage; the output has eight times as many.
    """

    layers = ("stage1", "stage2", "stage3", "out")

    def __init__(self, channels: int = 3, size: int = 32, width: int = 32) -> None:
        super().__init__()
        self.channels, self.size, self.dim = channels, size, width * 8
        self.stage1 = nn.Sequential(conv(channels, width), nn.MaxPool2d(2))
        self.stage2 = nn.Sequential(conv(width, width * 2), conv(width * 2, width * 4), nn.MaxPool2d(2))
        self.stage3 = nn.Sequential(conv(width * 4, width * 8))

    def features(self, x: Tensor) -> dict[str, Tensor]:
        one = self.stage1(x * 2 - 1)
        two = self.stage2(one)
        three = self.stage3(two)
        return {"stage1": one, "stage2": two, "stage3": three, "out": three.mean((2, 3))}
