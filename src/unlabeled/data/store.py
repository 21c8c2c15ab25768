"""Decoded samples: one array in memory or mapped from disk, and what they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unlabeled.encoders import Shape


@dataclass
class Store:
    """All samples of a data set, decoded once.

    Attributes:
        data: `(n, c, h, w)` uint8 images, `(n, c, t)` float32 series or `(n, t)` int32 tokens; in
            memory or a memory map.
        shape: What an encoder must know about them.
        keys: The samples' names: paths in the data, or their numbers.
        source: What the user typed.
        bad: Files left out, each with the reason.
        notes: What was chosen on the user's behalf, in words.
        words: The vocabulary of a text, word 0 being the padding.
        fingerprint: Changes when the data changes.
        extra: What data that must look like this needs to know: "spans", the values that became 0
            and 255 where pictures were deeper than eight bits.
    """

    data: np.ndarray
    shape: Shape
    keys: Sequence[str]
    source: str = ""
    bad: list[tuple[str, str]] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    fingerprint: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.data)

    def read(self, index: Tensor) -> Tensor:
        """The samples at `(b,)` positions, as stored; tokens as int64."""
        rows = torch.from_numpy(np.ascontiguousarray(self.data[index.numpy()]))
        return rows.long() if self.shape.modality == "text" else rows
