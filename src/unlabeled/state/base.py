"""What a method remembers between steps."""

from __future__ import annotations

from torch import nn


class State(nn.Module):
    """A part that changes between steps and never within one.

    `loss` may read a state and hand it something to remember; only `advance`, called once after
    each optimizer step, changes what is read. So a loss is a pure function of its views, a queue
    cannot hold its own positive, and a teacher cannot be forgotten.
    """

    def advance(self, progress: float) -> None:
        """Move to the next step; `progress` is the share of training done, in [0, 1]."""
        raise NotImplementedError

    def forget(self) -> None:
        """Drop what was handed over since the last `advance`: the step is skipped."""
