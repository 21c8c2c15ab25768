"""The tables of studies: what numbers say without labels, and what weights are worth to pixels."""

from __future__ import annotations

from typing import Any

from benchmarks.choosing import lead, study
from tables import head, load, row, spread

SIDES = ("under", "balanced", "over")
SEEN = {
    "kNN accuracy, percent:": ("kNN",),
    "Homogeneity / completeness of k-means with ten centres, percent:": (
        "homogeneity", "completeness",
    ),
}  # fmt: skip


def choosing() -> str:
    """How well each number without labels agrees with what labels say, from the checkpoints."""
    result = load("choosing.json")
    if result is None:
        return "Not measured yet: `python -m benchmarks.choosing`."
    lines = head(
        "number", "better", "tau, late", "late, healthy", "ends, healthy", "tau, all",
        "within a method", "regret", "tau, late, kNN", "late, healthy, kNN", "regret, kNN",
    )  # fmt: skip
    seen = result["checkpoints"]
    for found in study(seen):
        linear, near = found["linear"], found["kNN"]
        lines.append(
            row(
                found["number"], found["better"],
                bounded(linear, "late"), bounded(linear, "late, healthy"),
                f"{linear['tau, ends, healthy']:.2f}", bounded(linear),
                f"{linear['tau within a method']:.2f}", f"{linear['regret']:.1f}",
                f"{near['tau, late']:.2f}", f"{near['tau, late, healthy']:.2f}",
                f"{near['regret']:.1f}",
            )
        )  # fmt: skip
    leads = []
    for part in ("late", "late, healthy", "all"):
        more, (low, high) = lead(seen, "RankMe", "stable rank", part)
        leads.append(f"{more:+.2f} [{low:.2f}, {high:.2f}] ({part})")
    trained = sum(bool(c["step"]) for c in seen)
    accuracies = [c["linear"] for c in seen]
    lines += [
        "",
        f"RankMe's tau less the stable rank's, on the same draws: {'; '.join(leads)}.",
        "",
        f"{trained} checkpoints of {len({c['name'] for c in seen})} runs, linear accuracy "
        f"{min(accuracies):.1f} to {max(accuracies):.1f} %. `{result['command']}`, "
        f"{result['processor']}.",
    ]
    return "\n".join(lines)


def detail() -> str:
    """What frozen features keep of a patch, by system; and what its class hangs on."""
    result = load("detail.json")
    if result is None:
        return "Not measured yet: `python -m benchmarks.detail`."
    runs, told = result["runs"], result["told"]
    names = list(runs[0]["found"]["trained"])
    lines = head("R squared of", *names)
    for run in runs:
        for who, found in run["found"].items():
            about = run["system"] if who == "trained" else f"*{run['backbone']}, untrained*"
            line = row(about, *(f"{found[name]:.2f}" for name in names))
            lines += [line] * (line not in lines)
    folds = range(len(told))
    share = lambda name: spread([told[fold][name] for fold in folds])
    lines.append(row("*the class by it alone, percent*", *map(share, names)))
    about = (
        f"All four tell {share('all')} % of classes, and {share('the commonest class')} % are of "
        f"the commonest. Fold {', '.join(str(1 + fold) for fold in folds)} of five, "
        f"{result['processor']}. `{result['command']}`"
    )
    return "\n".join([*lines, "", about])


def bounded(found: dict[str, Any], part: str = "") -> str:
    """A tau and its interval."""
    low, high = found[f"interval, {part}" if part else "interval"]
    return f"{found[f'tau, {part}' if part else 'tau']:.2f} [{low:.2f}, {high:.2f}]"


def over_under() -> str:
    """The sweep as labels see it, and how often each rule says the same."""
    result = load("over_under.json")
    if result is None:
        return "Not measured yet: `python -m benchmarks.over_under`."
    runs, study = result["runs"], result["study"]
    seeds = len({run["seed"] for run in runs})
    seconds = [sum(part["wall"] for part in run["seconds"].values()) for run in runs]
    about = (
        f"{len(runs)} runs of {runs[0]['steps']} steps, {seeds} seeds, {min(seconds):.0f} to "
        f"{max(seconds):.0f} s a run, {result['processor']}; ± is the standard deviation over "
        "seeds."
    )
    tables = [grid(runs, title, *scores) for title, scores in SEEN.items()]
    return "\n\n".join([*tables, verdicts(study), f"{about} `{result['command']}`"])


def grid(runs: list[dict[str, Any]], title: str, *scores: str) -> str:
    """Scores by negatives and temperature: each mean ± deviation over seeds."""
    warm = sorted({run["temperature"] for run in runs})
    lines = head("negatives", *(f"temperature {t:g}" for t in warm))
    for k in sorted({run["negatives"] for run in runs}):
        cells = [[r for r in runs if (r["negatives"], r["temperature"]) == (k, t)] for t in warm]
        said = [[spread([r[name] for r in own]) for name in scores if own] for own in cells]
        lines.append(row(k, *(" / ".join(own) for own in said)))
    return "\n".join([title, "", *lines])


def verdicts(study: list[dict[str, Any]]) -> str:
    """Each rule's agreement with labels, best first; in brackets how often it says the opposite."""
    kinds = list(dict.fromkeys((r["knob"], r["judge"]) for r in study))
    if not kinds:
        return "Too few runs for a study yet."
    found = {(r["rule"], r["knob"], r["judge"]): r for r in study}
    rules = list(dict.fromkeys(r["rule"] for r in study))
    rules.sort(key=lambda rule: -sum(found[rule, *kind]["right"] for kind in kinds))
    lines = head("says the side", *(f"{knob}, by {judge}" for knob, judge in kinds))
    for rule in rules:
        own = [found[rule, *kind] for kind in kinds]
        lines.append(row(rule, *(f"{r['right']:.0f} ({r['opposite']:.0f})" for r in own)))
    some = [found[rules[0], *kind] for kind in kinds]
    sides = [", ".join(f"{r[side]} {side}" for side in SIDES) for r in some]
    lines.append(row("*runs, as labels say*", *sides))
    return "\n".join(["Percent right (percent opposite), by sweep of and judged by:", "", *lines])


def segmentation() -> str:
    """What weights are worth where every pixel wants a class, by head and labelled canvases."""
    result = load("segmentation.json")
    if result is None:
        return "Not measured yet: `python -m benchmarks.segmentation`."
    runs, gains = result["runs"], {(r["weights"], r["column"]): r for r in result["study"]}
    columns = [name.split(", ") for name in runs[0]["scores"]]
    kinds, counts = (list(dict.fromkeys(part)) for part in zip(*columns, strict=True))
    judged = {name for name, _ in gains}
    names = sorted(dict.fromkeys(run["weights"] for run in runs), key=judged.__contains__)
    lines = head("head", "weights", "seeds", *(f"{count.split()[0]} canvases" for count in counts))
    for kind in kinds:
        for name in names:
            own, cells = [run for run in runs if run["weights"] == name], []
            for column in (f"{kind}, {count}" for count in counts):
                draws = [x for run in own for x in run["scores"][column]["draws"]]
                gain = gains.get((name, column))
                cells.append(f"{sum(draws) / len(draws):.1f}{gained(gain) if gain else ''}")
            lines.append(row(kind, name, len(own), *cells))
    spent = [run["seconds"] for run in runs if "seconds" in run]
    each = [f"{sum(s[k]['cpu'] for s in spent) / len(spent):.0f}" for k in spent[0]]
    about = (
        f"CPU seconds a run: {each[0]} of pretraining, {each[1]} of evaluation. Protocol "
        f"{result['protocol']}, {result['processor']}. `{result['command']}`"
    )
    return "\n".join([*lines, "", about])


def gained(row: dict[str, Any]) -> str:
    """A gain with its interval; bold where the interval leaves out 0."""
    if row["interval"] is None:
        return f" ({row['mean']:+.1f})"
    low, high = row["interval"]
    mark = "**" if low * high > 0 else ""
    return f" ({mark}{row['mean']:+.1f}{mark}, {low:.1f} to {high:.1f})"


def anomalies() -> str:
    """By method and class left out, how well energies and distances find it; then the baselines."""
    result = load("anomalies.json")
    if result is None:
        return "Not measured yet: `python -m benchmarks.anomalies`."
    runs = result["runs"]
    names = list(dict.fromkeys(run["name"] for run in runs))
    lines = head("energy / distance", *names, "mean", "reliability")
    for method in dict.fromkeys(run["method"] for run in runs):
        own = [run for run in runs if run["method"] == method]
        steady = f"{min(run['reliability'] for run in own):.2f}"
        lines.append(row(method, *found(own, names, "energy", "distance"), steady))
    for backbone in dict.fromkeys(run["backbone"] for run in runs):
        own = [run for run in runs if run["backbone"] == backbone]
        lines.append(row(f"*{backbone}, untrained*", *found(own, names, "untrained"), ""))
    lines.append(row("*raw pixels*", *found(runs, names, "pixels"), ""))
    one = runs[0]
    about = (
        f"{one['steps']} steps, {one['scored']:,} test images, the nearest of {one['bank']:,}; "
        f"the reliability is the lowest of its row. {len(runs)} runs, {result['processor']}."
    )
    return "\n".join([*lines, "", f"{about} `{result['command']}`"])


def found(runs: list[dict[str, Any]], names: list[str], *scores: str) -> list[str]:
    """A cell of scores for each class left out, and their mean where no class is missing."""
    by_class = {run["name"]: [run[score] for score in scores] for run in runs}
    means = [sum(own) / len(names) for own in zip(*by_class.values(), strict=True)]
    cells = [by_class.get(name, []) for name in names]
    return [
        " / ".join(["–"] * (len(scores) < 2) + [f"{x:.1f}" for x in own])
        for own in [*cells, means if all(cells) else []]
    ]
