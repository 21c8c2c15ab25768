"""Decoded pictures on disk: written once, mapped into memory ever after.

An entry is a pair of files named by what went in: NAME.u8, the bytes of all rows, and NAME.json,
what they are. Each is written under another name, flushed to the disk and renamed, the record
last; so an entry that has a record of the right size is whole.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

try:
    import fcntl
except ImportError:  # Windows: two processes may decode the same data at once, to the same end
    fcntl = None

VERSION = 1


def folder() -> Path:
    """Where decoded data lies: $UNLABELED_CACHE, else ~/.cache/unlabeled. Safe to delete."""
    return Path(os.environ.get("UNLABELED_CACHE") or Path.home() / ".cache" / "unlabeled")


def load(name: str) -> tuple[np.ndarray, dict[str, Any]] | None:
    """An entry's rows, mapped, and its record; None where it is missing or not whole."""
    data, record = folder() / f"{name}.u8", folder() / f"{name}.json"
    try:
        said = json.loads(record.read_text())
        shape = tuple(said["shape"])
        whole = said["version"] == VERSION and data.stat().st_size == math.prod(shape)
        if not whole or len(said["keys"]) != shape[0]:
            return None
        # copy on write: nobody can change the file by changing the array
        rows = np.memmap(data, np.uint8, mode="c", shape=shape)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return np.asarray(rows), said


def save(
    name: str,
    rows: Iterable[np.ndarray],
    row: tuple[int, ...],
    record: Callable[[], dict[str, Any]],
) -> None:
    """Write an entry.

    Args:
        name: What to call it.
        rows: uint8 arrays of shape `row`, each written as it comes.
        row: Their shape.
        record: What to say of them, asked once all are written; holds "keys", one a row.

    Raises:
        OSError: Where there is no room, or no right to write. Nothing is left behind.
    """
    data, beside = folder() / f"{name}.u8", folder() / f"{name}.json"
    beside.unlink(missing_ok=True)
    count = 0
    with replacing(data) as file:
        for pixels in rows:
            count += 1
            file.write(np.ascontiguousarray(pixels).data)
    said = {"version": VERSION, "shape": [count, *row], **record()}
    with replacing(beside) as file:
        file.write(json.dumps(said).encode())


def known(name: str) -> dict[str, Any] | None:
    """What was noted of data that is not kept itself; None where nothing was."""
    try:
        said = json.loads((folder() / f"{name}.known.json").read_text())
        return said if said.pop("version") == VERSION else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def note(name: str, record: dict[str, Any]) -> None:
    """Keep what is known of data that is not kept itself.

    Raises:
        OSError: Where there is no room, or no right to write.
    """
    with replacing(folder() / f"{name}.known.json") as file:
        file.write(json.dumps({"version": VERSION, **record}).encode())


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Any]:
    """A file that takes its name when it is complete and on the disk, or not at all."""
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def alone(name: str) -> Iterator[None]:
    """Let one process at a time make an entry; the others wait, then find it.

    Raises:
        OSError: Where the folder cannot be written to.
    """
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / f"{name}.lock").open("w") as lock:
        if fcntl:
            fcntl.flock(lock, fcntl.LOCK_EX)
        for stale in folder().glob(f"{name}.*.tmp-*"):
            stale.unlink(missing_ok=True)
        yield


def room() -> int:
    """Bytes free on the cache's disk."""
    where = folder()
    while not where.exists():
        where = where.parent
    return shutil.disk_usage(where).free


def memory() -> int:
    """Bytes of memory that may be taken; a large number where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(s.split()[1]) * 1024 for s in lines if s.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return 1 << 62


def inside(data: str | Path) -> bool:
    """Whether the cache would lie inside a folder of data, where nothing is ever written."""
    return folder().resolve().is_relative_to(Path(data).resolve())
