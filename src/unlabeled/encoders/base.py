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
