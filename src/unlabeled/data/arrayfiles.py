"""Arrays in files: `.npy`, and IDX as of MNIST."""

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
