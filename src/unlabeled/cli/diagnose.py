"""`unlabeled diagnose RUN [DATA]`: did it work, without a label."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def diagnose(
    run: Path, data: str = "", *, json: Annotated[bool, Parameter(negative=())] = False
) -> None:
    """Say in plain words whether a run worked; no label is used.

    Parameters
    ----------
    run:
        The run's folder.
    data:
        Samples to look at; the run's own if none are given.
    json:
        Print one JSON object on stdout and nothing else.
    """
    import unlabeled

    found = unlabeled.load(run).diagnose(data or None)
    if json:
        print(dumps(found))
        return
    print(found["words"])
    if found["advice"]:
        print(f"\nhint: {found['advice']}")
    print()
    for name, value in found["numbers"].items():
        print(f"  {name:<28} {value:.4g}" if isinstance(value, float) else f"  {name:<28} {value}")
