"""Encoded pictures, wherever they lie: a folder, an archive, a table, a torch Dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from unlabeled.data.files import Found, read
from unlabeled.data.labels import by_folder
from unlabeled.errors import DataError


@dataclass
class Listing:
    """What there is to decode, and how to get at it.

    Attributes:
        keys: A name for each picture.
        read: Gives picture i, encoded, or as Pillow holds it. May raise anything.
        labels: Gives the class of every picture; called only where labels are asked for.
        nbytes: Encoded bytes of all.
        fingerprint: Changes when any picture changes; empty where that cannot be known.
        bad: What cannot be used and is not among `keys`, with the reason.
        notes: What was chosen on the user's behalf.
        in_order: Whether reading is quick only from the first to the last.
        place: The folder or file on disk, if any.
    """

    keys: Sequence[str]
    read: Callable[[int], bytes | Image.Image]
    labels: Callable[[], Any]
    nbytes: int = 0
    fingerprint: str = ""
    bad: list[tuple[str, str]] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    in_order: bool = False
    place: Path | None = None

    def __len__(self) -> int:
        return len(self.keys)


def folder(root: Path, found: Found, source: str) -> Listing:
    """The pictures of a folder; their classes are its sub-folders."""
    notes = ()
    if found.linked:
        notes = (f"folders that are links are not followed: {', '.join(found.linked[:3])}",)
    return Listing(
        keys=found.keys,
        read=lambda i: read(root / found.keys[i], found.sizes[i]),
        labels=lambda: by_folder(found.keys, source),
        nbytes=sum(found.sizes),
        fingerprint=found.fingerprint,
        bad=found.bad,
        notes=notes,
        place=root,
    )


def judge(bad: list[tuple[str, str]], good: int, allowed: float, source: str) -> None:
    """Refuse data of which nothing, or too little, can be used.

    Raises:
        DataError: Naming the first few files and what would let them pass.
    """
    share = len(bad) / max(1, len(bad) + good)
    if good and share <= allowed:
        return
    first = "".join(f"\n  {key!r}: {why}" for key, why in bad[:5])
    rest = f"\n  and {len(bad) - 5:,} more" if len(bad) > 5 else ""
    count = f"{len(bad):,} of {len(bad) + good:,} files cannot be used"
    if not good:
        raise DataError(f"{source}: {count}, so nothing is left{first}{rest}")
    need = next((f"{a:g}" for a in (0.05, 0.1, 0.2, 0.5) if share <= a), "1")
    raise DataError(
        f"{source}: {count}, and {allowed:.0%} are allowed{first}{rest}",
        hint=f"mend or remove them, or go on without them: --allow-bad {need}",
    )
