"""Errors that say what, where, why, and what to type next; each has its exit code."""

from __future__ import annotations


class UnlabeledError(Exception):
    """An error that the user can mend.

    Attributes:
        code: The exit code of the command line.
        hint: What to type next, if anything.
    """

    code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}\n\nhint: {self.hint}" if self.hint else message


class UsageError(UnlabeledError, ValueError):
    """A name or a value that means nothing."""

    code = 2


class DataError(UnlabeledError):
    """Data that is missing, broken or too little."""

    code = 3


class MachineError(UnlabeledError):
    """A machine, a disk or a package that does not do what is needed."""

    code = 4


class Diverged(UnlabeledError):
    """A run whose loss is no longer a number, or whose encoder collapsed."""

    code = 5


class Stopped(UnlabeledError):
    """A run that was asked to stop and left a checkpoint."""

    code = 75


class Interrupted(UnlabeledError):
    """A run that Ctrl-C stopped; its checkpoint is saved."""

    code = 130
