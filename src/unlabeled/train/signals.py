"""Requests from outside a run: stop, stop at once, save. Handlers only set a flag.

| signal | what happens |
|---|---|
| SIGTERM | save after this step and stop |
| SIGINT (Ctrl-C) | the same; a second one stops at once and leaves the last checkpoint as it is |
| SIGUSR1 | save after this step and go on |
"""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import Any, TypeVar

import torch

from unlabeled.errors import Interrupted
from unlabeled.world import largest

T = TypeVar("T")


class Wish(IntEnum):
    """What may be asked of a run, in order of urgency."""

    NONE = 0
    SAVE = 1
    STOP = 2
    INTERRUPT = 3


class Requests:
    """What was asked of a run; all processes agree on it after each step.

    Args:
        every: Seconds after which a save is due though nobody asks; infinite for never.
    """

    def __init__(self, every: float = math.inf) -> None:
        self.every, self._saved = every, time.monotonic()
        self._heard = self._agreed = Wish.NONE

    @property
    def save(self) -> bool:
        """Whether to save now: it was asked for, is due, or the run is about to stop."""
        return self._agreed >= Wish.SAVE

    @property
    def stop(self) -> bool:
        """Whether to stop after this step."""
        return self._agreed >= Wish.STOP

    @property
    def interrupted(self) -> bool:
        """Whether it was Ctrl-C that stops the run."""
        return self._agreed == Wish.INTERRUPT

    def watch(self, steps: Iterable[T]) -> Iterator[T]:
        """Pass on steps; after each, `save` and `stop` are up to date and alike everywhere."""
        for step in steps:
            self.agree()
            yield step

    def agree(self) -> None:
        """Take up what any process heard since the last step: one small all-reduce."""
        heard = self._heard
        if heard == Wish.SAVE:
            self._heard = Wish.NONE  # done once; a stop stays
        due = time.monotonic() - self._saved >= self.every
        self._agreed = Wish(int(largest(torch.tensor(max(heard, Wish.SAVE if due else 0)))))
        if self.save:
            self._saved = time.monotonic()

    def hear(self, number: int, frame: Any = None) -> None:
        """The signal handler."""
        meaning: dict[int, Wish] = {signal.SIGTERM: Wish.STOP, signal.SIGINT: Wish.INTERRUPT}
        wish = meaning.get(number, Wish.SAVE)
        if wish == self._heard == Wish.INTERRUPT:
            raise KeyboardInterrupt
        self._heard = max(self._heard, wish)


@contextlib.contextmanager
def requests(every: float = math.inf) -> Iterator[Requests]:
    """Listen to signals while the block runs.

    `with requests(every=120) as asked:` and then `for step in asked.watch(trainer.run()):`, in
    which `asked.save` and `asked.stop` say what to do.

    Args:
        every: Seconds after which a save is due though nobody asks.

    Raises:
        Interrupted: At the second Ctrl-C, at once.
    """
    asked = Requests(every)
    names = ("SIGTERM", "SIGINT", "SIGUSR1")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        numbers = []  # only the main thread may listen
    before = {number: signal.signal(number, asked.hear) for number in numbers}
    try:
        yield asked
    except KeyboardInterrupt:
        raise Interrupted(
            "stopped at once, without saving",
            hint="the last checkpoint is as it was, and --resume goes on from it",
        ) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
