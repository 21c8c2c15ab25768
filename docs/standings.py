"""What the league found, from its runs: who stands where, and what training added."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache

from tables import RESULTS, Run, load, signed, spread

from unlabeled.evaluate.judge import APART, digest

TITLES = {
    "fashion-mnist": "Fashion-MNIST",
    "rows": "Fashion-MNIST, row by row, as series",
    "sprites": "Sprites",
    "photographs": "Patches of photographs",
    "20-newsgroups": "20 Newsgroups",
}
LAYER = "best layer"


@cache
def runs_on(data: str) -> list[Run]:
    """The league's runs on one kind of data, by system and seed."""
    folder = RESULTS / "systems" / data
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


def score(run: Run, name: str, who: str = "encoder") -> float:
    """One accuracy of a run, in percent."""
    return run["evaluation"]["scores"][who][name]["accuracy"]


def best_layer(run: Run, who: str = "encoder") -> tuple[str, float] | None:
    """The layer that the labels held out of train would choose, and its test accuracy."""
    layers = run["evaluation"].get("layers", {}).get(who)
    if not layers:
        return None
    name = max(layers, key=lambda layer: layers[layer]["linear"]["held"])
    return name, layers[name]["linear"]["accuracy"]


def cell(runs: list[Run], name: str, who: str = "encoder") -> str:
    """A column of a row, mean ± deviation over those of its runs that have it."""
    if name != LAYER:
        asked = [r for r in runs if name in r["evaluation"]["scores"][who]]
        return spread([score(r, name, who) for r in asked]) if asked else ""
    found = [best for r in runs if (best := best_layer(r, who))]
    where = "/".join(dict.fromkeys(name for name, _ in found))
    return f"{spread([right for _, right in found])} ({where})" if found else ""


def untrained(runs: list[Run]) -> dict[tuple[str, int], Run]:
    """The run that scored the untrained network of each backbone and seed."""
    known = [r for r in runs if "untrained" in r["evaluation"]["scores"]]
    known.sort(key=lambda r: "untrained" in r["evaluation"].get("layers", ()))  # these come to stay
    return {(r["backbone"], r["seed"]): r for r in known}


def gains(runs: list[Run], twins: dict[tuple[str, int], Run], name: str) -> list[float]:
    """How much better than the same network untrained, seed by seed."""
    pairs = [(r, twins.get((r["backbone"], r["seed"]))) for r in runs]
    if name == LAYER:
        both = [(best_layer(r), best_layer(twin, "untrained")) for r, twin in pairs if twin]
        return [ours[1] - theirs[1] for ours, theirs in both if ours and theirs]
    return [score(r, name) - score(twin, name, "untrained") for r, twin in pairs if twin]


def about(runs: list[Run]) -> str:
    """What a table rests on."""
    settings = runs[0]["evaluation"]["settings"]
    several = len({r["seed"] for r in runs}) > 1
    seeds = "± is the standard deviation over seeds." if several else "One seed."
    machines = " and ".join(sorted({r["processor"] for r in runs}))
    return (
        f"{settings['train']:,} labelled training samples, {settings['test']:,} test samples, "
        f"{settings['classes']} classes. {machines}. {seeds} "
        f"{protocols(runs)}"
    )


def protocols(runs: list[Run]) -> str:
    """By what protocol runs were judged, in how many seconds each; and how several differ."""
    judged = [run["evaluation"] for run in runs if "protocol" in run["evaluation"]]
    if not judged:
        return ""
    found = Counter(digest(e["settings"]) for e in judged).most_common()
    named = f"Protocol {found[0][0]}"
    if len(found) > 1:
        first = judged[0]["settings"]
        keys = dict.fromkeys(
            k
            for e in judged
            for k in {**first, **e["settings"]}
            if k not in APART and first.get(k) != e["settings"].get(k)
        )
        each = ", ".join(f"{name} ({n} runs)" for name, n in found)
        named = f"Protocols {each}, which differ in their {', '.join(keys)}"
    seconds = [run["seconds"]["evaluation"]["wall"] for run in runs]
    return f"{named}; {min(seconds):,.0f} to {max(seconds):,.0f} s to judge a run."


def by_system(runs: list[Run]) -> dict[str, list[Run]]:
    """The runs of each system: those of the planned steps, or where there are none the others."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(run["system"], []).append(run)
    return {name: [r for r in own if not earlier(r)] or own for name, own in found.items()}


def earlier(run: Run) -> str:
    """A mark where a run took another number of steps than are planned."""
    return "" if run["steps"] == planned().get(run.get("data"), {}).get(run["system"]) else "*"


@cache
def planned() -> dict[str, dict[str, int]]:
    """How many steps each system takes on each kind of data."""
    return (load("steps.json") or {"steps": {}})["steps"]


def measured() -> dict[str, list[str]]:
    """What the league found of each method, best gain first, and where it gained least."""
    found: dict[str, list[tuple[float, str]]] = {}
    least: dict[str, tuple[float, str]] = {}
    for data, title in TITLES.items():
        runs = runs_on(data)
        twins = untrained(runs)
        for system, own in by_system(runs).items():
            method, more = own[0]["pretrain"].split()[2], gains(own, twins, "10 labels")
            pace = sum(r["seconds"]["pretraining"]["wall"] / r["steps"] for r in own) / len(own)
            called = title if system == method else f"{title}, {system}"
            line = (
                f"{called}: 10 labels {cell(own, '10 labels')} "
                f"({signed(more)}), kNN {cell(own, 'kNN')} "
                f"({signed(gains(own, twins, 'kNN'))}), with {own[0]['backbone']}; "
                f"{own[0]['steps']:,} steps of {1000 * pace:.0f} ms"
            )
            found.setdefault(method, []).append((-sum(more) / max(1, len(more)), line))
            for name in ("kNN", "10 labels", LAYER):
                if more := gains(own, twins, name):
                    low = sum(more) / len(more), f"{called}, {name}: {signed(more)}"
                    least[method] = min(low, least.get(method, low))
    lines = {name: [line for _, line in sorted(lines)] for name, lines in found.items()}
    return {name: [*own, f"Gained least on {least[name][1]}"] for name, own in lines.items()}
