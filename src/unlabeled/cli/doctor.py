"""`unlabeled doctor`: what this machine can do."""

from __future__ import annotations

import os
import platform
import shutil
from importlib import metadata
from json import dumps
from typing import Annotated, Any

from cyclopts import Parameter

import unlabeled


def doctor(*, json: Annotated[bool, Parameter(negative=())] = False) -> None:
    """Say what this machine has and how runs will use it.

    Parameters
    ----------
    json:
        Print one JSON object on stdout and nothing else.
    """
    found = examine()
    if json:
        print(dumps(found))
        return
    for name, value in found.items():
        print(f"{name:<18} {value}")


def examine() -> dict[str, Any]:
    """Processor, memory, device, precision and packages."""
    import torch

    from unlabeled.train.runtime import Runtime

    runtime = Runtime.detect()
    on_gpu = runtime.device != "cpu"
    gpu = torch.cuda.get_device_name() if on_gpu else "none: runs use the CPU"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "unlabeled": unlabeled.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cores": len(os.sched_getaffinity(0)),
        "memory": f"{memory:.0f} GiB",
        "free disk here": f"{shutil.disk_usage('.').free / 2**30:.0f} GiB",
        "gpu": gpu,
        "precision": f"{runtime.precision} ({_why(runtime.precision, on_gpu)})",
        "default encoder": "resnet18" if on_gpu else "convnet",
        **{f"package {name}": _version(name) for name in ("timm", "numba", "scikit-learn")},
    }


def _why(precision: str, on_gpu: bool) -> str:
    if precision == "bf16":
        return "the hardware has it"
    return (
        "this GPU has no bfloat16" if on_gpu else "no AMX or AVX-512 BF16: bfloat16 would be slow"
    )


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
