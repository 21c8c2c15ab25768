"""`unlabeled check ./mine.py`: the conformance suite on a method of one's own."""

from __future__ import annotations

from json import dumps
from typing import Annotated

from cyclopts import Parameter

from unlabeled.errors import UnlabeledError


class Broken(UnlabeledError):
    """A method that breaks the contract."""

    code = 1


def check(method: str, *, json: Annotated[bool, Parameter(negative=())] = False) -> None:
    """Run the conformance suite on a method.

    Parameters
    ----------
    method:
        A method's name or a file of your own.
    json:
        Print one JSON object on stdout and nothing else.
    """
    from unlabeled.check import outcomes

    results = []
    for r in outcomes(method):
        results.append(r)
        if not json:
            mark = "exempt" if r.exempt else "ok" if r.passed else "FAILED"
            print(f"{mark:<7} {r.name:<28} {r.exempt or r.message}".rstrip(), flush=True)
    if json:
        print(dumps([vars(r) for r in results], default=str))
    failed = sum(not r.passed for r in results)
    if failed:
        raise Broken(f"{failed} of {len(results)} checks failed")
