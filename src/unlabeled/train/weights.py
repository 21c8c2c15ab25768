"""The encoder alone, in one file of a run's folder: written when the run ends, and read again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from unlabeled.encoders import Encoder, Shape, build
from unlabeled.errors import DataError, MachineError
from unlabeled.train import contents
from unlabeled.train.disk import beside

FILE = "encoder.safetensors"


def encoder(folder: Path, config: dict[str, Any]) -> Encoder:
    """The encoder of a run that ended, in evaluation mode.

    Args:
        folder: The run's.
        config: Its config.json, which says what the encoder is.

    Raises:
        DataError: Where its weights cannot be read or do not fit.
    """
    found = build(config["backbone"], Shape(**config["shape"]))
    read(folder / FILE, found)
    return found.to(memory_format=torch.channels_last).eval()  # pyright: ignore


def write(path: Path, encoder: Encoder) -> None:
    """Write an encoder's weights: the same bytes for the same weights.

    The names are those of the backbone itself, so timm's own models load theirs strictly.

    Raises:
        MachineError: Where the file cannot be written.
    """
    state = {k: x.detach().cpu().contiguous() for k, x in sorted(_backbone(encoder).items())}
    try:
        with beside(path) as draft:
            save_file(state, draft, {"format": "pt"})
    except (OSError, SafetensorError) as error:
        raise MachineError(f"cannot write {path}: {error}") from error


@torch.no_grad()
def read(path: Path, encoder: Encoder) -> None:
    """Fill an encoder with the weights that `write` wrote, strictly.

    Raises:
        DataError: Where the file cannot be read or does not fit the encoder.
    """
    try:
        saved = load_file(path)
    except (OSError, SafetensorError) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    own = _backbone(encoder)
    contents.match(own, saved)
    for name, x in own.items():
        x.copy_(saved[name])


def _backbone(encoder: Encoder) -> dict[str, Tensor]:
    from unlabeled.encoders.timm import Timm, strict_state  # not before it is needed: it is slow

    return strict_state(encoder) if isinstance(encoder, Timm) else encoder.state_dict()
