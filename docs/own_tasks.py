"""The tables of what each method is asked: its own task, its shortcuts, and what it is bad at."""

from __future__ import annotations

from typing import Any

from tables import head, load, row, signed, spread


def proofs() -> str:
    """Every claim about a method's own task, and whether it holds."""
    result = load("proofs.json")
    if result is None:
        return "Not measured yet: `python -m benchmarks.proofs`."
    lines = head("method", "claim", "measured", "wanted", "holds")
    for said in result["claims"]:
        cells = (said[key] for key in ("claim", "measured", "wanted"))
        lines.append(row(titled(said), *cells, "yes" if said["holds"] else "**no**"))
    held = sum(said["holds"] for said in result["claims"])
    steps = ", ".join(f"{run['name']} {run['steps']:,}" for run in result["runs"])
    about = (
        f"{held} of {len(result['claims'])} hold; one seed. Steps: {steps}. "
        f"{result['processor']}. `python -m benchmarks.proofs`"
    )
    return "\n".join([*lines, "", about])


def bad_cases() -> str:
    """What the methods are bad at, and how bad."""
    result = load("proofs.json")
    if result is None:
        return "Not measured yet: `python -m benchmarks.proofs`."
    lines = head("method", "bad at", "measured")
    lines += [row(titled(said), said["case"], said["measured"]) for said in result["bad"]]
    return "\n".join(lines)


def titled(said: dict[str, Any]) -> str:
    """A method, and which form of it or which data."""
    return ", ".join(part for part in (said["method"], said["of"]) if part)


def own_tasks() -> dict[str, list[str]]:
    """By method, a line on its own task, and on what it is bad at."""
    result = load("proofs.json") or {"claims": [], "bad": []}
    first: dict[str, dict[str, Any]] = {}
    for said in result["claims"]:
        first.setdefault(said["method"], said)
    steps = {run["name"]: run["steps"] for run in result.get("runs", ())}
    lines = {
        name: [
            f"Its own task, held out, after {steps.get(titled(said), steps.get(name, 0)):,} steps: "
            f"{said['claim']}: {said['measured']}, wanted {said['wanted']}"
        ]
        for name, said in first.items()
    }
    for said in result["bad"]:
        of = f" ({said['of']})" if said["of"] else ""
        lines.setdefault(said["method"], []).append(
            f"Bad at{of}: {said['case']}: {said['measured']}"
        )
    return lines


def shortcuts() -> str:
    """Puzzles solved with the shortcut closed and open, and what the features are worth."""
    result = load("shortcuts.json")
    if result is None:
        return "Not measured yet: `python -m benchmarks.shortcuts`."
    scores = ("kNN", "linear", "10 labels")
    kinds = ("its own puzzles", "closed puzzles", "open puzzles")
    lines = head("method, trained", *kinds, *scores, "gain, 10 labels")
    runs = result["runs"]
    for name, way in dict.fromkeys((run["method"], run["shortcut"]) for run in runs):
        own = [run for run in runs if (run["method"], run["shortcut"]) == (name, way)]
        asked = (way, "closed", "open")
        puzzles = [spread([run["puzzles"][kind] for run in own]) for kind in asked]
        right = {
            who: {s: [run["scores"][who][s]["accuracy"] for run in own] for s in scores}
            for who in ("encoder", "untrained")
        }
        cells = [spread(right["encoder"][s]) for s in scores]
        pairs = zip(right["encoder"]["10 labels"], right["untrained"]["10 labels"], strict=True)
        lines.append(row(f"{name}, {way}", *puzzles, *cells, signed([a - b for a, b in pairs])))
    seeds = len({run["seed"] for run in runs})
    about = (
        f"Percent; {seeds} seed{'s' * (seeds > 1)}, {result['processor']}. `{result['command']}`"
    )
    return "\n".join([*lines, "", about])


def critic() -> str:
    """What BiGAN's critic sees in images, as DCGAN used it, and how the game went."""
    result = load("critic.json")
    if result is None:
        return "Not measured yet: `python -m benchmarks.critic`."
    runs = result["runs"]
    lines = head("features", "width", "linear", "10 labels")
    for who in runs[0]["scores"]:
        own = [run["scores"][who] for run in runs]
        right = (spread([x[name]["accuracy"] for x in own]) for name in ("linear", "10 labels"))
        lines.append(row(who, f"{own[0]['width']:,}", *right))
    told, even = ([run[name] for run in runs] for name in ("told", "evenness"))
    seeds = f"{len(runs)} seed{'s' * (len(runs) > 1)}"
    lines += [
        "",
        f"Fashion-MNIST, {runs[0]['steps']:,} steps, {seeds}. The critic names "
        f"{spread([x['real'] for x in told])} % of held-out real pairs and "
        f"{spread([x['made'] for x in told])} % of made ones right. Classes of made images, named "
        f"by a linear probe of pixels: {spread([x['made'] for x in even], 2)} of the entropy that "
        f"ten equal classes have; of real ones {spread([x['real'] for x in even], 2)}. "
        f"{result['processor']}. `{result['command']}`",
    ]
    return "\n".join(lines)
