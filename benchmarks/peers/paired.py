"""Ask two sides the same thing in turn, A B A B, and say by how much they differ."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.common import RESULTS, provenance, save

ROOT = Path(__file__).parents[2]
PEERS = ROOT / "benchmarks" / ".venv-peers" / "bin" / "python"


class Side:
    """A process that does what it is asked and says how long it took."""

    def __init__(self, module: str, python: str) -> None:
        self.module = module
        self._process = subprocess.Popen(
            [python, "-m", f"benchmarks.peers.{module}"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, task: str, **settings: Any) -> dict[str, float]:
        """Its answer: numbers by name, the smaller the better."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"task": task, **settings}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit(f"the side `{self.module}` ended; see above")
        return json.loads(answer)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@contextlib.contextmanager
def sides() -> Iterator[tuple[Side, Side]]:
    """Our side and theirs."""
    python = os.environ.get("PEERS_PYTHON", str(PEERS))
    if not Path(python).exists():
        raise SystemExit(f"{python} does not exist; benchmarks/peers/all.sh makes it")
    ours, theirs = Side("ours", sys.executable), Side("theirs", python)
    try:
        yield ours, theirs
    finally:
        ours.close()
        theirs.close()


def compare(
    ours: Side,
    theirs: Side,
    task: str,
    rounds: int,
    *,
    more: dict[str, Any] | None = None,
    **both: Any,
) -> dict[str, Any]:
    """Do a task on both sides in turn, after once each unmeasured.

    Args:
        ours: Our side.
        theirs: The other.
        task: What to do.
        rounds: How often.
        more: Settings for their side alone.
        **both: Settings for both.

    Returns:
        For each number of the answers: both sides' median, least and most, and how many times
        theirs is ours, pair by pair.
    """
    ours.ask(task, **both), theirs.ask(task, **both, **(more or {}))
    pairs = [
        (ours.ask(task, **both), theirs.ask(task, **both, **(more or {}))) for _ in range(rounds)
    ]
    result: dict[str, Any] = {"task": task, **both, **(more or {}), "rounds": rounds}
    for name in pairs[0][0]:
        us, them = [a[name] for a, _ in pairs], [b[name] for _, b in pairs]
        result[name] = {"ours": spread(us), "theirs": spread(them)}
        if min(us) > 0:
            times = [t / u for u, t in zip(us, them, strict=True)]
            result[name]["theirs / ours"] = spread(times)
    tell(result)
    return result


def spread(values: list[float]) -> dict[str, float]:
    """Median, least and most."""
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def tell(result: dict[str, Any]) -> None:
    """One line a number."""
    about = {k: v for k, v in result.items() if not isinstance(v, dict) and k != "rounds"}
    for name, found in result.items():
        if isinstance(found, dict):
            shown = {k: f"{v['median']:.4g}" for k, v in found.items()}
            print(*about.values(), name, shown, flush=True)


def keep(topic: str, found: Any) -> None:
    """Put a topic's results, with where they come from, beside the others in peers.json."""
    path = RESULTS / "peers.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    about = {"load after": os.getloadavg()[0], "threads": os.environ.get("OMP_NUM_THREADS", "all")}
    known[topic] = {**provenance(), **about, "results": found}
    save("peers.json", known)
