"""What a source means: a name, a path of any kind, or something that Python holds."""

from __future__ import annotations

import bz2
import difflib
import gzip
import lzma
import os
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

from unlabeled.data import (
    archives,
    arrayfiles,
    decode,
    files,
    images,
    listing,
    memory,
    named,
    tables,
    text,
)
from unlabeled.data.labels import Labels, Opened, unlabelled
from unlabeled.data.options import Options
from unlabeled.data.store import Store
from unlabeled.errors import DataError

PACKED = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}
READ = "a folder, zip, tar, parquet, .npy, .ts, IDX or text"


def opened(source: Any, options: Options) -> Opened:
    """The samples of a source, and the reader of their labels.

    Raises:
        DataError: Where it does not exist, cannot be read or is not what is asked for.
    """
    if isinstance(source, (Opened, Store)):
        options.check_store(source.store if isinstance(source, Opened) else source)
    if isinstance(source, Opened):
        return source
    if isinstance(source, Store):
        return Opened(source, unlabelled(source.source, memory.NOWHERE))
    if isinstance(source, tuple) and len(source) == 2:
        data, labels = source
        if not isinstance(data, (str, os.PathLike, Store)):
            return memory.pair(data, labels, options)
        store = opened(data, options).store
        return Opened(store, lambda: _one_each(Labels.of(labels), store))
    if not isinstance(source, (str, os.PathLike)):
        return memory.opened(source, options)
    name = os.fspath(source)
    if isinstance(source, str) and name in named.NAMES:
        return named.opened(name, options)
    path = Path(name).expanduser()
    if path.is_dir():
        return _folder(path, options, name)
    if path.is_file():
        return _file(path, options, name)
    raise _missing(path, name)


def _one_each(labels: Labels, store: Store) -> Labels:
    if len(labels) != len(store):
        raise DataError(f"{store.source}: {len(labels):,} labels for {len(store):,} samples")
    return labels


def _pictures(found: listing.Listing, options: Options, source: str) -> Opened:
    store, kept = decode.decoded(found, options, source)
    return Opened(store, lambda: Labels.of(found.labels()).at(kept))


def _folder(root: Path, options: Options, source: str) -> Opened:
    """Pictures if there are any, else texts; other files are left alone."""
    found = files.walk(root)
    pictures, texts = found.pick(images.SUFFIXES), found.pick(text.SUFFIXES)
    if options.modality == "text" or (options.modality == "auto" and not pictures.keys):
        if texts.keys:
            return text.folder(root, texts, options, source)
    elif pictures.keys:
        return _pictures(listing.folder(root, pictures, source), options, source)
    if options.channels and (pictures.keys or texts.keys):  # what a run cannot use
        options.check("image" if pictures.keys else "text", source)
    kinds = Counter(Path(key).suffix.lower() or "no suffix" for key in found.keys)
    there = ", ".join(f"{n:,} {kind}" for kind, n in kinds.most_common(5)) or "no files"
    wanted = {"auto": "pictures or texts", "image": "pictures"}.get(options.modality, "texts")
    lost = [f"{key} ({why})" for key, why in found.bad]
    lost += [f"{key} (a link to a folder, not followed)" for key in found.linked]
    raise DataError(
        f"{source} holds no {wanted}, but {there}" + "".join(f"\n  {entry}" for entry in lost[:5]),
        hint="pictures are known by their suffix: .jpg, .png, .webp, .tif ...; an array, table or "
        "archive in a folder is named itself",
    )


def _file(path: Path, options: Options, source: str) -> Opened:
    kind = sniff(path, source)
    if kind == "zip":
        return _pictures(archives.zipped(path, source), options, source)
    if kind == "tar":
        return _pictures(archives.tarred(path, source), options, source)
    if kind == "parquet":
        return _pictures(tables.parquet(path, source), options, source)
    if kind == "npy":
        return arrayfiles.npy(path, options, source)
    if kind == "ts":
        return arrayfiles.ts(path, options, source)
    if kind == "idx":
        return arrayfiles.idx(path, options, source)
    if kind == "text" or (kind == "" and options.modality == "text"):
        return text.file(path, options, source)
    what = "one picture is no data set" if kind == "picture" else "not a kind of file that is read"
    raise DataError(f"{source}: {what}", hint=READ)


def sniff(path: Path, source: str) -> str:
    """The kind of a file by its first bytes, where they tell, else by its name.

    Returns:
        "zip", "tar", "parquet", "npy", "idx", "ts", "picture", "text" or "".
    """
    try:
        with path.open("rb") as file:
            head = file.read(1024)
        if opener := PACKED.get(head[:2]):
            with opener(path) as file:
                head = file.read(1024)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"{source} cannot be read: {error}") from error
    if not head:
        raise DataError(f"{source} is empty")
    name = path.name.lower()
    if head[:4] in (b"PK\3\4", b"PK\5\6") or name.endswith(".zip"):
        return "zip"
    if head[257:262] == b"ustar" or name.endswith(
        (".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.bz2")
    ):
        return "tar"
    if head[:4] == b"PAR1" or name.endswith(".parquet"):
        return "parquet"
    if head[:6] == b"\x93NUMPY" or name.endswith(".npy"):
        return "npy"
    if arrayfiles.is_idx(head):
        return "idx"
    if name.endswith(images.SUFFIXES):
        return "picture"
    if name.endswith(".ts") and b"\0" not in head:  # with them, it would be a film
        return "ts"
    return "text" if name.endswith(text.SUFFIXES) or b"\0" not in head else ""


def _missing(path: Path, source: str) -> DataError:
    """No such file: perhaps a name, or a path, was mistyped."""
    beside = []
    if path.parent.is_dir() and os.access(path.parent, os.R_OK):
        beside = [str(path.parent / entry.name) for entry in os.scandir(path.parent)]
        beside = [p.removeprefix("./") for p in beside]
    near = difflib.get_close_matches(source, [*named.NAMES, *beside], 1)
    hint = f"did you mean `{near[0]}`?" if near else f"{READ}; or a set: {', '.join(named.NAMES)}"
    return DataError(f"there is no data at `{source}`, and no set of that name", hint=hint)
