"""Encoders: what is kept. Networks from timm by name, small ones for CPUs, sequences and words."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unlabeled.encoders.base import Encoder, Sequence
from unlabeled.encoders.convnet import ConvNet
from unlabeled.encoders.parts import Causal, Decoder, mlp
from unlabeled.encoders.sequence import Patches, Series
from unlabeled.encoders.words import PAD, Words
from unlabeled.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "PAD", "Causal", "ConvNet", "Decoder", "Encoder", "Patches", "Sequence", "Series", "Shape",
    "Words", "build", "mlp",
]  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """What the samples are: all that an encoder must know about the data.

    Attributes:
        modality: "image", "series" or "text".
        channels: Channels of an image or a series; 1 for text.
        size: Side of an image, length of a series, tokens in a row of text.
        vocabulary: Number of words of a text, the padding included.
    """

    modality: str
    channels: int
    size: int
    vocabulary: int = 0


HOUSE: dict[str, Callable[[Shape], Encoder]] = {
    "convnet": lambda s: ConvNet(s.channels, s.size),
    "patches": lambda s: Patches(s.channels, s.size),
    "series": lambda s: Series(s.channels, s.size),
    "words": lambda s: Words(s.vocabulary, size=s.size),
}


def build(name: str, shape: Shape) -> Encoder:
    """The encoder called `name` for samples of this shape: one of ours, else one of timm's.

    Raises:
        UsageError: Where the name is unknown or the encoder eats something else.
    """
    if name in HOUSE:
        encoder = HOUSE[name](shape)
    else:
        import timm  # not before it is needed: it is slow

        from unlabeled.encoders.timm import Timm

        if not timm.is_model(name):
            near = difflib.get_close_matches(name, [*HOUSE, *timm.list_models()], 1)
            hint = f"did you mean `{near[0]}`?" if near else "any name of timm.list_models()"
            raise UsageError(f"no encoder named `{name}`", hint=hint)
        encoder = Timm(name, shape.channels, shape.size)
    if encoder.modality != shape.modality:
        raise UsageError(
            f"encoder `{name}` eats {encoder.modality}, the data is {shape.modality}",
            hint="leave --backbone out and a fitting one is chosen",
        )
    return encoder


def default(needs: type[Encoder], shape: Shape, device: str) -> str:
    """The encoder's name when none is given: by the method's need, the data and the device."""
    if shape.modality == "text":
        return "words"
    if shape.modality == "series":
        return "series"
    if issubclass(needs, Sequence):
        return "patches"
    return "convnet" if device == "cpu" else "resnet18"
