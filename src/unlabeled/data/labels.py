"""Labels: read only for judging, by `open_labeled`; nothing that pretraining sees has any."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from unlabeled.data.store import Store
from unlabeled.errors import DataError


@dataclass(frozen=True)
class Labels:
    """The class of every sample.

    Attributes:
        values: `(n,)` int64, each in [0, len(names)).
        names: What the classes are called.
    """

    values: np.ndarray
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)

    @staticmethod
    def of(raw: Any, names: Sequence[str] = ()) -> Labels:
        """Labels from class numbers or class names, one a sample.

        Numbers from 0 up keep their values; anything else is numbered in sorted order.

        Raises:
            DataError: Where some are missing or are no classes.
        """
        values = raw.cpu().numpy() if isinstance(raw, Tensor) else np.asarray(raw)
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim != 1:
            raise DataError(f"labels must be one a sample, got an array of shape {values.shape}")
        if values.dtype.kind == "O":
            if any(v is None for v in values):
                raise DataError(
                    f"{sum(v is None for v in values)} of {len(values)} labels are empty"
                )
            values = values.astype(str)
        if values.dtype.kind == "f":
            if not np.array_equal(values, np.round(values)):
                raise DataError("labels are fractions; classes are numbers or names")
            values = values.astype(np.int64)
        if values.dtype.kind == "b" or (values.dtype.kind in "iu" and values.min(initial=0) >= 0):
            values = values.astype(np.int64)
            top = int(values.max(initial=-1)) + 1
            if top <= max(len(names), 10_000):
                return Labels(values, tuple(names) or tuple(map(str, range(top))))
        found, places = np.unique(values, return_inverse=True)
        return Labels(places.astype(np.int64), tuple(map(str, found)))

    def at(self, rows: Any) -> Labels:
        """The labels of some samples, by their positions."""
        return Labels(self.values[np.asarray(rows, np.int64)], self.names)

    def aligned(self, names: Sequence[str]) -> Labels:
        """The same labels, numbered as in `names`: those of the training set, say.

        Raises:
            DataError: Where a class that occurs is not among them.
        """
        strange = sorted({self.names[v] for v in np.unique(self.values)} - set(names))
        if strange:
            raise DataError(f"classes that the other set does not have: {', '.join(strange[:5])}")
        number = {name: i for i, name in enumerate(names)}
        table = np.array([number.get(name, -1) for name in self.names], np.int64)
        return Labels(table[self.values], tuple(names))


class Opened(NamedTuple):
    """A data set, and how to read its labels if they are ever asked for."""

    store: Store
    labels: Callable[[], Labels]


def by_folder(paths: Sequence[str], source: str) -> list[str]:
    """The class of each path: its first folder, after those that all paths share.

    Raises:
        DataError: Where a file lies in no class folder.
    """
    parts = [path.split("/") for path in paths]
    at = 0
    while parts and all(len(p) > at + 2 and p[at] == parts[0][at] for p in parts):
        at += 1
    loose = next((path for path, p in zip(paths, parts, strict=True) if len(p) < at + 2), None)
    if loose is not None:
        raise DataError(
            f"no labels in {source}: looked for a folder for each class, but `{loose}` is in none",
            hint="put each class in a folder of its own: DATA/cat/1.jpg, DATA/dog/2.jpg",
        )
    return [p[at] for p in parts]


def unlabelled(source: str, looked: str) -> Callable[[], Labels]:
    """A reader of labels for data that has none: it says where they would have been."""

    def labels() -> Labels:
        raise DataError(f"no labels for {source}: looked for {looked}")

    return labels
