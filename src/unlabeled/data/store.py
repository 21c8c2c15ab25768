"""Samples: one array in memory, mapped from disk or decoded on demand, and what they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unlabeled.encoders import Shape


@dataclass
class Store:
    """All samples of a data set.

    Attributes:
        data: `(n, c, h, w)` uint8 images, `(n, c, t)` float32 series or `(n, t)` int32 tokens; in
            memory, a memory map or, where images fit neither, an `OnDemand` that looks like one.
        shape: What an encoder must know about them.
        keys: The samples' names: paths in the data, or their numbers.
        source: What the user typed.
        bad: Files left out, each with the reason.
        notes: What was chosen on the user's behalf, in words.
        words: The vocabulary of a text, word 0 being the padding.
        origin: Which text each row is a part of, `(n,)`, never falling; None where each is a whole.
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
    origin: np.ndarray | None = None
    fingerprint: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.data)

    @property
    def mapped(self) -> bool:
        """Whether the samples lie on the disk, so that the system may let them go from memory."""
        part: Any = self.data
        while isinstance(part, np.ndarray) and not isinstance(part, np.memmap):
            part = part.base
        return isinstance(part, np.memmap) or not isinstance(self.data, np.ndarray)

    def __getitem__(self, index: slice | Tensor) -> Tensor:
        """The samples at these positions, as stored."""
        rows = index.numpy() if isinstance(index, Tensor) else index
        return torch.from_numpy(np.ascontiguousarray(self.data[rows]))

    def read(self, index: Tensor) -> Tensor:
        """The samples at `(b,)` positions, as stored; tokens as int64."""
        return self[index].long() if self.shape.modality == "text" else self[index]

    def subset(self, rows: np.ndarray) -> Store:
        """The samples at `(m,)` positions, in memory, in the order given."""
        data = np.ascontiguousarray(self.data[rows])
        origin = None if self.origin is None else self.origin[rows]
        return replace(self, data=data, keys=[self.keys[int(i)] for i in rows], origin=origin)
