"""Pictures that are decoded when a batch asks for them: for data that fits nowhere decoded."""

from __future__ import annotations

import os
import warnings
import weakref
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NoReturn, TypeAlias

import numpy as np
from PIL import Image

from unlabeled.data import images
from unlabeled.data.listing import Listing, judge
from unlabeled.errors import DataError, MachineError
from unlabeled.views.dice import seed_of

TRIES = 100  # samples that are tried in place of one that broke
HINT = "UNLABELED_CACHE=/a/larger/disk, or a smaller --size"

Pixels: TypeAlias = tuple[np.ndarray, tuple[str, ...]]


class OnDemand:
    """Looks like a `(n, c, h, w)` uint8 array, whose rows are decoded by threads when asked for.

    Every row has the same bits as if all had been decoded at once. A picture that can no longer be
    read is named when that is found out; too many of them are an error.

    Args:
        listing: The encoded pictures; any of them can be read at any time.
        rows: Which of them are the samples, `(n,)`: those that could be decoded at the opening.
        policy: What each becomes.
        allowed: Share of them, in [0, 1], that may be unusable.
        source: What to call them.

    Attributes:
        shape: `(n, c, h, w)`.
        bad: What cannot be used, with the reason; it grows where files break after the opening.
    """

    dtype = np.dtype(np.uint8)

    def __init__(
        self,
        listing: Listing,
        rows: np.ndarray,
        policy: images.Policy,
        *,
        allowed: float,
        source: str,
    ) -> None:
        self._listing, self._rows, self._policy = listing, rows, policy
        self._allowed, self._source = allowed, source
        self.shape = (len(rows), policy.channels, policy.size, policy.size)
        self.bad: list[tuple[str, str]] = []
        self._broken: dict[int, str] = {}
        self._coming: dict[int, Future[Pixels | Exception]] = {}
        self._pool = ThreadPoolExecutor(threads(), "unlabeled-decode")
        weakref.finalize(self, self._pool.shutdown, wait=False, cancel_futures=True)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def nbytes(self) -> int:
        """Bytes that it would take decoded."""
        return int(np.prod(self.shape))

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise MachineError(
            f"{self._source} is decoded as it is needed, for it fits nowhere whole; "
            "what is asked for needs it whole",
            hint=HINT,
        )

    def __getitem__(self, index: Any) -> np.ndarray:
        """The rows at an index: a number, a slice or an array of numbers.

        Raises:
            DataError: Where one can no longer be read.
        """
        if isinstance(index, slice):
            index = np.arange(*index.indices(len(self)))
        asked = np.asarray(index) % len(self)
        self._start(asked.ravel().tolist())
        found = [self._row(i) for i in asked.ravel().tolist()]
        for i, row in zip(asked.ravel().tolist(), found, strict=True):
            if row is None:
                raise DataError(
                    f"{self._source}: {self._key(i)!r} can no longer be read: {self._broken[i]}",
                    hint="bring it back, or start anew without it",
                )
        return np.stack(found).reshape(*asked.shape, *self.shape[1:])  # pyright: ignore

    def feed(self, index: np.ndarray, soon: np.ndarray) -> np.ndarray:
        """The rows of a training batch, while those of the next ones are being decoded.

        Another sample stands in for one that can no longer be read. Which one is a function of the
        sample alone, so that a batch remains a function of the seed and the step.

        Args:
            index: Rows, `(b,)`.
            soon: Rows that will be asked for next. Others are let go.

        Raises:
            DataError: Where more can no longer be read than are allowed.
        """
        asked = index.tolist()
        wanted = {*asked, *soon.tolist()}
        for i in [i for i in self._coming if i not in wanted]:
            self._coming.pop(i).cancel()
        self._start([*asked, *soon.tolist()])
        return np.stack([self._row_or_other(i) for i in asked])

    def _start(self, rows: list[int]) -> None:
        for i in rows:
            if i not in self._coming and i not in self._broken:
                at = int(self._rows[i])
                self._coming[i] = self._pool.submit(decode, self._listing, self._policy, at)

    def _row(self, i: int) -> np.ndarray | None:
        """A row; None where it cannot be read, which is told once."""
        if i in self._broken:
            return None
        self._start([i])
        found = self._coming.pop(i).result()
        if not isinstance(found, Exception):
            return found[0]
        why = self._broken[i] = images.reason(found)
        self.bad.append((self._key(i), why))
        warnings.warn(
            f"{self._key(i)!r} can no longer be read ({why}); in training, another sample stands "
            "in for it",
            stacklevel=2,
        )
        return None

    def _row_or_other(self, i: int) -> np.ndarray:
        row, tries = self._row(i), 0
        while row is None:
            judge(self.bad, len(self) - len(self._broken), self._allowed, self._source)
            if tries == TRIES:
                raise DataError(f"{self._source}: {TRIES} samples in a row cannot be read")
            tries += 1
            row = self._row(seed_of(i, tries) % len(self))
        return row

    def _key(self, i: int) -> str:
        return self._listing.keys[int(self._rows[i])]


def threads() -> int:
    """How many threads decode."""
    return min(16, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4)


def decode(
    listing: Listing,
    policy: images.Policy,
    i: int,
    data: bytes | Image.Image | Exception | None = None,
) -> Pixels | Exception:
    """Picture i of a listing, or why it cannot be used; `data` if it was read already."""
    data = attempt(listing.read, i) if data is None else data
    return data if isinstance(data, Exception) else attempt(images.pixels, data, policy)


def attempt(step: Callable[..., Any], *args: Any) -> Any:
    """What a step returns, or what it raises."""
    try:
        return step(*args)
    except Exception as error:  # decoders of hostile bytes raise anything
        return error
