"""Arrays in files: `.npy`, IDX as of MNIST, and `.ts` as of the UCR archive of time series."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from unlabeled.data import arrays
from unlabeled.data.files import fingerprint
from unlabeled.data.labels import Labels, Opened
from unlabeled.data.options import Options
from unlabeled.errors import DataError

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def npy(path: Path, options: Options, source: str) -> Opened:
    """A `.npy` file, mapped, not read; its labels are NAME-labels.npy or labels.npy beside it."""

    def labels() -> Labels:
        beside = [path.with_name(f"{path.stem}-labels.npy"), path.with_name("labels.npy")]
        for place in beside:
            if place.exists() and place != path:
                return Labels.of(_load(place))
        raise DataError(f"no labels for {source}: looked for {beside[0]} and {beside[1].name}")

    return arrays.opened(_load(path), options, source, labels, mark=fingerprint(path))


def _load(path: Path) -> np.ndarray:
    try:
        # copy on write: nobody can change the file by changing the array
        return np.asarray(np.load(path, mmap_mode="c", allow_pickle=False))
    except (ValueError, OSError, EOFError) as error:
        why = str(error).splitlines()[0]
        raise DataError(f"{path}: not a whole .npy file ({why})") from error


def idx(path: Path, options: Options, source: str, names: Sequence[str] = ()) -> Opened:
    """An IDX file, plain or gzipped; labels lie beside X-images-idx3 as X-labels-idx1."""

    def labels() -> Labels:
        stem = path.name.removesuffix(".gz")
        name = stem.replace("images", "labels").replace("idx3", "idx1")
        for place in (path.with_name(name), path.with_name(name + ".gz")):
            if name != stem and place.exists():
                return Labels.of(read_idx(place), names)
        raise DataError(f"no labels for {source}: looked for {path.with_name(name)}, plain or .gz")

    return arrays.opened(read_idx(path), options, source, labels)


def is_idx(head: bytes) -> bool:
    """Whether a file that begins so is IDX."""
    return len(head) >= 4 and head[:2] == b"\0\0" and head[2] in TYPES and 1 <= head[3] <= 4


def read_idx(path: Path) -> np.ndarray:
    """The array in an IDX file, plain or gzipped.

    Raises:
        DataError: Where the bytes are not what the header says.

    Source: http://yann.lecun.com/exdb/mnist, "the IDX file format".
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as file:
            magic = file.read(4)
            if not is_idx(magic):
                raise DataError(f"{path} is no IDX file")
            sizes = np.frombuffer(file.read(4 * magic[3]), ">u4").tolist()
            kind = np.dtype(TYPES[magic[2]])
            need = math.prod(sizes) * kind.itemsize
            if len(sizes) != magic[3] or not need < 1 << 40:
                raise DataError(f"{path}: a header of {sizes} cannot be right")
            data = file.read(need)  # no more, whatever the file may grow to
            whole = len(data) == need and not file.read(1)
    except (OSError, EOFError, ValueError, zlib.error, MemoryError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
    if not whole:
        raise DataError(f"{path}: the header says {sizes}, the file holds another number of bytes")
    return np.frombuffer(data, kind).reshape(sizes).astype(kind.newbyteorder("="))


def ts(path: Path, options: Options, source: str) -> Opened:
    """A `.ts` file of time series, as the UCR and UEA archives are kept; classes end its lines.

    Series of unequal length are stretched, by linear interpolation, to the length that is asked
    for or the longest, so that nothing is cut off or made up. A `?` is no number, and a series with
    one is left out as any that is not finite.

    Raises:
        DataError: Where it is no such file, its values have times of their own, or no series are
            asked for.

    Source: https://www.aeon-toolkit.org/en/stable/api_reference/data_format.html
    """
    options.check("series", source)
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
        lines = [line for line in lines if line and line[0] not in "#%"]
        said = {tuple(line.lower().split()[:2]) for line in lines if line[0] == "@"}
        rows = [line.split(":") for line in lines if line[0] != "@"]
        classes = ("@classlabel", "true") in said
        numbers = ("@targetlabel", "true") in said  # one a series, and no class
        ends = [row.pop().strip() for row in rows] if classes or numbers else []
        values = [[part.replace("?", "nan").split(",") for part in row] for row in rows]
        series = [np.array(row, np.float32) for row in values]
        lengths = sorted({part.shape[1] for part in series})
        size = options.size or lengths[-1]
        if len(lengths) > 1:
            series = [_stretched(part, size) for part in series]
        array = np.stack(series)
    except (OSError, ValueError, IndexError) as error:
        raise DataError(
            f"{source}: not a .ts file of plain series ({error})",
            hint="each line holds the values of a series with commas, then a colon and its class; "
            "times of their own are not read",
        ) from error

    def labels() -> Labels:
        if not classes:
            raise DataError(f"no labels for {source}: looked for @classLabel true in its head")
        return Labels.of(ends)

    found = arrays.opened(array, options, source, labels, mark=fingerprint(path))
    if len(lengths) > 1:
        span = f"series of {lengths[0]} to {lengths[-1]} steps"
        found.store.notes += (f"{span}, each stretched to {size} by linear interpolation",)
    return found


def _stretched(series: np.ndarray, size: int) -> np.ndarray:
    """`(c, t)` to `(c, size)`, the first and the last value staying so."""
    at, t = np.linspace(0, series.shape[1] - 1, size), np.arange(series.shape[1])
    return np.stack([np.interp(at, t, channel) for channel in series]).astype(np.float32)
