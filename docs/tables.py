"""The tables of results, each written from what benchmarks/results holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from unlabeled import catalog

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"
TITLES = {
    "fashion-mnist": "Fashion-MNIST",
    "rows": "Fashion-MNIST, row by row, as series",
    "sprites": "Sprites",
    "photographs": "Patches of photographs",
}
HEADLINES = ("kNN", "linear", "10 labels")
UNITS = ("us a view", "seconds", "seconds a step", "MiB")

Run = dict[str, Any]


def load(name: str) -> Any:
    """A committed result, or None."""
    path = RESULTS / name
    return json.loads(path.read_text()) if path.exists() else None


def league_runs(data: str) -> list[Run]:
    """The league's runs on one kind of data, by system and seed."""
    folder = RESULTS / "systems" / data
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


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


def score(run: Run, name: str, who: str = "encoder") -> float:
    """One accuracy of a run, in percent."""
    return run["evaluation"]["scores"][who][name]["accuracy"]


def best_layer(run: Run) -> tuple[str, float] | None:
    """The layer that the labels held out of train would choose, and its test accuracy."""
    layers = run["evaluation"].get("layers")
    if not layers:
        return None
    name = max(layers, key=lambda layer: layers[layer]["linear"]["held"])
    return name, layers[name]["linear"]["accuracy"]


def untrained(runs: list[Run]) -> dict[tuple[str, int], Run]:
    """The run that scored the untrained network of each backbone and seed."""
    return {(r["backbone"], r["seed"]): r for r in runs if "untrained" in r["evaluation"]["scores"]}


def gains(runs: list[Run], twins: dict[tuple[str, int], Run], name: str) -> list[float]:
    """How much better than the same network untrained, seed by seed."""
    pairs = [(r, twins.get((r["backbone"], r["seed"]))) for r in runs]
    return [score(r, name) - score(twin, name, "untrained") for r, twin in pairs if twin]


def signed(values: list[float]) -> str:
    """A gain with its sign."""
    return f"{'+' if sum(values) > 0 else ''}{spread(values)}" if values else ""


def league_short() -> str:
    """The README's table: every system on Fashion-MNIST, and what training added."""
    runs = [*league_runs("fashion-mnist"), *league_runs("rows")]
    words = word_table(league_runs("wordnet"))
    if not runs:
        return "Not measured yet: `make league`."
    twins = untrained(runs)
    lines = head("", *HEADLINES, "gain, kNN", "gain, 10 labels", "seeds")
    for system in dict.fromkeys(r["system"] for r in runs):
        own = [r for r in runs if r["system"] == system]
        cells = [spread([score(r, name) for r in own]) for name in HEADLINES]
        more = [signed(gains(own, twins, name)) for name in ("kNN", "10 labels")]
        lines.append(row(system, *cells, *more, len(own)))
    lines += baselines(runs, HEADLINES, 3)
    done = {r["system"] for r in runs} | {"word2vec" for _ in league_runs("wordnet")}
    missing = [name for name in catalog.cards() if name not in done]
    left = f"Not measured here yet: {', '.join(missing)}." if missing else ""
    behind = [
        system
        for system in dict.fromkeys(r["system"] for r in runs)
        if sum(gains([r for r in runs if r["system"] == system], twins, "10 labels")) <= 0
    ]
    no_use = f"Not yet better than untrained at 10 labels: {', '.join(behind)}." if behind else ""
    parts = ["\n".join(lines), SHORT_NOTE, no_use, words, left]
    return "\n\n".join(part for part in parts if part)


def league_long() -> str:
    """Every kind of data, every column."""
    parts = []
    for data, title in TITLES.items():
        runs = league_runs(data)
        if runs:
            parts += [f"## {title}", f"{about(runs)}", league_table(runs)]
    words = word_table(league_runs("wordnet"))
    parts += ["## Words", words] if words else []
    return "\n\n".join(parts) or "Not measured yet: `make league`."


def about(runs: list[Run]) -> str:
    """What a table rests on."""
    settings = runs[0]["evaluation"]["settings"]
    machines = " and ".join(sorted({r["processor"] for r in runs}))
    return (
        f"{settings['train']:,} labelled training samples, {settings['test']:,} test samples, "
        f"{settings['classes']} classes. {machines}."
    )


def league_table(runs: list[Run]) -> str:
    """Every system beside its baselines: mean ± deviation over the seeds there are."""
    names = list(runs[0]["evaluation"]["scores"]["encoder"])
    twins = untrained(runs)
    lines = head(
        "", *names, "best layer", "gain, kNN", "gain, 10 labels",
        "network", "seeds", "steps", "CPU s / 2",
    )  # fmt: skip
    for system in dict.fromkeys(r["system"] for r in runs):
        own = [r for r in runs if r["system"] == system]
        cells = [spread([score(r, name) for r in own]) for name in names]
        layers = [found for found in map(best_layer, own) if found]
        where = f"{spread([right for _, right in layers])} ({layers[0][0]})" if layers else ""
        more = [signed(gains(own, twins, name)) for name in ("kNN", "10 labels")]
        seconds = sum(part["cpu"] for r in own for part in r["seconds"].values()) / len(own) / 2
        facts = [own[0]["backbone"], len(own), own[0]["steps"], f"{seconds:.0f}"]
        lines.append(row(system, *cells, where, *more, *facts))
    return "\n".join([*lines, *baselines(runs, names, 7)])


def baselines(runs: list[Run], names: list[str] | tuple[str, ...], empty: int) -> list[str]:
    """The rows of what a system must beat, and of what labels give."""
    twins, lines, blank = untrained(runs), [], [""] * empty
    for backbone in dict.fromkeys(b for b, _ in twins):
        own = [run for (b, _), run in twins.items() if b == backbone]
        cells = [spread([score(r, name, "untrained") for r in own]) for name in names]
        lines.append(row(f"*untrained {backbone}*", *cells, *blank))
    for base in ("raw", "PCA", "supervised"):
        own = [r for r in runs if base in r["evaluation"]["scores"]]
        if own:
            cells = [spread([score(r, name, base) for r in own]) for name in names]
            lines.append(row(f"*{base}*", *cells, *blank))
    return lines


def word_table(runs: list[Run]) -> str:
    """Agreement of word vectors with people."""
    if not runs:
        return ""
    names = list(runs[0]["evaluation"]["scores"]["encoder"])
    lines = head("words", *names, "seeds")
    for who in runs[0]["evaluation"]["scores"]:
        cells = []
        for name in names:
            found = [r["evaluation"]["scores"][who][name] for r in runs]
            cells.append(f"{spread([f['correlation'] for f in found], 2)} (n={found[0]['pairs']})")
        lines.append(row("word2vec" if who == "encoder" else f"*{who}*", *cells, len(runs)))
    return "\n".join([*lines, "", WORDS_NOTE])


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


SHORT_NOTE = (
    "Percent right on Fashion-MNIST's 10,000 test images: frozen features of the last layer, last "
    "checkpoint, mean ± deviation over seeds, about a minute of training on two cores without "
    "labels. A gain is what training added to the same network with the same seed. cpc-series "
    "reads an image as a series of rows. [More columns, and other data](docs/league.md); "
    "`make league` repeats it."
)
WORDS_NOTE = (
    "Spearman's correlation of cosines with people's judgements, trained on the glosses of "
    "WordNet; n pairs have both words in the vocabulary."
)
