"""Keep freed memory for the next step instead of giving it back to the system page by page."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
PLENTY = 2**31 - 1


def keep_memory() -> bool:
    """Tell glibc to keep what is freed; whether it could be told.

    A training step on a CPU allocates and frees the same large blocks again and again. By default
    glibc maps each from the kernel, which clears every page anew. Other systems are left alone.
    """
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "gnu_get_libc_version"):
        return False
    return bool(libc.mallopt(M_MMAP_MAX, 0) and libc.mallopt(M_TRIM_THRESHOLD, PLENTY))
