"""What every result is kept with: the command, the machine, the versions and the commit."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.peers.worker import stopwatch

RESULTS = Path(__file__).parent / "results"


def provenance() -> dict[str, Any]:
    """Where and how a number came to be."""
    from unlabeled.job import versions

    changed = _git("status", "--porcelain", "--", ".", ":!benchmarks/results")  # code, not results
    return {
        "command": " ".join(["python", "-m", *_module(), *sys.argv[1:]]),
        "date": time.strftime("%Y-%m-%d"),
        "commit": _git("rev-parse", "HEAD") + "+" * bool(changed),
        "versions": versions(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load before": os.getloadavg()[0],
    }


def _module() -> list[str]:
    spec = sys.modules["__main__"].__spec__
    return [spec.name.removesuffix(".__main__")] if spec else [sys.argv[0]]


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            flags = Path("/proc/cpuinfo").read_text()
            extra = [f for f in ("amx_bf16", "avx512_bf16", "avx512f", "avx2") if f in flags]
            return f"{line.split(':')[1].strip()} ({', '.join(extra)})"
    return platform.processor()


def laps() -> Callable[[], dict[str, float]]:
    """A clock that tells the seconds since it was last asked, "wall" and "cpu"."""
    clock = stopwatch()

    def lap() -> dict[str, float]:
        nonlocal clock
        (wall, cpu), clock = clock(), stopwatch()
        return {"wall": wall, "cpu": cpu}

    return lap


def save(name: str, result: dict[str, Any]) -> Path:
    """Write a result beside the others, whole or not at all."""
    path = RESULTS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(result, indent=1) + "\n")
    draft.replace(path)
    return path
