"""A process that forks the runs to be killed, started once for all tests here."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import unlabeled

HERE = Path(__file__).parent
SPECIMENS = HERE.parent / "train"
sys.path.insert(0, str(SPECIMENS))


class Zygote:
    """Starts a run in a process of its own, in milliseconds: see `zygote.py`."""

    def __init__(self, process: subprocess.Popen) -> None:
        self.process = process
        self.running = 0

    def start(self, folder: Path, **given) -> int:
        """Start a run; its process id. One that a failed test left running is killed."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.running, signal.SIGKILL)
            self.end()
        print(json.dumps({"folder": str(folder), **given}), file=self.process.stdin, flush=True)
        self.running = int(self.process.stdout.readline())
        return self.running

    def end(self) -> int:
        """Wait for the run to end; its exit code, negative for the signal that killed it."""
        code, self.running = int(self.process.stdout.readline()), 0
        return code


@pytest.fixture(scope="session")
def zygote():
    paths = [str(Path(unlabeled.__file__).parents[1]), str(SPECIMENS)]
    process = subprocess.Popen(
        [sys.executable, HERE / "zygote.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        start_new_session=True,
    )
    with process:
        yield Zygote(process)
        os.killpg(process.pid, signal.SIGKILL)  # it, and what a failed test left running


@pytest.fixture
def until():
    """Wait for something to be true, for at most a minute."""

    def until(true):
        deadline = time.monotonic() + 60
        while not true():
            assert time.monotonic() < deadline, "it never happened"
            time.sleep(0.001)

    return until
