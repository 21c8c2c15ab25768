"""Kill it at any instant: at most the steps since the last save are lost, and not one bit more."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import time

import torch
from specimens import differing

from unlabeled.train import checkpoint

KILLS, STEPS = 15, 60


def test_a_run_killed_at_random_moments_ends_as_if_nothing_had_happened(zygote, tmp_path, until):
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    for folder in (straight, killed):
        folder.mkdir()
    zygote.start(straight, steps=STEPS)
    assert zygote.end() == 0

    chance, torn, reached = random.Random(0), 0, 0
    for _ in range(KILLS):
        (killed / "at").unlink(missing_ok=True)
        process = zygote.start(killed, steps=STEPS, every=1)
        until((killed / "at").exists)
        time.sleep(chance.uniform(0, 0.1))
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        if zygote.end() == 0:
            break  # a fast machine
        torn += any(killed.glob("*.tmp-*"))
        whole = checkpoint.newest(killed)  # would warn, and so fail, if a torn one bore the name
        step = int(whole.name.removeprefix("step-")) if whole else 0
        assert step >= reached  # what was saved once is never lost
        reached = step
    assert torn > 0, "no kill struck while a checkpoint was written: the test tests nothing"
    assert reached > 0

    zygote.start(killed, steps=STEPS)
    assert zygote.end() == 0
    assert not differing(torch.load(straight / "end.pt"), torch.load(killed / "end.pt"))
    assert not list(killed.glob("*.tmp-*"))  # what the kills left behind is gone


def test_a_kill_between_the_rename_and_latest_json_loses_nothing(zygote, tmp_path):
    zygote.start(tmp_path, steps=9, every=3, trap="announce")
    assert zygote.end() == -signal.SIGKILL
    assert not (tmp_path / "latest.json").exists()
    assert checkpoint.newest(tmp_path) == tmp_path / "step-00000003"

    zygote.start(tmp_path, steps=9, every=3)
    assert zygote.end() == 0
    assert json.loads((tmp_path / "latest.json").read_text())["step"] == 9
