"""What a run says while it works: to stderr, plain where there is no terminal."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.markup import escape

from unlabeled.world import world

BRIEF = 2.0  # seconds that may pass in silence
WIDE = 70  # letters of a line that is written over


class Log:
    """Talks to the person at the terminal; silent on all processes but the first.

    Args:
        quiet: Say nothing but warnings.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.quiet, self.first = quiet, world()[0] == 0
        self._next, self._began, self._begun_at = 0.0, time.monotonic(), 0

    def say(self, text: str, style: str = "") -> None:
        """A line, unless quiet."""
        if self.first and not self.quiet:
            self.console.print(escape(text), style=style, soft_wrap=True)

    def warn(self, text: str) -> None:
        """A line that is said even when quiet."""
        if self.first:
            self.console.print(escape(text), style="bold red", soft_wrap=True)

    def start(self, config: dict[str, Any], folder: str) -> None:
        """What is about to happen, and what was chosen on the user's behalf."""
        data, recipe = config["data"], config["recipe"]
        self.say(f"{config['method']} on {data['source']}: {data['samples']:,} samples", "bold")
        parameters = config["encoder"]["parameters"]
        self.say(
            f"  encoder {config['backbone']} ({parameters:,} parameters, "
            f"{config['encoder']['dim']} wide), {config['device']} {config['precision']}"
        )
        self.say(
            f"  {config['steps']:,} steps of {recipe['batch']} = {config['epochs']:.3g} epochs, "
            f"{recipe['optimizer']} lr {recipe['lr']:.3g}, seed {config['seed']}"
        )
        for rule in [*config["rules"], *data["notes"], *config["encoder"]["notes"]]:
            self.say(f"  - {rule}", "dim")
        if data["bad"]:
            self.warn(f"  {data['bad']} file(s) left out; reasons in {folder}/quarantine.jsonl")

    def decoding(self, done: int, of: int) -> None:
        """How far pictures are decoded, where that takes more than two seconds."""
        now = time.monotonic()
        if done == 1:
            self._began, self._next = now, now + BRIEF
        spoke = self._next > self._began + BRIEF
        if now < self._next and not (spoke and done == of):
            return
        elapsed, live = now - self._began, self.console.is_terminal
        self._next = now + (1.0 if live else max(10.0, elapsed / 8))
        left = (
            f"{minutes(elapsed / max(1, done - 1) * (of - done))} left"
            if done < of
            else minutes(elapsed)
        )
        self._line(f"  decoded {done:,} of {of:,} pictures, {left}", live and done < of)

    def resume(self, step: int) -> None:
        """Start the clock at `step`."""
        self._began, self._begun_at = time.monotonic(), step

    def progress(
        self,
        step: int,
        steps: int,
        loss: Any,
        chance: float | None,
        *,
        batch: int,
        rank: float,
        known: float | None,
    ) -> None:
        """A line now and then: often on a terminal, where it is written over, else each tenth.

        Args:
            step: Steps done.
            steps: Of so many.
            loss: The last one.
            chance: That of a constant encoder, or None where unknown.
            batch: Samples a step.
            rank: RankMe at the last look.
            known: kNN with labels at the last look that asked, in percent; None without labels.
        """
        now = time.monotonic()
        if now < self._next and step < steps:
            return
        live = self.console.is_terminal
        elapsed = now - self._began
        self._next = now + (1.0 if live else max(5.0, elapsed / 8))
        done = step - self._begun_at
        left = elapsed / max(1, done) * (steps - step)
        nothing = "" if chance is None else f" (learned nothing: {chance:.3f})"
        named = [] if known is None else [f"kNN {known:.1f}%"]
        line = [
            f"  {step:,}/{steps:,}",
            f"{minutes(left)} left",
            f"loss {float(loss):.3f}{nothing}",
            *named,
            f"RankMe {rank:.0f}",
            f"{batch * done / max(elapsed, 1e-9):,.0f} samples/s",
        ]
        while live and len("  ".join(line)) >= self.console.width:
            line.pop()  # what would not fit in a line could not be written over
        self._line("  ".join(line), live and step < steps)

    def _line(self, text: str, passing: bool) -> None:
        """A line; a passing one is written over by the next."""
        if self.console.is_terminal:
            text = text.ljust(WIDE)  # to the end of what stood there
        if not passing:
            self.say(text)
        elif self.first and not self.quiet:
            self.console.print(escape(text), end="\r", soft_wrap=True)


def minutes(seconds: float) -> str:
    """Seconds as a person says them: 42 s, 3 min, 1 h 20 min."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds // 3600:.0f} h {seconds % 3600 / 60:.0f} min"
