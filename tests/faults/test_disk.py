"""Broken checkpoints, full disks, folders that are taken, read-only or gone."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from specimens import Tiny, differing, everything, flip, go

from unlabeled.errors import DataError, MachineError, UsageError
from unlabeled.train import checkpoint
from unlabeled.train.folder import RunFolder

CASE = Tiny("rotation")


@pytest.fixture
def two(tmp_path):
    """A folder with checkpoints of steps 1 and 2, and the state at step 1."""
    trainer = CASE.trainer(4)
    go(trainer, 1)
    checkpoint.save(tmp_path, trainer, {"at": 1})
    state = everything(trainer)
    go(trainer, 2)
    checkpoint.save(tmp_path, trainer, {"at": 2})
    return tmp_path, state


def truncate(path):
    with (path / "model.safetensors").open("r+b") as file:
        file.truncate(file.seek(0, 2) - 1)


BREAK = {
    "a truncated file": truncate,
    "a flipped bit in the weights": lambda path: flip(path / "model.safetensors", -5),
    "a flipped bit in the moments": lambda path: flip(path / "optimizer.safetensors", -5),
    "a flipped bit in the state": lambda path: flip(path / "state.json", -3),
    "a flipped bit in the manifest": lambda path: flip(path / "MANIFEST.json", 3),
    "a missing manifest": lambda path: (path / "MANIFEST.json").unlink(),
    "a missing file": lambda path: (path / "optimizer.safetensors").unlink(),
    "an empty manifest": lambda path: (path / "MANIFEST.json").write_text(""),
    "a manifest of another kind": lambda path: (path / "MANIFEST.json").write_text("[1]"),
}


@pytest.mark.parametrize("what", BREAK)
def test_a_broken_checkpoint_is_named_and_the_one_before_is_used(two, what):
    folder, state = two
    BREAK[what](folder / "step-00000002")
    other = CASE.trainer(4, seed=1)
    with pytest.warns(UserWarning, match="step-00000002 is broken and passed over"):
        assert checkpoint.restore(folder, other) == {"at": 1}
    assert not differing(state, everything(other))
    with pytest.raises(DataError, match="is broken"):
        checkpoint.restore(folder / "step-00000002", CASE.trainer(4))


def test_a_broken_checkpoint_is_replaced_when_its_step_comes_again(two):
    folder, _ = two
    flip(folder / "step-00000002" / "model.safetensors", -5)
    trainer = CASE.trainer(4)
    with pytest.warns(UserWarning, match="passed over"):
        checkpoint.restore(folder, trainer)
    go(trainer, 2)
    checkpoint.save(folder, trainer, {"at": "again"})
    assert checkpoint.restore(folder, CASE.trainer(4)) == {"at": "again"}


@contextmanager
def largest_file(size):
    """No file of this process may grow beyond `size` bytes: a full disk for those that try."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_the_old_checkpoint_and_training_goes_on_but_not_for_ever(two):
    folder, _ = two
    trainer, failures = CASE.trainer(9), 0
    shutil.rmtree(folder / "step-00000002")
    go(trainer, 2)
    with largest_file(4096):
        for failed in (1, 2):
            with pytest.warns(UserWarning, match=r"NOT SAVED at step \d: cannot save"):
                failures = checkpoint.try_save(folder, trainer, failures=failures)
            assert failures == failed
            go(trainer, trainer.step + 1)
        with pytest.raises(MachineError, match="cannot save") as caught:
            checkpoint.try_save(folder, trainer, failures=failures)
    assert caught.value.code == 4
    assert [path.name for path in folder.glob("step-*")] == ["step-00000001"]
    assert checkpoint.newest(folder) == folder / "step-00000001"
    assert checkpoint.try_save(folder, trainer, failures=2) == 0  # there is room again


def test_room_is_looked_for_before_anything_is_written(two, monkeypatch):
    folder, _ = two
    trainer = CASE.trainer(4)
    usage = shutil._ntuple_diskusage(10**9, 10**9 - 1000, 1000)
    monkeypatch.setattr(checkpoint.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(MachineError, match=r"0\.00 GB are free"):
        checkpoint.save(folder, trainer)


def test_what_dead_processes_left_is_swept_and_what_the_living_write_is_not(two, zygote):
    folder, _ = two
    dead = folder / "step-00000003.tmp-4194303"  # above the largest process id
    alive = folder / f"step-00000003.tmp-{zygote.process.pid}"
    for draft in (dead, alive):
        draft.mkdir()
        (draft / "model.safetensors").touch()
    (folder / "latest.tmp-4194303.json").touch()
    checkpoint.save(folder, CASE.trainer(4))
    assert alive.exists()
    assert [path.name for path in folder.glob("*.tmp-*")] == [alive.name]


def test_a_second_process_is_told_who_has_the_folder_and_a_dead_one_has_it_no_more(
    zygote, tmp_path, until
):
    folder = tmp_path / "run"
    RunFolder.create(folder, {}).close()
    process = zygote.start(folder, task="hold")
    until((folder / "held").exists)
    with pytest.raises(
        UsageError, match=rf"in use by {os.uname().nodename}, process {process}\b"
    ) as e:
        RunFolder.open(folder)
    assert e.value.code == 2
    with pytest.raises(UsageError, match="in use by"):
        RunFolder.create(folder, {})
    os.kill(process, signal.SIGKILL)
    zygote.end()
    with RunFolder.open(folder) as place:
        assert f"process {os.getpid()}" in (place.path / "lock").read_text()
    RunFolder.open(folder).close()


@contextmanager
def somebody_else(folder):
    """root may write anywhere: be nobody for a while, who may only read `folder`."""
    inside = [folder, *(p for p in folder.parents if Path(tempfile.gettempdir()) in p.parents)]
    modes = [path.stat().st_mode for path in inside]
    for path in inside:
        path.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        for path, mode in zip(inside, modes, strict=True):
            path.chmod(mode)


def test_a_folder_that_cannot_be_written_fails_before_the_first_step(tmp_path):
    (tmp_path / "a file").touch()
    with somebody_else(tmp_path):
        for path in (tmp_path / "run", tmp_path / "a file" / "run"):
            with pytest.raises(MachineError, match="cannot be written") as caught:
                RunFolder.create(path, {})
            assert caught.value.code == 4


def test_a_run_made_read_only_does_not_go_on(tmp_path):
    folder = tmp_path / "run"
    RunFolder.create(folder, {}).close()
    (folder / "lock").chmod(0o444)
    with somebody_else(folder), pytest.raises(MachineError, match="cannot be written"):
        RunFolder.open(folder)


def test_a_folder_that_vanishes_is_no_silent_success(tmp_path):
    place = RunFolder.create(tmp_path / "run", {})
    shutil.rmtree(place.path)
    with pytest.raises(MachineError, match="cannot save"):
        checkpoint.save(place.checkpoints, CASE.trainer(4))
    assert not place.path.exists()
    place.close()
    with pytest.raises(UsageError, match="holds no run"):
        RunFolder.open(place.path)
