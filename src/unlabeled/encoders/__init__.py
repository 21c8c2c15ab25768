"""Encoders: what is kept. Networks from timm by name, small ones for CPUs, sequences and words."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from unlabeled.encoders.base import Encoder, Sequence, Transformer
from unlabeled.encoders.convnet import ConvNet
from unlabeled.encoders.halves import Halves
from unlabeled.encoders.parts import (
    Causal,
    Decoder,
    Painter,
    colour_blind,
    critic,
    is_colour_blind,
    mlp,
    still,
)
from unlabeled.encoders.sequence import Patches, Series
from unlabeled.encoders.words import PAD, Words
from unlabeled.errors import UsageError

__all__ = [
    "PAD", "Causal", "ConvNet", "Decoder", "Encoder", "Halves", "Painter", "Patches", "Sequence",
    "Series", "Shape", "Transformer", "Words", "build", "colour_blind", "critic", "is_colour_blind",
    "mlp", "still",
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


HOUSE: dict[str, type[Encoder]] = {
    "convnet": ConvNet,
    "halves": Halves,
    "patches": Patches,
    "series": Series,
    "words": Words,
}


def build(name: str, shape: Shape) -> Encoder:
    """The encoder called `name` for samples of this shape: one of ours, else one of timm's.

    Raises:
        UsageError: Where the name is unknown or the encoder eats something else.
    """
    kind = HOUSE[name] if name in HOUSE else _timm(name)
    if kind.modality != shape.modality:
        raise UsageError(
            f"encoder `{name}` eats {kind.modality}, the data is {shape.modality}",
            hint="leave --backbone out and a fitting one is chosen",
        )
    if kind is Words:
        return Words(shape.vocabulary, size=shape.size)
    named = () if name in HOUSE else (name,)
    return kind(*named, shape.channels, shape.size)


def _timm(name: str) -> type[Encoder]:
    import timm  # not before it is needed: it is slow

    from unlabeled.encoders.timm import VITS, Timm, ViT

    if name == "vit" or timm.models.is_model_in_modules(name, VITS):
        return ViT
    if not timm.is_model(name):
        near = difflib.get_close_matches(name, [*HOUSE, "vit", *timm.list_models()], 1)
        hint = f"did you mean `{near[0]}`?" if near else "any name of timm.list_models()"
        raise UsageError(f"no encoder named `{name}`", hint=hint)
    return Timm


def default(needs: type[Encoder], shape: Shape, device: str) -> str:
    """The encoder's name when none is given: by the method's need, the data and the device."""
    if shape.modality == "text":
        return "words"
    if shape.modality == "series":
        return "series"
    if issubclass(needs, Sequence):
        return "patches"
    if issubclass(needs, Halves):
        return "halves"
    if issubclass(needs, Transformer):
        return "vit" if device == "cpu" else "vit_small_patch16_224"
    return "convnet" if device == "cpu" else "resnet18"
