"""The command line: each command parses, calls the Python API and prints.

Data goes to stdout, talk to stderr. Nothing here imports torch until a command needs it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

HELP = Path(__file__).with_name("help.txt")
MANNERS = 10.0  # seconds in which the first process may say what went wrong


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit code.

    0 done, 2 usage, 3 data, 4 environment, 5 diverged or collapsed, 75 stopped with a checkpoint,
    130 interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words in ([], ["--help"], ["-h"]):
        print(HELP.read_text(), end="")  # written by `make docs`, so that it answers at once
        sys.exit(0)
    sys.exit(run(words))


def run(words: list[str]) -> int:
    """Call the command that the words name; the exit code."""
    from cyclopts import CycloptsError

    from unlabeled.cli.app import build
    from unlabeled.errors import UnlabeledError

    try:
        build(words)(words, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        return complain(str(error), 2)
    except UnlabeledError as error:
        return complain(str(error), error.code)
    except KeyboardInterrupt:
        return complain("interrupted", 130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader left: nobody to tell
        return 0
    return 0


def rank() -> int:
    """Which process this is of those that `torchrun` started; 0 where it started none."""
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    return int(os.environ.get("RANK", "0")) if several else 0


def complain(message: str, code: int) -> int:
    """Say on stderr what went wrong; the exit code.

    What went wrong on all processes is said by the first, at whose end `torchrun` ends the others.
    """
    number = rank()
    if number:
        time.sleep(MANNERS)
        message = f"process {number}: {message}"
    print(f"error: {message}", file=sys.stderr)
    return code
