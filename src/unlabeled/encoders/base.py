"""What every encoder is: a network that outlives its pretraining."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn


class Encoder(nn.Module):
    """Maps a batch of inputs to vectors, and names its layers.

    Attributes:
        dim: Width of the output vector.
        size: Side of the square image, or length of the series or text, it is meant for.
        channels: Channels of the input; 1 for text.
        modality: What it eats: "image", "series" or "text".
        layers: Names of its layers, in order; the last is the output itself.
        notes: What was chosen on the user's behalf, in words, for the run to say aloud.
    """

    modality: ClassVar[str] = "image"
    dim: int
    size: int
    channels: int
    layers: tuple[str, ...] = ("out",)
    notes: tuple[str, ...] = ()

    def forward(self, x: Tensor) -> Tensor:
        """(b, ...) to (b, dim). Images come as floats in [0, 1]."""
        return self.features(x)["out"]

    @property
    def part(self) -> int:
        """Side at which it is shown a part of an image."""
        return self.size // 2

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """The activations of every layer in `layers`: vectors `(b, c)` or maps `(b, c, h, w)`."""
        raise NotImplementedError


class Sequence(Encoder):
    """An encoder of parts: patches of an image, windows of a series.

    Its output is the mean of the parts' codes; methods about order read the codes.
    """

    def codes(self, x: Tensor) -> Tensor:
        """(b, ...) to (b, steps, lanes, dim): what comes next lies further along `steps`.

        An image's rows are the steps and its columns the lanes; a series has one lane.
        """
        raise NotImplementedError


class Transformer(Encoder):
    """An encoder of patches that look at each other, any of which may be left out or hidden.

    Attributes:
        patch: Side of a patch.
        grid: Patches along a side of the image.
    """

    patch: int
    grid: int

    def tokens(
        self,
        x: Tensor,
        keep: Tensor | None = None,
        *,
        hidden: Tensor | None = None,
        instead: Tensor | None = None,
    ) -> Tensor:
        """The codes of the patches, row by row: `(b, patches, dim)`.

        Args:
            x: Images `(b, c, size, size)`.
            keep: Numbers of the patches that are looked at, `(b, k)`; all if None. The result then
                has k codes, in this order.
            hidden: Patches of which only the place is known, `(b, patches)` bool.
            instead: What stands for a hidden patch, `(dim,)`.
        """
        raise NotImplementedError

    def cut(self, x: Tensor) -> Tensor:
        """Images `(b, c, size, size)` to the pixels of their patches, `(b, patches, pixels)`."""
        p, n = self.patch, self.grid
        tiles = x.unflatten(2, (n, p)).unflatten(4, (n, p))  # (b, c, n, p, n, p)
        return tiles.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)

    def paste(self, patches: Tensor) -> Tensor:
        """Undo `cut`."""
        p, n = self.patch, self.grid
        tiles = patches.unflatten(2, (-1, p, p)).unflatten(1, (n, n))  # (b, n, n, c, p, p)
        return tiles.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)
