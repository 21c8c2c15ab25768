"""Small networks that methods put on top of an encoder."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.func import functional_call

from unlabeled.encoders.base import Encoder


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


def colour_blind(encoder: Encoder) -> None:
    """Have an encoder's first convolution weigh all channels of an image alike, in place.

    Trained on images whose channels are alike, it stays so, as the gradients are alike too; so what
    is learnt from grey images holds for coloured ones.
    """
    for first in _first(encoder):
        with torch.no_grad():
            first.weight.copy_(first.weight.mean(1, keepdim=True).expand_as(first.weight))


def is_colour_blind(encoder: Encoder) -> bool:
    """Whether its first convolution weighs all of several channels alike, but for rounding."""
    weights = [first.weight.detach() for first in _first(encoder) if encoder.channels > 1]
    return bool(weights) and all(
        (w - w.mean(1, keepdim=True)).abs().max() < 1e-3 * w.abs().max() for w in weights
    )


def _first(encoder: Encoder) -> list[nn.Conv2d]:
    """The convolution that meets the image's channels, if there is one."""
    layers = (m for m in encoder.modules() if isinstance(m, nn.Conv2d))
    return [m for m in layers if m.in_channels == encoder.channels][:1]


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


class Painter(nn.Module):
    """A small transformer that paints all patches of an image from the codes of some.

    Args:
        dim: Width of a code.
        pixels: Values of a patch.
        grid: Patches along a side of the image.
        width: Of the transformer; a multiple of 4.
        depth: Its layers.

    Source: the decoder of He et al. 2022, sec. 3: a shared, learnt token stands for each patch that
    was not seen, and sines and cosines say where it is.
    """

    def __init__(self, dim: int, pixels: int, grid: int, width: int, depth: int) -> None:
        super().__init__()
        self.enter = nn.Linear(dim, width)
        self.blank = nn.Parameter(0.02 * torch.randn(width))
        self.place = nn.Buffer(waves(grid, width), persistent=False)
        heads = math.gcd(width, max(1, width // 32))
        layer = lambda: nn.TransformerEncoderLayer(
            width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.Sequential(*(layer() for _ in range(depth)))
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, pixels))

    def forward(self, codes: Tensor, keep: Tensor) -> Tensor:
        """Codes `(b, k, dim)` of the patches `keep`, `(b, k)`, to `(b, grid ** 2, pixels)`."""
        seen = self.enter(codes)
        all_blank = self.blank.to(seen).expand(len(codes), len(self.place), -1)
        every = all_blank.scatter(1, keep[..., None].expand_as(seen), seen)
        return self.leave(self.layers(every + self.place))


def waves(grid: int, width: int) -> Tensor:
    """Where the patches of a grid are: `(grid ** 2, width)` sines and cosines of row and column.

    Source: Vaswani et al. 2017, sec. 3.5, for each of the two coordinates in half of the width.
    """
    at = torch.arange(grid, dtype=torch.float32)
    rates = 10_000 ** -(torch.arange(width // 4) / (width // 4))
    angle = at[:, None] * rates
    wave = torch.cat([angle.sin(), angle.cos()], 1)  # (grid, width / 2)
    rows, columns = wave.repeat_interleave(grid, 0), wave.repeat(grid, 1)
    return torch.cat([rows, columns], 1)


def still(module: nn.Module, *inputs: Tensor) -> Tensor:
    """What a module says, the gradient reaching its inputs and not its weights.

    So a maker can learn from a critic's opinion while the critic itself stays as it is.
    """
    fixed = {name: p.detach() for name, p in module.named_parameters()}
    return functional_call(module, fixed, inputs)


def critic(channels: int, width: int) -> nn.Sequential:
    """A network that says by one number `(b,)` how real an image `(b, channels, h, w)` looks.

    Its norm is of each image alone: batch statistics would tell made images from real ones.
    """
    widths = [channels, width, 2 * width, 4 * width]
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        norm = nn.Identity() if a == channels else nn.GroupNorm(1, b)
        layers += [nn.Conv2d(a, b, 4, 2, 1), norm, nn.LeakyReLU(0.2)]
    last = [nn.AdaptiveAvgPool2d(1), nn.Conv2d(widths[-1], 1, 1), nn.Flatten(0)]
    return nn.Sequential(*layers, *last)
