"""Files that are whole or absent: written beside, synced, then renamed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Give a file beside `path` to write; where all goes well it takes the place of `path`.

    A reader, or a machine that loses power, sees the old file or the new one, never a part.
    """
    draft = path.with_name(f"{path.stem}.tmp-{os.getpid()}{path.suffix}")
    try:
        yield draft
        sync(draft)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync(path.parent)


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, at once. Infinite numbers read back as they were, by Python."""
    with beside(path) as draft:
        draft.write_text(json.dumps(value, indent=1, default=str) + "\n", encoding="utf-8")


def sync(path: Path) -> None:
    """Have a file, or a folder's list of names, on the disk before going on."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def seal(path: Path) -> dict[str, Any]:
    """The size of a file and the SHA-256 of its bytes."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"size": path.stat().st_size, "sha256": digest}


def sweep(folder: Path) -> None:
    """Remove from a folder what dead processes left half written, or half removed."""
    for path in folder.glob("*.tmp-*"):
        process = re.search(r"\.tmp-(\d+)", path.name)
        if process is None or (int(process[1]) != os.getpid() and _alive(int(process[1]))):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)  # asks, and sends nothing
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
