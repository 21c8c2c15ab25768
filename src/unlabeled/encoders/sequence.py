"""Encoders of parts in order: patches down an image, windows along a series."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from unlabeled.encoders.base import Sequence


class Patches(Sequence):
    """Encodes overlapping patches of an image one by one; the output is their mean.

    Every stage halves the patch, the first at once: each pixel is in four patches as it is.

    No batch norm: patches of one image share a batch, and its statistics would tell each patch
    about the others (Hénaff et al. 2020, https://arxiv.org/abs/1905.09272). Group norm within a
    patch is safe.

    Args:
        channels: Channels of the image.
        size: Side of the image.
        patch: Side of a patch; 0 for a quarter of the image.
        dim: Width of a patch's code.

    Source: van den Oord et al. 2018, sec. 3.3: a 7x7 grid of patches that overlap by half.
    """

    layers = ("stage1", "stage2", "stage3", "out")

    def __init__(self, channels: int = 3, size: int = 32, patch: int = 0, dim: int = 256) -> None:
        super().__init__()
        self.channels, self.size, self.dim = channels, size, dim
        self.patch = patch or -(-size // 8) * 2  # 28 and 32 pixels: patches of 8, as in the paper
        self.stride = self.patch // 2
        stage = lambda i, o, kernel, side: nn.Sequential(
            nn.Conv2d(i, o, kernel, _halving(side), 1, bias=False),
            nn.GroupNorm(max(1, min(8, o // 4)), o),  # a group of one number would always be 0
            nn.ReLU(),
        )
        self.stage1 = stage(channels, dim // 8, 4, self.patch)
        self.stage2 = stage(dim // 8, dim // 4, 3, self.patch // 2)
        self.stage3 = stage(dim // 4, dim, 3, -(-self.patch // 4))

    @property
    def part(self) -> int:
        return self.patch

    def cut(self, x: Tensor) -> Tensor:
        """(b, c, side, side) to (b, steps, steps, c, patch, patch), row by row."""
        side = x.shape[-1]
        steps = -(-(side - self.patch) // self.stride) + 1
        spare = (steps - 1) * self.stride + self.patch - side
        before, after = spare // 2, spare - spare // 2
        x = torch.nn.functional.pad(x, (before, after, before, after))
        tiles = x.unfold(2, self.patch, self.stride).unfold(3, self.patch, self.stride)
        return tiles.permute(0, 2, 3, 1, 4, 5)

    def maps(self, tiles: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The three stages' maps of patches `(n, c, patch, patch)`."""
        one = self.stage1(tiles * 2 - 1)
        two = self.stage2(one)
        return one, two, self.stage3(two)

    def encode(self, tiles: Tensor) -> Tensor:
        """(b, rows, columns, c, patch, patch) to (b, rows, columns, dim)."""
        code = self.maps(tiles.flatten(0, 2))[-1].mean((2, 3))
        return code.unflatten(0, tiles.shape[:3])

    def codes(self, x: Tensor) -> Tensor:
        return self.encode(self.cut(x))

    def features(self, x: Tensor) -> dict[str, Tensor]:
        tiles = self.cut(x)
        b, rows, columns = tiles.shape[:3]
        names = dict(zip(self.layers, self.maps(tiles.flatten(0, 2)), strict=False))
        grids = {
            name: m.mean((2, 3)).view(b, rows, columns, -1).permute(0, 3, 1, 2)
            for name, m in names.items()
        }
        return {**grids, "out": grids["stage3"].mean((2, 3))}


class Series(Sequence):
    """Encodes overlapping windows of a series one by one; the output is their mean.

    As with patches, a window's code must not know of other windows: their norm is within each.

    Args:
        channels: Channels of the series.
        size: Its length.
        dim: Width of a window's code.

    Source: the audio encoder of van den Oord et al. 2018, sec. 3.1, with windows that overlap by
    half and leave at least a dozen steps of a short series.
    """

    modality = "series"
    layers = ("stage1", "stage2", "stage3", "out")

    def __init__(self, channels: int = 1, size: int = 128, dim: int = 128) -> None:
        super().__init__()
        self.channels, self.size, self.dim = channels, size, dim
        self.stride = min(max(1, size // 16), 8)
        self.window = 2 * self.stride
        stage = lambda i, o, stride: nn.Sequential(
            nn.Conv1d(i, o, 3, stride, 1, bias=False), nn.GroupNorm(8, o), nn.ReLU()
        )
        self.stage1 = stage(channels, dim // 4, 1)
        self.stage2 = stage(dim // 4, dim // 2, _halving(self.window))
        self.stage3 = stage(dim // 2, dim, _halving(self.window // 2))

    def maps(self, x: Tensor) -> tuple[Tensor, ...]:
        """The three stages of (b, c, t), each window's mean: (b, steps, width)."""
        windows = x.unfold(2, self.window, self.stride).transpose(1, 2)  # (b, steps, c, window)
        one = self.stage1(windows.flatten(0, 1))
        two = self.stage2(one)
        stages = one, two, self.stage3(two)
        return tuple(stage.mean(2).unflatten(0, windows.shape[:2]) for stage in stages)

    def codes(self, x: Tensor) -> Tensor:
        return self.maps(x)[-1][:, :, None]

    def features(self, x: Tensor) -> dict[str, Tensor]:
        maps = self.maps(x)
        named = {name: m.mT for name, m in zip(self.layers, maps, strict=False)}
        return {**named, "out": maps[-1].mean(1)}


def _halving(side: int) -> int:
    """The stride that halves a map, of which one number is left as it is.

    With a stride of 2 it would stay one number too, but in bfloat16 on a CPU torch's gradient of
    such a convolution is at times no number at all.
    """
    return 2 if side > 1 else 1
