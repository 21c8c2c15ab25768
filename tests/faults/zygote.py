"""Imports everything once and forks a run for each line of JSON that it reads.

It prints the run's process id and, when it has ended, its exit code. It never trains itself: a
process that has computed gradients should not be forked.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path

import torch
from specimens import Tiny, everything

from unlabeled.encoders import Words
from unlabeled.errors import Interrupted, Stopped, UnlabeledError
from unlabeled.train import checkpoint
from unlabeled.train.folder import RunFolder
from unlabeled.train.signals import requests


class Wide(Tiny):
    """word2vec with so many words that most of a run's time goes into saving their vectors."""

    def encoder(self) -> Words:
        return Words(4_000, dim=8, size=self.shape.size)


CASE = Wide("word2vec")


def train(folder: Path, *, steps: int, every: int = 0, trap: str = "", pause: float = 0) -> None:
    """Go on from the newest checkpoint to the last step, as the library does.

    Args:
        folder: The checkpoints'.
        steps: Of the run.
        every: Save after so many steps; 0 for when asked and at the end.
        trap: "announce": die before latest.json is written. "save": take long to save.
        pause: Seconds to sleep after each step.
    """
    trainer = CASE.trainer(steps)
    if checkpoint.newest(folder):
        checkpoint.restore(folder, trainer)
    if trap == "announce":
        checkpoint._announce = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    if trap == "save":
        save_file = checkpoint.save_file
        checkpoint.save_file = lambda *given: (save_file(*given), time.sleep(30))
    with requests() as asked:
        for step in asked.watch(trainer.run()):
            (folder / "now").write_text(str(step.number))
            (folder / "now").replace(folder / "at")
            if asked.save or (every and trainer.step % every == 0):
                checkpoint.save(folder, trainer)
                checkpoint.prune(folder)
            if asked.stop:
                raise (Interrupted if asked.interrupted else Stopped)("stopped")
            time.sleep(pause)
    checkpoint.save(folder, trainer)
    torch.save(everything(trainer), folder / "end.pt")


def hold(folder: Path) -> None:
    """Hold a run's folder for ever."""
    with RunFolder.open(folder):
        (folder / "held").touch()
        time.sleep(600)


def child(task: str = "train", *, folder: str, **given) -> int:
    try:
        {"train": train, "hold": hold}[task](Path(folder), **given)
    except UnlabeledError as error:
        return error.code
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    torch.set_num_threads(1)
    CASE.trainer(1)  # imports all that a run does, once
    for line in sys.stdin:
        process = os.fork()
        if not process:
            os._exit(child(**json.loads(line)))
        print(process, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
