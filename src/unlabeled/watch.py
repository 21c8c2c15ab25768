"""What goes on beside training: looking at the encoder, writing metrics, speaking up."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from typing import Any

from unlabeled.diagnose import Probe, looks, nothing, verdict
from unlabeled.errors import DataError, Diverged
from unlabeled.job import Job
from unlabeled.log import Log
from unlabeled.online import OnlineKNN
from unlabeled.train.folder import RunFolder
from unlabeled.train.loop import Step

LOOKS = 50  # at the encoder during a run, evenly spread, at most, ...
STEPS, SAMPLES = 60, 12_000  # ... and one in so many steps and samples: less than 3 % of the work
EARLY = (0.005, 0.01, 0.02)  # shares of the run after which it is also looked at
NAMED = 4  # times that samples are named beside their labels, evenly spread, and at first
SHARE = 2.5e-3  # of the samples that a run trains on, so many are named each time
LINES = 1000  # of metrics.jsonl in a run, at most
GIVE_UP = 0.1  # share of the run that a collapse may last before the run is stopped


class Watch:
    """Looks at the run now and then, writes metrics.jsonl and speaks up when something is wrong.

    Args:
        ready: The run.
        place: Its folder.
        log: Where to speak.
    """

    def __init__(self, ready: Job, place: RunFolder, log: Log) -> None:
        self.trainer, self.place, self.log = ready.trainer, place, log
        self.encoder, self.online = ready.method.encoder, online(ready)
        self.probe = Probe(
            ready.method,
            ready.store,
            seed=ready.config["seed"],
            nothing=nothing(ready.method, ready.trainer.batches[0]),
        )
        written = place.metrics()
        self.history = looks(written)
        self.known = next((line["knn"] for line in reversed(written) if "knn" in line), None)
        steps = ready.trainer.steps
        self.every = max(1, steps // LINES)
        seen = steps * ready.trainer.batches.size
        count = max(5, min(LOOKS, steps // STEPS, seen // SAMPLES))
        shares = [*EARLY, *(i / count for i in range(1, count + 1))]
        self.looks = {max(1, round(share * steps)) for share in shares}
        quarters = [share * steps / NAMED for share in range(NAMED + 1)]
        self.named = {
            min({0, *self.looks}, key=lambda at: abs(at - quarter)) for quarter in quarters
        }
        self.since: int | None = None  # the step at which a collapse was first seen
        self.told: set[str] = set()  # findings by name; each is said once

    def begin(self) -> None:
        """Look at the encoder before its first step, and start the clock."""
        if self.trainer.step == 0:
            self.look(0, None)
        self.log.resume(self.trainer.step)

    def see(self, step: Step) -> None:
        """Note a step that was done.

        Raises:
            Diverged: Where a collapse has lasted for a tenth of the run.
        """
        done = step.number + 1
        if done in self.looks:
            self.look(done, step)
        elif done % self.every == 0 or step.skipped:
            self.place.log(step=step.number, **numbers(step))
        if step.skipped:
            self.log.warn(f"  step {step.number}: the gradient is not finite; nothing was changed")
        look = self.history[-1]
        self.log.progress(
            done, self.trainer.steps, step.loss, look.learned_nothing,
            batch=self.trainer.batches.size, rank=look.rankme, known=self.known,
        )  # fmt: skip

    def look(self, done: int, step: Step | None) -> None:
        """Measure the encoder without labels, keep the numbers, and judge."""
        health = self.probe(done, None if step is None else float(step.loss))
        self.history.append(health)
        said = {} if step is None else numbers(step)
        if self.online and done in self.named:
            try:
                self.known = said["knn"] = self.online(self.encoder)
            except DataError:  # a file broke since; training has its own way with that
                self.online = None
        self.place.log(step=done - 1, **said, health=asdict(health))
        found = verdict(self.history, steps=self.trainer.steps)
        name = found.words.partition(":")[0]
        if not found.ok and name not in self.told:
            self.told.add(name)
            self.log.warn(f"  step {done}: {found.words}")
        if found.level != "collapsed":
            self.since = None
        elif self.since is None:
            self.since = done
        elif done - self.since > GIVE_UP * self.trainer.steps:
            raise Diverged(found.words, hint=found.advice)


def online(ready: Job) -> OnlineKNN | None:
    """Neighbours for whoever watches, where labels lie beside the samples."""
    seen = ready.trainer.steps * ready.trainer.batches.size
    with contextlib.suppress(DataError):  # there are none
        if ready.shown:
            return OnlineKNN(ready.shown, samples=round(SHARE * seen), seed=ready.config["seed"])
    return None


def numbers(step: Step) -> dict[str, Any]:
    """A step as a line of metrics.jsonl."""
    return {
        "loss": float(step.loss),
        **({name: float(value) for name, value in step.terms.items()} if step.terms else {}),
        "lr": step.lr,
        "gradient": float(step.gradient),
        "skipped": step.skipped,
    }
