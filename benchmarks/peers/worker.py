"""One side of a comparison, as a server: a JSON request a line in, a JSON answer a line out.

Both environments import this file, so it uses the standard library alone.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path


def serve(*tasks: Callable[..., dict[str, float]]) -> None:
    """Answer until the input ends; whatever else is printed goes to stderr."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    named = {task.__name__: task for task in tasks}
    for line in sys.stdin:
        request = json.loads(line)
        answer = named[request.pop("task")](**request)
        print(json.dumps(answer), file=out, flush=True)


def stopwatch() -> Callable[[], tuple[float, float]]:
    """Start a clock that tells the seconds since: on the wall, and of processors.

    The second counts this process and the children that have ended, and is what stays comparable
    on a machine that has other work to do.
    """
    began = time.perf_counter(), sum(os.times()[:4])
    return lambda: (time.perf_counter() - began[0], sum(os.times()[:4]) - began[1])


def forget_peak() -> float:
    """Start measuring the largest memory from now on; what is held now, in MiB (glibc)."""
    ctypes.CDLL(None).malloc_trim(0)  # what is free is not held
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def peak() -> float:
    """The largest memory held since, in MiB."""
    return _status("VmHWM")


def _status(key: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(key))
