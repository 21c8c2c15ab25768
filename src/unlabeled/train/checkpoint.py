"""Checkpoints that survive anything: written beside, proven by a manifest, read without pickle.

A checkpoint is a folder, `step-00000123`, of safetensors and JSON. It is written under another
name, synced, sealed with a manifest of sizes and hashes, and only then renamed. So a process may
be killed at any instant: what bears the name is whole, and what is whole can be told.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from unlabeled.errors import DataError, MachineError, UsageError
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.train import contents
from unlabeled.train.disk import seal, sweep, sync, write_json
from unlabeled.train.folder import difference, told
from unlabeled.train.loop import Trainer
from unlabeled.version import __version__
from unlabeled.world import total, world

SCHEMA = 1  # of a checkpoint; raise it when its meaning changes, and say below how to read the old
MIGRATIONS: dict[int, Callable[[Parts], Parts]] = {}  # from that schema to the next

STEP = re.compile(r"step-(\d{8,})")
MANIFEST, STATE = "MANIFEST.json", "state.json"
WEIGHTS, MOMENTS = "model.safetensors", "optimizer.safetensors"
PATIENCE = 3  # saves in a row that may fail
SPARE = 1 << 20  # bytes wanted free beyond the tensors

Parts = tuple[dict[str, Any], dict[str, Tensor], dict[str, Tensor]]
"""state.json, the weights and the moments."""


# ---- writing ------------------------------------------------------------------------------


def save(folder: Path, trainer: Trainer, extra: dict[str, Any] | None = None) -> Path:
    """Write a checkpoint of the current step; all processes call it, the first one writes.

    A step of a run is one state, so a checkpoint of it that is already there, and whole, is kept.

    Args:
        folder: The checkpoints' folder; made where its parent exists.
        trainer: What is saved: every parameter, buffer and moment, and the step.
        extra: What else to find again, as JSON.

    Returns:
        The checkpoint's own folder.

    Raises:
        MachineError: Where it cannot be written; older checkpoints are as they were.
    """
    path = folder / f"step-{trainer.step:08d}"
    failure = None
    if world()[0] == 0:
        try:
            _write(path, trainer, extra or {})
        except (OSError, SafetensorError) as error:
            failure = error
    if total(torch.tensor(float(failure is not None))) > 0:
        raise MachineError(
            f"cannot save a checkpoint in {folder}: {failure or 'the first process failed'}",
            hint="make room or mend the folder; older checkpoints there are as they were",
        ) from failure
    return path


def try_save(
    folder: Path, trainer: Trainer, extra: dict[str, Any] | None = None, *, failures: int = 0
) -> int:
    """Save and prune, or warn loudly and train on; how many saves in a row failed by now.

    The arguments are those of `save`, and what the last call returned.

    Raises:
        MachineError: At the third failure in a row.
    """
    try:
        save(folder, trainer, extra)
    except MachineError as error:
        if failures + 1 >= PATIENCE:
            raise
        warnings.warn(f"NOT SAVED at step {trainer.step}: {error}", stacklevel=2)
        return failures + 1
    prune(folder)
    return 0


def _write(path: Path, trainer: Trainer, extra: dict[str, Any]) -> None:
    folder = path.parent
    folder.mkdir(exist_ok=True)
    sweep(folder)
    if not flaw(path):
        return
    files = {WEIGHTS: contents.weights(trainer.method), MOMENTS: contents.moments(trainer)}
    size = sum(x.nbytes for tensors in files.values() for x in tensors.values()) + SPARE
    free = shutil.disk_usage(folder).free
    if free < size:
        raise OSError(f"{free / 1e9:.2f} GB are free and {size / 1e9:.2f} GB are needed")
    draft = folder / f"{path.name}.tmp-{os.getpid()}"
    draft.mkdir()
    try:
        for name, tensors in files.items():
            save_file({k: x.cpu().contiguous() for k, x in tensors.items()}, draft / name)
        state = {"schema": SCHEMA, **contents.facts(trainer), "extra": extra}
        (draft / STATE).write_text(json.dumps(state, indent=1))
        seals = {name: seal(draft / name) for name in (*files, STATE)}
        (draft / MANIFEST).write_text(json.dumps({"files": seals}, indent=1))
        for name in (*files, STATE, MANIFEST, "."):
            sync(draft / name)
        if path.exists():
            shutil.rmtree(path)  # a broken one
        draft.rename(path)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    sync(folder)
    _announce(path, trainer.step)


def _announce(path: Path, step: int) -> None:
    """Say which checkpoint is the latest, for others to read; nothing here does."""
    write_json(path.parent / "latest.json", {"checkpoint": path.name, "step": step})


def prune(folder: Path, keep: int = 2) -> None:
    """Remove all checkpoints but the newest `keep`, and those that cannot be whole."""
    if world()[0] > 0:
        return
    whole = [path for path in _steps(folder) if not flaw(path, deep=False)]
    for path in _steps(folder):
        if path not in whole[:keep]:
            gone = path.with_name(f"{path.name}.tmp-{os.getpid()}")
            with contextlib.suppress(OSError):  # not worth a run
                path.rename(gone)  # at once: half a checkpoint never bears the name
                shutil.rmtree(gone)


# ---- reading ------------------------------------------------------------------------------


def newest(folder: Path) -> Path | None:
    """The newest checkpoint that is whole; warns of each newer one that is not, and why."""
    for path in _steps(folder):
        reason = flaw(path)
        if not reason:
            return path
        warnings.warn(f"the checkpoint {path} is broken and passed over: {reason}", stacklevel=2)
    return None


def flaw(path: Path, *, deep: bool = True) -> str:
    """Why a checkpoint is not whole, or "" where it is; not `deep`: by names and sizes alone."""
    try:
        seals = json.loads((path / MANIFEST).read_text())["files"]
        for name in (WEIGHTS, MOMENTS, STATE):
            size = (path / name).stat().st_size
            if size != seals[name]["size"]:
                return f"{name} has {size} bytes instead of {seals[name]['size']}"
            if deep and seal(path / name) != seals[name]:
                return f"{name} does not have the bytes that were written"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def restore(folder: Path, trainer: Trainer) -> dict[str, Any]:
    """Bring a fresh trainer to where a checkpoint was saved, bit for bit.

    Args:
        folder: A checkpoint, or a folder of them: then the newest that is whole.
        trainer: Built with the same settings; its weights are overwritten.

    Returns:
        The `extra` that was saved.

    Raises:
        DataError: Where there is no whole checkpoint, or its tensors are not the method's.
        MachineError: Where a newer version wrote it.
        UsageError: Where the settings differ; names each.
    """
    path = _whole(folder)
    state, weights, moments = _read(path)
    then = state["run"]
    usual = {f.name: f.default for f in trainer.method.hyperparameters()}
    older = {"recipe": vars(Recipe()) | then["recipe"], "settings": usual | then["settings"]}
    changes = difference(then | older, contents.identity(trainer))  # older runs had fewer fields
    if changes:
        raise UsageError(
            f"{path} is of another run:\n{told(changes)}",
            hint="go on with the settings of then, or start a new run",
        )
    contents.fill_weights(trainer.method, weights)
    contents.fill_moments(trainer, moments)
    trainer.step, trainer.skipped, trainer.failures = (
        state[name] for name in ("step", "skipped", "failures")
    )
    return state["extra"]


def read_method(folder: Path, method: Method[Any]) -> None:
    """Fill a method, heads and all, with the weights of the newest whole checkpoint.

    Raises:
        DataError: Where there is none, or its tensors are not the method's.
    """
    contents.fill_weights(method, _read(_whole(folder))[1])


def _whole(folder: Path) -> Path:
    """The folder itself where it is a checkpoint, else the newest whole one in it."""
    if STEP.fullmatch(folder.name):
        if reason := flaw(folder):
            raise DataError(f"the checkpoint {folder} is broken: {reason}", hint="take another")
        return folder
    path = newest(folder)
    if path is None:
        raise DataError(f"no whole checkpoint in {folder}")
    return path


def _read(path: Path) -> Parts:
    """The parts of a checkpoint, in this version's meaning."""
    state = json.loads((path / STATE).read_text())
    schema = state["schema"]
    if schema > SCHEMA or any(old not in MIGRATIONS for old in range(schema, SCHEMA)):
        raise MachineError(
            f"{path} has schema {schema}, written by unlabeled {state['versions']['unlabeled']}; "
            f"unlabeled {__version__} reads schema {SCHEMA}",
            hint=f"pip install unlabeled=={state['versions']['unlabeled']}",
        )
    parts = state, load_file(path / WEIGHTS), load_file(path / MOMENTS)
    for old in range(schema, SCHEMA):
        parts = MIGRATIONS[old](parts)
    return parts


def _steps(folder: Path) -> list[Path]:
    """The folder's checkpoints, whole or not, newest first."""
    found = [path for path in folder.glob("step-*") if STEP.fullmatch(path.name)]
    return sorted(found, key=lambda path: int(path.name.removeprefix("step-")), reverse=True)
