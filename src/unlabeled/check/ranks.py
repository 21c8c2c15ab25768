"""The check that two processes equal one: a pair of processes is started once for many methods."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from unlabeled.check.case import Case, Failed, double, need
from unlabeled.method import Method
from unlabeled.train.runtime import synchronise_norms
from unlabeled.world import total, world

PATIENCE = 300  # seconds before a pair that waits for each other is given up


def two_processes(case: Case) -> None:
    """Have on two processes, with half the batch each, the loss, gradient and state of one."""
    one = _outcome(*_given(case))
    if case.pair is None:
        share([case])
    if not isinstance(case.pair, list):
        raise Failed(f"two processes failed where one does not: {case.pair}")
    for rank, two in enumerate(case.pair):
        for name, x in one.items():
            y = two.get(name)
            same = y is not None and torch.allclose(x, y, 1e-6, 1e-8)
            need(same, f"process {rank} of two has another {name}; is a `gather` missing?")


def share(cases: Sequence[Case]) -> None:
    """Start one pair of processes for many methods; the check of each then needs none."""
    with tempfile.TemporaryDirectory() as folder:
        for i, case in enumerate(cases):
            with contextlib.suppress(Exception):  # what fails alone, the check itself will say
                method, views = _given(case)
                torch.save({"state": method.state_dict(), "views": views}, f"{folder}/{i}.given")
        words = [sys.executable, "-c", f"import {__name__} as pair; pair.work()", folder]
        paths = os.pathsep.join(path for path in sys.path if path)
        env = {"OMP_NUM_THREADS": "1"} | os.environ | {"PYTHONPATH": paths}
        if sys.platform == "linux":
            env.setdefault("GLOO_SOCKET_IFNAME", "lo")
        names = [case.name for case in cases]
        ranks = [
            subprocess.Popen(
                [*words, str(rank), *names], env=env, stderr=subprocess.PIPE, text=True
            )
            for rank in range(2)
        ]
        said = ""
        for process in ranks:
            try:
                said += process.communicate(timeout=PATIENCE)[1]
            except subprocess.TimeoutExpired:
                said += "they wait for each other"
                process.kill()
        for i, case in enumerate(cases):
            files = [Path(f"{folder}/{i}.{rank}") for rank in range(2)]
            done = all(file.exists() for file in files)
            results: list[Any] = [torch.load(file) for file in files] if done else [said[-500:]]
            failures = [result for result in results if isinstance(result, str)]
            case.pair = failures[0] if failures else results


def _given(case: Case) -> tuple[Method[Any], tuple[Tensor, ...]]:
    method = case.method().double()
    return method, double(case.views(method))


def _outcome(method: Method[Any], views: Sequence[Tensor]) -> dict[str, Tensor]:
    """All that a step makes: the loss, the gradients, and what is remembered."""
    mean = lambda x: total(x) / world()[1]  # as DDP does
    synchronise_norms(method)
    value = method(*views)[0]
    value.backward()
    method.advance(0.5)
    gradients = {
        f"gradient of {name}": mean(p.grad)
        for name, p in method.named_parameters()
        if p.grad is not None
    }
    return {"loss": mean(value.detach()), **gradients, **method.state_dict()}


def work() -> None:
    """What each of the two processes does: `folder rank names...` are its arguments."""
    folder, rank, names = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    torch.set_num_threads(1)
    meet = f"file://{folder}/meet"
    dist.init_process_group("gloo", init_method=meet, rank=rank, world_size=2)
    for i, name in enumerate(names):
        result: Any
        try:
            given = torch.load(f"{folder}/{i}.given")
            method = Case(name).build().double()
            method.load_state_dict(given["state"])
            result = _outcome(method, [view.chunk(2)[rank] for view in given["views"]])
        except Exception:
            result = traceback.format_exc(limit=-2)
        torch.save(result, f"{folder}/{i}.{rank}")
    dist.destroy_process_group()
