"""A run's folder: its settings, its measurements, its checkpoints, and one process at a time."""

from __future__ import annotations

import json
import math
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import torch
import torch.distributed as dist

from unlabeled.data.store import Store
from unlabeled.errors import MachineError, UsageError
from unlabeled.train.disk import beside, write_json
from unlabeled.world import total, world

try:
    import fcntl
except ImportError:  # no locks on Windows
    fcntl = None

CONFIG, METRICS, QUARANTINE, LOCK = "config.json", "metrics.jsonl", "quarantine.jsonl", "lock"


class RunFolder:
    """A run's folder, held by this process until it is closed.

    Make one with `create` or `open`. Under `torchrun` the first process holds and writes it; the
    others only know where it is.

    Attributes:
        path: Where it lies.
        checkpoints: Where its checkpoints lie.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.checkpoints = self.path / "checkpoints"
        self._first = world()[0] == 0
        self._lock: IO[str] | None = None
        self._metrics: IO[str] | None = None

    @classmethod
    def create(
        cls, path: str | Path, config: dict[str, Any], store: Store | None = None
    ) -> RunFolder:
        """A new run's folder.

        Args:
            path: Where; it may exist, but not with a run in it.
            config: Every setting, as JSON.
            store: The data, whose bad files go to quarantine.jsonl and words to vocabulary.json.

        Raises:
            UsageError: Where a run is there already, or another process holds the folder.
            MachineError: Where it cannot be written.
        """
        self = cls(path)
        self._together(lambda: self._furnish(config, store))
        return self

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """The folder of a run that goes on.

        Raises:
            UsageError: Where there is no run, or another process holds the folder.
            MachineError: Where it cannot be written.
        """
        self = cls(path)
        self.config_of(path)
        self._together(self._reopen)
        return self

    @staticmethod
    def config_of(path: str | Path) -> dict[str, Any]:
        """The settings of the run at `path`.

        Raises:
            UsageError: Where there is no run.
        """
        try:
            return json.loads((Path(path) / CONFIG).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{path} holds no run: {error}", hint="name the folder that `pretrain` wrote"
            ) from error

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folder."""
        for file in (self._metrics, self._lock):
            if file is not None:
                file.close()
        self._metrics = self._lock = None

    # ---- what is written ------------------------------------------------------------------

    def log(self, **record: Any) -> None:
        """Add a line to metrics.jsonl; it needs a `step`. What is no number is written as null."""
        if self._metrics is not None:
            self._metrics.write(json.dumps(_finite(record)) + "\n")

    def quarantine(self, file: str, reason: str) -> None:
        """Add a file that the run had to leave out."""
        if self._first:
            self._append(QUARANTINE, [{"file": file, "reason": reason}])

    def write(self, name: str, value: Any) -> None:
        """Write a value as JSON, at once."""
        if self._first:
            write_json(self.path / name, value)

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl; a last line that was cut off is left out."""
        lines = []
        for line in (self.path / METRICS).read_text(encoding="utf-8").splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                break
        return lines

    def rewind(self, step: int) -> None:
        """Drop the metrics of `step` and all later ones: they are about to be written again."""
        if self._metrics is None:
            return
        kept = [record for record in self.metrics() if record["step"] < step]
        self._metrics.close()
        with beside(self.path / METRICS) as draft:
            draft.write_text("".join(json.dumps(record) + "\n" for record in kept))
        self._begin()

    def _furnish(self, config: dict[str, Any], store: Store | None) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        self._acquire()
        if (self.path / CONFIG).exists() or any(self.checkpoints.glob("step-*")):
            raise UsageError(
                f"{self.path} holds a run already",
                hint=f"go on with it by --resume {self.path}, or choose another --out",
            )
        self.checkpoints.mkdir(exist_ok=True)
        self._begin()
        if store is not None:
            rows = [{"file": file, "reason": reason} for file, reason in store.bad]
            self._append(QUARANTINE, rows)
            if store.words:
                self.write("vocabulary.json", list(store.words))
        self.write(CONFIG, config)  # last: with it the folder holds a run

    def _reopen(self) -> None:
        self._acquire()
        self.checkpoints.mkdir(exist_ok=True)
        self._begin()

    def _begin(self) -> None:
        self._metrics = (self.path / METRICS).open("a", buffering=1, encoding="utf-8")

    def _append(self, name: str, rows: list[dict[str, str]]) -> None:
        with (self.path / name).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)

    # ---- one process at a time ------------------------------------------------------------

    def _acquire(self) -> None:
        """Lock the folder; the lock of a process that died is free, whatever the file says."""
        self._lock = (self.path / LOCK).open("a+", encoding="utf-8")
        if fcntl is not None:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._lock.seek(0)
                holder = self._lock.read().strip() or "another process"
                raise UsageError(
                    f"{self.path} is in use by {holder}",
                    hint="wait for it, stop it, or choose another --out",
                ) from None
        self._lock.truncate(0)
        self._lock.write(f"{socket.gethostname()}, process {os.getpid()}\n")
        self._lock.flush()

    def _together(self, work: Callable[[], None]) -> None:
        """Have the first process do it; all wait for it, and learn whether it could."""
        failure: Exception | None = None
        if self._first:
            try:
                work()
            except (OSError, UsageError) as error:
                self.close()
                failure = error
        failed = total(torch.tensor(float(failure is not None))) > 0
        if isinstance(failure, UsageError):
            raise failure
        if failed:
            raise MachineError(
                f"{self.path} cannot be written: {failure or 'the first process failed'}",
                hint="name a folder that can by --out",
            ) from failure


def fresh(name: str, root: str | Path = "runs") -> Path:
    """A new, empty folder `root/name`, or `name-2`, `name-3` where that is taken.

    Under `torchrun` the first process chooses, and all get its choice.

    Raises:
        MachineError: Where it cannot be made.
    """
    name = re.sub(r"[^\w.-]+", "-", name).strip(".-")[:100] or "run"
    choice: list[Path | None] = [None]
    if world()[0] == 0:
        try:
            choice = [_make(Path(root), name)]
        except OSError as error:
            raise MachineError(
                f"{root} cannot be written: {error}", hint="name a folder that can by --out"
            ) from error
    if world()[1] > 1:
        dist.broadcast_object_list(choice, device=torch.device("cpu"))
    assert choice[0] is not None
    return choice[0]


def _make(root: Path, name: str) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        path = root / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return path


def difference(old: Any, new: Any, name: str = "") -> dict[str, tuple[Any, Any]]:
    """The fields in which two settings differ: `{"recipe.lr": (0.1, 0.2)}`, None where absent."""
    if name == "":
        old, new = (json.loads(json.dumps(side, default=str)) for side in (old, new))
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return {} if old == new else {name: (old, new)}
    changes: dict[str, tuple[Any, Any]] = {}
    for key in [*old, *(key for key in new if key not in old)]:
        changes |= difference(old.get(key), new.get(key), f"{name}.{key}" if name else key)
    return changes


def told(changes: dict[str, tuple[Any, Any]]) -> str:
    """Differences as lines a person can read."""
    return "\n".join(f"  {name}: {old} then, {new} now" for name, (old, new) in changes.items())


def _finite(value: Any) -> Any:
    """JSON that any reader takes: tensors as numbers, and null for what is no number."""
    if isinstance(value, dict):
        return {key: _finite(x) for key, x in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(x) for x in value]
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
