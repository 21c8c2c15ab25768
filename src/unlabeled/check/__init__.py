"""The conformance suite: what every method must do, as checks that anybody can run on their own.

`check("simclr")` or `check("./mine.py")` runs all of them. A method that has good reason not to
pass one says so in its class: `exempt = {"constant_encoder": "its best constant is their mean"}`.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from unlabeled.check import behaviour, declared, training
from unlabeled.check.case import Case
from unlabeled.check.ranks import share, two_processes

__all__ = ["CHECKS", "Case", "Result", "check", "examine", "outcomes", "share"]

CHECKS: dict[str, Callable[[Case], None]] = {
    function.__name__: function
    for function in (
        declared.documented,
        declared.short_and_final,
        declared.card,
        declared.spec,
        declared.labels,
        behaviour.views,
        behaviour.energies,
        behaviour.loss,
        behaviour.gradient,
        behaviour.order,
        behaviour.purity,
        behaviour.constant_encoder,
        training.descent,
        training.resume,
        training.bfloat16,
        training.compiles,
        two_processes,
        declared.export,
    )
}


@dataclass(frozen=True)
class Result:
    """What one check found.

    Attributes:
        name: The check.
        passed: Whether the method passed, or is exempt.
        message: What to mend; empty where it passed.
        seconds: How long it took.
        exempt: The method's reason not to be checked, if it has one.
        asks: What the check asks of a method, as one sentence.
    """

    name: str
    passed: bool
    message: str = ""
    seconds: float = 0.0
    exempt: str = ""
    asks: str = ""


def check(name: str) -> list[Result]:
    """Run every check on a method.

    Args:
        name: A method of the library, or the path of a file of one's own.

    Returns:
        One result a check, in the order of `CHECKS`.

    Raises:
        UsageError: Where there is no such method, or its source cannot be read.
    """
    return list(outcomes(name))


def outcomes(name: str) -> Iterator[Result]:
    """What `check` returns, each result as soon as it is known."""
    case = Case(name)
    for asked in CHECKS:
        yield examine(case, asked)


def examine(case: Case, name: str) -> Result:
    """Run one check, by its name. A method that raises has failed it."""
    asks = inspect.getdoc(CHECKS[name]) or ""
    reason = case.cls.exempt.get(name, "")
    if reason:
        return Result(name, True, exempt=reason, asks=asks)
    start, message = time.perf_counter(), ""
    try:
        CHECKS[name](case)
    except AssertionError as failure:
        message = str(failure) or "an assertion of the method's own failed"
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - start
    return Result(name, not message, message, seconds, asks=asks)
