"""The tables of results, each written from what benchmarks/results holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"
UNITS = ("us a view", "seconds", "seconds a step", "MiB")

Run = dict[str, Any]


def load(name: str) -> Any:
    """A committed result, or None."""
    path = RESULTS / name
    return json.loads(path.read_text()) if path.exists() else None


def spread(values: list[float], digits: int = 1) -> str:
    """Mean ± standard deviation."""
    mean = sum(values) / len(values)
    if len(values) == 1:
        return f"{mean:.{digits}f}"
    deviation = (sum((v - mean) ** 2 for v in values) / (len(values) - 1)) ** 0.5
    return f"{mean:.{digits}f} ± {deviation:.{digits}f}"


def row(*cells: object) -> str:
    """One line of a table."""
    return f"| {' | '.join(map(str, cells))} |"


def head(*cells: str) -> list[str]:
    """The two lines that begin a table."""
    return [row(*cells), "|" + "---|" * len(cells)]


def signed(values: list[float]) -> str:
    """A gain with its sign."""
    return f"{'+' if sum(values) > 0 else ''}{spread(values)}" if values else ""


def headline() -> str:
    """The accuracy run in a sentence."""
    result = load("accuracy.json")
    if result is None:
        return "Not measured yet: `make accuracy`."
    near = spread([r["kNN"] for r in result["runs"]])
    line = spread([r["linear"]["accuracy"] for r in result["runs"]])
    return (
        "The best that ten minutes of two cores gave on Fashion-MNIST without a label "
        f"(`make accuracy`, {len(result['runs'])} seeds): **{near} % kNN, {line} % linear** on the "
        "test set; [how](docs/accuracy.md). What one minute gives, for every method:"
    )


def accuracy_table() -> str:
    """The accuracy run."""
    result = load("accuracy.json")
    if result is None:
        return "Not measured yet: `make accuracy`."
    lines = head("seed", "kNN", "linear", "steps", "minutes", "CPU minutes / 2")
    for r in result["runs"]:
        minutes = f"{r['seconds']['wall'] / 60:.1f}", f"{r['seconds']['cpu'] / 120:.1f}"
        scores = f"{r['kNN']:.2f}", f"{r['linear']['accuracy']:.2f}"
        lines.append(row(r["seed"], *scores, r["steps"], *minutes))
    lines += ["", f"`{result['command']}`, {result['processor']}, {result['cores']} cores."]
    return "\n".join(lines)


def one_output_table() -> str:
    """The five answers."""
    result = load("one-output.json")
    if result is None:
        return "Not measured yet: `python -m benchmarks.one_output`."
    lines = head("the answer is", "the true half is first, % (chance 1.6)", "CPU s / 2")
    for name in dict.fromkeys(r["answer"] for r in result["runs"]):
        own = [r for r in result["runs"] if r["answer"] == name]
        seconds = sum(r["seconds"]["cpu"] for r in own) / len(own) / 2
        lines.append(row(name, spread([r["first"] for r in own]), f"{seconds:.0f}"))
    seeds = len({r["seed"] for r in result["runs"]})
    lines += ["", f"{result['steps']:,} steps of 128, {seeds} seeds, {result['processor']}."]
    return "\n".join(lines)


def speed_table() -> str:
    """Ours against the peer, pair by pair: median of the ratio, and its range."""
    topics = load("peers.json")
    if not topics:
        return "Not measured yet: `make peers`."
    lines = head("what", "ours", "peer", "peer / ours", "CPU time, peer / ours")
    for topic, kept in topics.items():
        results = kept["results"]
        for found in results if isinstance(results, list) else [results]:
            for unit in UNITS:
                if "theirs" in found.get(unit, {}):
                    lines.append(speed_row(topic, found, unit))
    loads = [kept["load before"] for kept in topics.values()]
    busy = f"Load before: {min(loads):.1f} to {max(loads):.1f}."
    some = next(iter(topics.values()))
    parts = ["\n".join(lines), f"{some['processor']}, {some['cores']} cores. {busy}"]
    if loop := topics.get("loop", {}).get("results"):
        low, middle, high = loop["quartiles of added"]
        parts.append(
            f"The loop adds {middle:.2f} ms (quartiles {low:.2f} to {high:.2f}) to a bare one's "
            f"{loop['bare, ms a step']:.1f} ms a step."
        )
    return "\n\n".join(parts)


def speed_row(topic: str, found: dict[str, Any], unit: str) -> str:
    """One comparison."""
    pair, spent = found[unit], found.get(f"cpu {unit}", {})
    ours, theirs = (f"{significant(pair[side]['median'])} {unit}" for side in ("ours", "theirs"))
    cpu = ratio(spent) if "theirs / ours" in spent else ""
    return row(what(topic, found), ours, theirs, ratio(pair), cpu)


def ratio(pair: dict[str, Any]) -> str:
    """A ratio's median and its range."""
    middle, least, most = (
        significant(pair["theirs / ours"][k]) for k in ("median", "least", "most")
    )
    return f"**{middle}** ({least} to {most})"


def significant(x: float) -> str:
    """Three digits, and no exponent."""
    return f"{x:,.0f}" if x >= 100 else f"{x:#.3g}"


def what(topic: str, found: dict[str, Any]) -> str:
    """A row's name."""
    if topic == "nt_xent":
        return f"NT-Xent forward and backward, {found['n']:,} embeddings"
    if topic == "views":
        blurred = ", blurred" if found["blur"] else ""
        return (
            f"SimCLR view of {found['size']} pixels{blurred}, peer with {found['workers']} workers"
        )
    names = {
        "knn": "kNN, 10,000 queries among 60,000, 512 wide, against faiss flat",
        "probe": "linear probe, 60,000 x 512, against scikit-learn",
        "step": f"SimCLR step, ResNet-18, {found.get('stem')} stem, 32 pixels, batch 256",
        "loop": "a step of the loop, against a bare one",
    }
    return names.get(topic, topic)
