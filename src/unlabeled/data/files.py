"""Files on disk, read with care: they may be no files, have odd names, or change meanwhile."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

PASSING = {errno.EIO, errno.ESTALE, errno.EAGAIN, errno.ETIMEDOUT}  # network disks have moods
WAITS = (0.05, 0.2, 0.8)  # seconds before each further try


@dataclass
class Found:
    """The files of a folder, sorted by name, each with its size and its time of change.

    Attributes:
        keys: Paths in the folder, with `/`; bytes that are no UTF-8 are kept as surrogates.
        sizes: Bytes of each.
        times: When each last changed, in nanoseconds.
        bad: Paths that are no files or cannot be looked into, with the reason.
        linked: Folders that are links, which are not followed.
    """

    keys: list[str] = field(default_factory=list)
    sizes: array[int] = field(default_factory=lambda: array("q"))
    times: array[int] = field(default_factory=lambda: array("q"))
    bad: list[tuple[str, str]] = field(default_factory=list)
    linked: list[str] = field(default_factory=list)

    def pick(self, suffixes: Iterable[str]) -> Found:
        """Those whose name ends so, and what is bad among them; unreadable folders stay."""
        ends = tuple(suffixes)
        fits = lambda key: key.lower().endswith(ends)
        chosen = self.at([i for i, key in enumerate(self.keys) if fits(key)])
        chosen.bad = [(key, why) for key, why in self.bad if fits(key) or key.endswith("/")]
        return chosen

    def at(self, places: Iterable[int]) -> Found:
        """Those at some places, in that order."""
        keys, sizes, times = [], array("q"), array("q")
        for i in places:
            keys.append(self.keys[i])
            sizes.append(self.sizes[i])
            times.append(self.times[i])
        return Found(keys, sizes, times, sorted(self.bad), sorted(self.linked))

    @property
    def fingerprint(self) -> str:
        """Changes when a file is added, removed, renamed, resized or written."""
        digest = hashlib.sha256()
        for key, size, changed in zip(self.keys, self.sizes, self.times, strict=True):
            digest.update(f"{size} {changed} ".encode() + os.fsencode(key) + b"\0")
        return digest.hexdigest()


def walk(root: str | Path) -> Found:
    """Every file under a folder, except those whose name, or whose folder's, begins with a dot.

    Links to files are followed, links to folders are not, so the walk ends. Nothing is opened.
    """
    found, stack = Found(), [""]
    while stack:
        folder = stack.pop()
        for entry in _entries(Path(root), folder, found.bad):
            key = f"{folder}/{entry.name}" if folder else entry.name
            if entry.name.startswith("."):
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    stack.append(key)
                elif entry.is_file():
                    seen = entry.stat()
                    found.keys.append(key)
                    found.sizes.append(seen.st_size)
                    found.times.append(seen.st_mtime_ns)
                elif entry.is_dir():
                    found.linked.append(key)
                else:
                    why = "a link to nothing" if entry.is_symlink() else "not a regular file"
                    found.bad.append((key, why))
            except OSError as error:
                found.bad.append((key, error.strerror or "cannot be looked at"))
    return found.at(sorted(range(len(found.keys)), key=found.keys.__getitem__))


def _entries(root: Path, folder: str, bad: list[tuple[str, str]]) -> Iterator[os.DirEntry[str]]:
    """A folder's entries, one at a time: there may be millions."""
    try:
        with os.scandir(root / folder) as entries:
            yield from entries
    except OSError as error:
        bad.append((folder + "/", f"unreadable folder: {error.strerror}"))


def read(path: str | Path, size: int) -> bytes:
    """The bytes of a file that was `size` long when it was listed; tries again after a hiccup.

    Raises:
        OSError: Where it is gone, is no file or stays unreadable.
        ValueError: Where its size is another now.
    """
    for wait in WAITS:
        try:
            return _read(path, size)
        except OSError as error:
            if error.errno not in PASSING:
                raise
            time.sleep(wait)
    return _read(path, size)


def _read(path: str | Path, size: int) -> bytes:
    # a pipe put in a file's place would block the open for ever, but for O_NONBLOCK
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags), "rb") as file:
        seen = os.fstat(file.fileno())
        if not stat.S_ISREG(seen.st_mode):
            raise ValueError("not a regular file")
        if seen.st_size != size:
            raise ValueError(f"changed since it was listed: {size} bytes then, {seen.st_size} now")
        return file.read()


def fingerprint(path: str | Path) -> str:
    """Of one file, by its size, its time of change and its first and last 64 KiB."""
    with open(path, "rb") as file:
        seen = os.fstat(file.fileno())
        digest = hashlib.sha256(f"{seen.st_size} {seen.st_mtime_ns} ".encode())
        digest.update(file.read(1 << 16))
        file.seek(max(0, seen.st_size - (1 << 16)))
        digest.update(file.read(1 << 16))
    return digest.hexdigest()


def digest(data: np.ndarray, *more: Any) -> str:
    """Of an array, by its shape, its type and every byte."""
    sha = hashlib.sha256(f"{data.shape} {data.dtype} {more}".encode())
    for start in range(0, len(data), max(1, (1 << 26) // max(1, data[:1].nbytes))):
        part = data[start : start + max(1, (1 << 26) // max(1, data[:1].nbytes))]
        sha.update(np.ascontiguousarray(part).data)
    return sha.hexdigest()
