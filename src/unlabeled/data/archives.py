"""Zip and tar archives, read in place: members by their offset, nothing is ever unpacked."""

from __future__ import annotations

import io
import tarfile
import weakref
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

from unlabeled.data.files import fingerprint
from unlabeled.data.images import SUFFIXES
from unlabeled.data.labels import by_folder
from unlabeled.data.listing import Listing
from unlabeled.errors import DataError

BOMB = 1 << 24  # bytes above which a member must not have shrunk more than pictures can
SHRUNK = 200  # times; zeros shrink a thousandfold
LARGEST = 1 << 30  # bytes of one member


def zipped(path: Path, source: str) -> Listing:
    """The pictures in a zip archive; their classes are its folders.

    Raises:
        DataError: Where the archive is broken or incomplete.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise _broken(source, f"not a whole zip archive ({error})") from error
    members = {member.filename: member for member in archive.infolist() if not member.is_dir()}
    faults = {name: _zip_fault(member) for name, member in members.items()}
    keys, bad = _sort(members, lambda name: faults[name])
    return Listing(
        keys=keys,
        read=lambda i: archive.read(members[keys[i]]),  # checks the CRC; safe between threads
        labels=lambda: by_folder(keys, source),
        nbytes=sum(members[key].file_size for key in keys),
        fingerprint=fingerprint(path),
        bad=bad,
        place=path,
    )


def _zip_fault(member: zipfile.ZipInfo) -> str:
    if member.external_attr >> 16 & 0o170000 == 0o120000:
        return "a link"
    if member.flag_bits & 1:
        return "encrypted"
    shrunk = member.file_size > SHRUNK * max(1, member.compress_size)
    return _too_large(member.file_size, shrunk)


def _too_large(size: int, shrunk: bool = False) -> str:
    if shrunk and size > BOMB:
        return f"would grow to {size:,} bytes: an archive bomb"
    return f"{size:,} bytes in one member" if size > LARGEST else ""


def tarred(path: Path, source: str) -> Listing:
    """The pictures in a tar archive, which may be compressed; their classes are its folders.

    Raises:
        DataError: Where the archive is broken or incomplete.
    """
    try:
        archive = tarfile.open(path)  # noqa: SIM115 (a compressed one is read as long as it is used)
    except (tarfile.ReadError, OSError, EOFError) as error:
        raise _broken(source, "not a tar archive") from error
    compressed = not isinstance(archive.fileobj, io.BufferedReader)
    try:
        members = _members(archive, None if compressed else path.stat().st_size)
    except (tarfile.ReadError, OSError, EOFError, ValueError, zlib.error) as error:
        archive.close()
        raise _broken(source, f"the archive is cut short ({error})") from error
    keys, bad = _sort(members, lambda name: _tar_fault(members[name]))
    if compressed:
        keys.sort(key=lambda key: members[key].offset_data)  # the only order that is quick
    else:
        archive.close()
    listing = Listing(
        keys=keys,
        read=lambda i: (_streamed if compressed else _at)(archive, members[keys[i]]),
        labels=lambda: by_folder(keys, source),
        nbytes=sum(members[key].size for key in keys),
        fingerprint=fingerprint(path),
        bad=bad,
        in_order=compressed,
        place=path,
    )
    weakref.finalize(listing, archive.close)
    return listing


def _members(archive: tarfile.TarFile, size: int | None) -> dict[str, tarfile.TarInfo]:
    """What the archive holds, the last of each name; `size` is that of the file, if it is plain."""
    members, end = {}, 0
    for member in archive:
        end = max(end, member.offset_data + (member.size if member.isreg() else 0))
        if not member.isdir():
            members[member.name] = member
    # a plain archive ends in blocks of zeros; a compressed one has an end of its own
    if size is not None and size < -(-end // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE + 1:
        raise ValueError(f"after {len(members):,} members")
    return members


def _tar_fault(member: tarfile.TarInfo) -> str:
    if member.issym() or member.islnk():
        return "a link"
    if not member.isreg() or member.issparse():
        return "not a regular file"
    return _too_large(member.size)


def _at(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    with open(archive.name or "", "rb") as file:  # one each, so that threads do not meet
        file.seek(member.offset_data)
        data = file.read(member.size)
    if len(data) != member.size:
        raise ValueError("the archive was cut short since it was listed")
    return data


def _streamed(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return file.read() if file else b""


def _sort(
    names: Iterable[str], fault: Callable[[str], str]
) -> tuple[list[str], list[tuple[str, str]]]:
    """The pictures' names, sorted, and those that must not or cannot be used."""
    keys, bad = [], []
    for name in sorted(names):
        parts = name.replace("\\", "/").split("/")
        if not name.lower().endswith(SUFFIXES):
            continue
        if ".." in parts or name.startswith(("/", "\\")):
            bad.append((name, "a path that leads out of the archive"))
        elif any(p.startswith(".") and p != "." for p in parts) or parts[0] == "__MACOSX":
            continue
        elif why := fault(name):
            bad.append((name, why))
        else:
            keys.append(name)
    return keys, bad


def _broken(source: str, why: str) -> DataError:
    return DataError(f"{source}: {why}", hint="fetch the archive again and compare its size")
