"""What an array of numbers means: images, series or tokens."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from unlabeled.data.files import digest
from unlabeled.data.images import scaled, square
from unlabeled.data.labels import Labels, Opened
from unlabeled.data.options import Options, Span
from unlabeled.data.store import Store
from unlabeled.encoders import Shape
from unlabeled.errors import DataError

MOST_CHANNELS = 16
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as Pillow's


def opened(
    array: np.ndarray,
    options: Options,
    source: str,
    labels: Callable[[], Labels],
    *,
    mark: str = "",
) -> Opened:
    """A store of an array, and the labels of the rows that it keeps.

    Args:
        array: uint8 `(n, h, w)`, `(n, h, w, c)` or `(n, c, h, w)`; deeper images of four axes;
            floats `(n, t)` or `(n, c, t)`; integers `(n, t)`, which are tokens.
        options: What is asked; `modality` overrides what is guessed.
        source: What to call it.
        labels: The reader of the labels of all rows.
        mark: Its fingerprint, where that is known without reading it all.

    Raises:
        DataError: Where it can be none of these, or is empty.
    """
    if array.ndim < 2 or not array.size:
        raise DataError(f"{source}: an array of shape {array.shape} holds no samples")
    if array.dtype.kind not in "buif":
        raise DataError(f"{source}: {array.dtype} are no numbers")
    modality = options.modality if options.modality != "auto" else _guess(array, source)
    store = {"image": _images, "series": _series, "text": _tokens}[modality](array, options, source)
    store.fingerprint = mark or digest(array)
    # torch wants arrays that may be written to, though nothing here writes
    store.data = store.data if store.data.flags.writeable else store.data.copy()

    def kept() -> Labels:
        found = labels()
        if len(found) != len(array):
            raise DataError(f"{source}: {len(found):,} labels for {len(array):,} samples")
        return found.at([int(key) for key in store.keys])

    return Opened(store, kept)


def _guess(array: np.ndarray, source: str) -> str:
    """The modality, by the number of axes and the type."""
    kind, axes = array.dtype.kind, array.ndim
    if axes == 4 or (axes == 3 and kind != "f"):
        return "image"
    if kind == "f" and axes in (2, 3):
        return "series"
    if kind in "iu" and axes == 2 and array.dtype.itemsize > 1:
        return "text"
    raise DataError(
        f"{source}: {array.dtype} of shape {array.shape} may be several things",
        hint="say modality='image', 'series' or 'text'",
    )


def _images(array: np.ndarray, options: Options, source: str) -> Store:
    if array.ndim == 3:
        data, axes = array[:, None], "(n, h, w)"
    elif array.ndim == 4:
        last = array.shape[3] <= array.shape[1]  # the shorter of the two axes is the channels
        data = array.transpose(0, 3, 1, 2) if last else array
        axes = "(n, h, w, c)" if last else "(n, c, h, w)"
    else:
        raise DataError(f"{source}: images have 3 or 4 axes, got {array.shape}")
    if data.shape[1] > MOST_CHANNELS:
        raise DataError(f"{source}: {data.shape[1]} channels in an array {array.shape}")
    notes, extra = (f"{array.dtype} {array.shape} read as images {axes}",), {}
    if data.dtype != np.uint8:
        kind = "F" if data.dtype.kind == "f" else "I"
        span = options.value_range or options.spans.get(kind) or _span(data, source)
        data, extra = scaled(data, span), {"spans": {kind: span}}
        notes += (f"values {span[0]:g} to {span[1]:g} become 0 to 255 (value_range sets it)",)
    height, width = data.shape[2:]
    size = options.size or min(height, width)
    if (height, width) != (size, size):
        data = np.stack([_squared(image, size) for image in data])
        notes += (f"the centres of {width} x {height} pictures, at {size} x {size}",)
    data = _channels(data, options.channels, source)
    shape = Shape("image", data.shape[1], size)
    return Store(data, shape, _numbers(data), source, notes=notes, extra=extra)


def _span(values: np.ndarray, source: str) -> Span:
    """What becomes 0 and 255: [0, 255] or [0, 1] where values say so, else percentiles."""
    if values.dtype.kind == "b":
        return 0.0, 1.0
    some = values[:: max(1, len(values) // 1000)].astype(np.float64)
    some = some[np.isfinite(some)]
    if not len(some):
        raise DataError(f"{source}: no finite value among the images")
    low, high = some.min(), some.max()
    if low >= 0 and values.dtype.kind in "iu" and 1 < high <= 255:
        return 0.0, 255.0
    if low >= 0 and values.dtype.kind == "f" and 0.5 < high <= 1:
        return 0.0, 1.0
    low, high = np.percentile(some, (0.1, 99.9))
    return float(low), float(high)


def _squared(image: np.ndarray, size: int) -> np.ndarray:
    """The centre of `(c, h, w)` uint8, resized."""
    planes = [square(Image.fromarray(np.ascontiguousarray(plane)), size) for plane in image]
    return np.stack([np.asarray(plane) for plane in planes])


def _channels(data: np.ndarray, wanted: int | None, source: str) -> np.ndarray:
    have = data.shape[1]
    if wanted is None or wanted == have:
        return data
    if have == 1:
        return np.repeat(data, wanted, 1)
    if have == 3 and wanted == 1:
        luma = np.tensordot(data, LUMA, (1, 0))
        return np.rint(luma).astype(np.uint8)[:, None]
    raise DataError(f"{source}: {have} channels cannot become the run's {wanted}")


def _series(array: np.ndarray, options: Options, source: str) -> Store:
    if array.ndim not in (2, 3):
        raise DataError(f"{source}: series are (n, t) or (n, c, t), got {array.shape}")
    data, axes = (array[:, None], "(n, t)") if array.ndim == 2 else (array, "(n, c, t)")
    notes = (f"{array.dtype} {array.shape} read as series {axes}",)
    channels, length = data.shape[1:]
    if options.channels not in (None, channels):
        raise DataError(f"{source}: {channels} channels, the run has {options.channels}")
    size = options.size or length
    if length < size:
        raise DataError(f"{source}: series of {length} steps, {size} are needed")
    if length > size:
        start = (length - size) // 2
        data = data[:, :, start : start + size]
        notes += (f"the middle {size} of {length} steps",)
    data = data.astype(np.float32, copy=False)
    finite = np.array([bool(np.isfinite(row).all()) for row in data])
    bad = [(str(i), "not finite throughout") for i in np.flatnonzero(~finite)]
    if bad and (len(bad) == len(data) or len(bad) > options.allow_bad * len(data)):
        raise DataError(
            f"{source}: {len(bad):,} of {len(data):,} series are not finite throughout; "
            f"the first is row {bad[0][0]}",
            hint="fill the gaps, or leave such rows out with a larger --allow-bad",
        )
    keys = [str(i) for i in np.flatnonzero(finite)]
    shape = Shape("series", channels, size)
    return Store(data[finite] if bad else data, shape, keys, source, bad, notes)


def _tokens(array: np.ndarray, options: Options, source: str) -> Store:
    if array.ndim != 2 or array.dtype.kind not in "iu":
        raise DataError(f"{source}: tokens are whole numbers (n, t), got {array.shape}")
    low, high = int(array.min()), int(array.max())
    words = tuple(options.vocabulary or map(str, range(high + 1)))
    if low < 0 or high >= len(words):
        raise DataError(
            f"{source}: tokens {low} to {high}, the vocabulary has {len(words):,} words"
        )
    length = options.length or array.shape[1]
    data = np.zeros((len(array), length), np.int32)
    data[:, : array.shape[1]] = array[:, :length]
    notes = (f"{array.dtype} {array.shape} read as tokens (n, t), 0 being the padding",)
    shape = Shape("text", 1, length, len(words))
    return Store(data, shape, _numbers(data), source, notes=notes, words=words)


def _numbers(data: np.ndarray) -> list[str]:
    """The names of samples that have none."""
    return [str(i) for i in range(len(data))]
