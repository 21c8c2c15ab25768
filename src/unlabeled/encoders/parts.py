"""Small networks that methods put on top of an encoder."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn


def mlp(*widths: int, norm: bool = True, last_norm: bool = False) -> nn.Sequential:
    """Linear layers of the given widths, with batch norm and ReLU between them.

    Args:
        widths: Input, hidden and output widths.
        norm: Whether batch norm comes before each ReLU.
        last_norm: Whether batch norm also comes after the last layer.
    """
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b), nn.BatchNorm1d(b) if norm else nn.Identity(), nn.ReLU()]
    return nn.Sequential(*layers[: -1 if last_norm else -2])


class Decoder(nn.Module):
    """Paints an image from a vector: a linear map to a small grid, then upsampling convolutions.

    Args:
        dim: Width of the vector.
        channels: Channels of the image.
        size: Side of the image.
        width: Channels of the last hidden layer.
    """

    def __init__(self, dim: int, channels: int, size: int, width: int = 32) -> None:
        super().__init__()
        self.size, doublings = size, max(1, (size // 4).bit_length() - 1)
        self.side = -(-size // 2**doublings)
        widths = [width * 2 ** min(i, 2) for i in reversed(range(doublings + 1))]
        self.grid = nn.Linear(dim, widths[0] * self.side**2)
        self.body = nn.Sequential(
            *(
                nn.Sequential(
                    nn.BatchNorm2d(a),
                    nn.ReLU(),
                    nn.Upsample(scale_factor=2),
                    nn.Conv2d(a, b, 3, 1, 1),
                )
                for a, b in pairwise(widths)
            ),
            nn.BatchNorm2d(widths[-1]),
            nn.ReLU(),
            nn.Conv2d(widths[-1], channels, 3, padding=1),
        )

    def forward(self, z: Tensor) -> Tensor:
        """(b, dim) to (b, channels, size, size)."""
        x = self.grid(z).unflatten(1, (-1, self.side, self.side))
        return self.body(x)[:, :, : self.size, : self.size]


class Causal(nn.Module):
    """Summarises, at each step, that step and the ones before, and never a later one.

    A masked convolution network in the manner of PixelCNN: each layer narrows the codes to a
    quarter and sees `reach` steps back and the neighbouring lanes (van den Oord et al. 2018, sec.
    3.3; Hénaff et al. 2020, appendix A).

    Args:
        dim: Width of the codes and of the summary.
        lanes: Whether neighbouring lanes are seen too: an image's columns.
        depth: Number of residual layers.
        reach: Steps that each layer sees, its own included.
    """

    def __init__(self, dim: int, *, lanes: bool, depth: int = 3, reach: int = 3) -> None:
        super().__init__()
        before = (1, 1, reach - 1, 0) if lanes else (0, 0, reach - 1, 0)
        kernel = (reach, 3 if lanes else 1)
        narrow = max(8, dim // 4)
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.ReLU(),
                nn.Conv2d(dim, narrow, 1),
                nn.ReLU(),
                nn.ZeroPad2d(before),
                nn.Conv2d(narrow, narrow, kernel),
                nn.ReLU(),
                nn.Conv2d(narrow, dim, 1),
            )
            for _ in range(depth)
        )

    def forward(self, codes: Tensor) -> Tensor:
        """(b, steps, lanes, dim) to the same shape."""
        x = codes.permute(0, 3, 1, 2)
        for layer in self.layers:
            x = x + layer(x)
        return x.permute(0, 2, 3, 1)
