"""`unlabeled diagnose RUN [DATA]`: did it work, without a label."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def diagnose(
    run: Path,
    data: str = "",
    *,
    allow_bad: float | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Say in plain words whether a run worked; no label is used.

    Parameters
    ----------
    run:
        The run's folder.
    data:
        Samples to look at; the run's own if none are given.
    allow_bad:
        Share of files that may be unreadable; by default the run's.
    json:
        Print one JSON object on stdout and nothing else.
    """
    import unlabeled
    from unlabeled.log import Log

    done, progress = unlabeled.load(run), Log(quiet=json).decoding
    found = done.diagnose(done.data(data or None, allow_bad=allow_bad, progress=progress))
    if json:
        print(dumps(found))
        return
    print(found["words"])
    if found["advice"]:
        print(f"\nhint: {found['advice']}")
    print()
    print(f"  {'':<28} {'trained':<10} untrained")
    for name, value in found["numbers"].items():
        both = [f"{x:.4g}" for x in (value, found["untrained"].get(name)) if x is not None]
        numbers = " ".join(f"{x:<10}" for x in [*both, ""][:2])
        print(f"  {name:<28} {numbers} {found['conventions'].get(name, '')}".rstrip())
