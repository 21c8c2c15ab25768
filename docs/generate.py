"""Write the generated pages: one per method, the command line, and the tables of results.

python docs/generate.py            write them
python docs/generate.py --check    fail where one is out of date
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from unlabeled import catalog  # noqa: E402
from unlabeled.catalog import Card  # noqa: E402
from unlabeled.cli.methods import recipe_line  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"


def method_page(card: Card) -> str:
    """One method: what it asks, its knobs, its recipes, its code."""
    rows = [
        f"| `{f.flag}` | {f.default} | {card.small.settings.get(f.name, f.default)} | {f.doc} |"
        for f in card.fields
    ]
    knobs = (
        ["| flag | paper | small | meaning |", "|---|---|---|---|", *rows] if rows else ["None."]
    )
    exempt = [f"- `{name}`: {why}" for name, why in card.exempt.items()]
    parts = [
        f"# {card.name}",
        card.idea,
        card.doc,
        f"Source: {card.paper}",
        "## Hyperparameters",
        "\n".join(knobs),
        "## Recipes",
        f"- paper: {recipe_line(card, 'paper')}\n- small: {recipe_line(card, 'small')}",
        *(["## Checks that do not apply", "\n".join(exempt)] if exempt else []),
        "## The code",
        f"```python\n{card.path.read_text().rstrip()}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def methods_index() -> str:
    """All methods under their questions."""
    lines = ["# Methods", ""]
    for family, question in catalog.QUESTIONS.items():
        found = [c for c in catalog.cards().values() if c.family == family]
        if found:
            lines += [f"## {question[0].upper()}{question[1:]}", ""]
            lines += [f"- [{c.name}]({c.name}.md): {c.idea}" for c in found] + [""]
    return "\n".join(lines)


def cli_page() -> str:
    """The help of every command."""
    commands = [
        "demo",
        "pretrain",
        "embed",
        "evaluate",
        "diagnose",
        "report",
        "methods",
        "check",
        "doctor",
    ]
    parts = ["# The command line", "", "Written by `make docs` from `--help`.", ""]
    for words in [[], *([c] for c in commands), ["pretrain", "simclr"]]:
        title = " ".join(["unlabeled", *words])
        parts += [f"## {title}", "", "```text", help_of(words), "```", ""]
    return "\n".join(parts)


def help_of(words: list[str], columns: int = 100) -> str:
    """What --help says of a command."""
    code = f"from unlabeled.cli.app import build; build({words!r}).help_print({words!r})"
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ
        | {"COLUMNS": str(columns), "NO_COLOR": "1", "PYTHONPATH": str(ROOT / "src")},
    )
    return "\n".join(line.rstrip() for line in run.stdout.strip().splitlines())


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


def methods_table() -> str:
    """The questions and the systems that ask them."""
    lines = ["| the question | methods |", "|---|---|"]
    for family, question in catalog.QUESTIONS.items():
        names = [c.name for c in catalog.cards().values() if c.family == family]
        if names:
            links = ", ".join(f"[{n}](docs/methods/{n}.md)" for n in names)
            lines.append(f"| {question} | {links} |")
    return "\n".join(lines)


def league_table() -> str:
    """Every system beside its baselines: mean ± deviation over the seeds there are."""
    runs = [json.loads(p.read_text()) for p in sorted((RESULTS / "systems").glob("*.json"))]
    images = [r for r in runs if "kNN" in r["evaluation"]["scores"]["encoder"]]
    words = [r for r in runs if r not in images]
    missing = [name for name in catalog.cards() if name not in {r["system"] for r in runs}]
    left = f"Not measured yet: {', '.join(missing)}." if missing and runs else ""
    return "\n\n".join(part for part in (image_table(images), word_table(words), left) if part)


def image_table(runs: list[dict[str, Any]]) -> str:
    """Frozen features of Fashion-MNIST, and what training added to the same network."""
    if not runs:
        return "Not measured yet: `make league`."
    names = list(runs[0]["evaluation"]["scores"]["encoder"])
    gains = [f"{name}, gain" for name in ("kNN", "10 labels")]
    lines = [
        f"| | {' | '.join([*names, *gains])} | network | seeds | steps | CPU s / 2 |",
        "|---|" + "---|" * (len(names) + 6),
    ]
    untrained = {
        (r["backbone"], r["seed"]): r["evaluation"]["scores"]["untrained"]
        for r in runs
        if "untrained" in r["evaluation"]["scores"]
    }
    for system in dict.fromkeys(r["system"] for r in runs):
        own = [r for r in runs if r["system"] == system]
        cells = [scores_of(own, "encoder", name) for name in names]
        cells += [gain_of(own, untrained, gain.split(",")[0]) for gain in gains]
        seconds = (
            sum(sum(part["cpu"] for part in r["seconds"].values()) for r in own) / len(own) / 2
        )
        facts = [own[0]["backbone"], len(own), own[0]["steps"], f"{seconds:.0f}"]
        lines.append(f"| {system} | {' | '.join(map(str, [*cells, *facts]))} |")
    for backbone in dict.fromkeys(b for b, _ in untrained):
        own = [found for (b, _), found in untrained.items() if b == backbone]
        cells = [spread([found[name]["accuracy"] for found in own]) for name in names]
        lines.append(f"| *untrained* | {' | '.join(cells)} | | | {backbone} | {len(own)} | | |")
    for base in ("raw", "PCA", "supervised"):
        own = [r for r in runs if base in r["evaluation"]["scores"]]
        if own:
            cells = [scores_of(own, base, name) for name in names]
            lines.append(f"| *{base}* | {' | '.join(cells)} | | | | {len(own)} | | |")
    return "\n".join([*lines, "", IMAGES_NOTE])


def gain_of(
    runs: list[dict[str, Any]], untrained: dict[tuple[str, int], dict[str, Any]], name: str
) -> str:
    """How much better than the same network untrained, seed by seed."""
    gains = [
        r["evaluation"]["scores"]["encoder"][name]["accuracy"]
        - untrained[r["backbone"], r["seed"]][name]["accuracy"]
        for r in runs
        if (r["backbone"], r["seed"]) in untrained
    ]
    return f"{'+' if sum(gains) > 0 else ''}{spread(gains)}" if gains else ""


def word_table(runs: list[dict[str, Any]]) -> str:
    """Agreement of word vectors with people."""
    if not runs:
        return ""
    names = list(runs[0]["evaluation"]["scores"]["encoder"])
    lines = [f"| words | {' | '.join(names)} | seeds |", "|---|" + "---|" * (len(names) + 1)]
    for who in runs[0]["evaluation"]["scores"]:
        cells = []
        for name in names:
            found = [r["evaluation"]["scores"][who][name] for r in runs]
            cells.append(f"{spread([f['correlation'] for f in found], 2)} (n={found[0]['pairs']})")
        label = "word2vec" if who == "encoder" else f"*{who}*"
        lines.append(f"| {label} | {' | '.join(cells)} | {len(runs)} |")
    return "\n".join([*lines, "", WORDS_NOTE])


def scores_of(runs: list[dict[str, Any]], who: str, name: str) -> str:
    """One cell: mean ± deviation over seeds."""
    return spread([r["evaluation"]["scores"][who][name]["accuracy"] for r in runs])


def accuracy_table() -> str:
    """The accuracy run."""
    result = load("accuracy.json")
    if result is None:
        return "Not measured yet: `make accuracy`."
    lines = [
        "| seed | kNN | linear | steps | minutes | CPU minutes / 2 |",
        "|---|---|---|---|---|---|",
    ]
    for r in result["runs"]:
        wall, cpu = r["seconds"]["wall"] / 60, r["seconds"]["cpu"] / 120
        linear = r["linear"]["accuracy"]
        scores = f"{r['kNN']:.2f} | {linear:.2f}"
        lines.append(f"| {r['seed']} | {scores} | {r['steps']} | {wall:.1f} | {cpu:.1f} |")
    lines += ["", f"`{result['command']}`, {result['processor']}, {result['cores']} cores."]
    return "\n".join(lines)


def speed_table() -> str:
    """Ours against the peer, pair by pair: median of the ratio, and its range."""
    topics = load("peers.json") or {}
    lines = [
        "| what | ours | peer | peer / ours | CPU time, peer / ours |",
        "|---|---|---|---|---|",
    ]
    for topic, kept in topics.items():
        results = kept["results"]
        for found in results if isinstance(results, list) else [results]:
            unit = next((u for u in ("us a view", "seconds", "ms a step") if u in found), None)
            if unit is None or "theirs" not in found[unit]:
                continue
            pair, spent = found[unit], found.get(f"cpu {unit}", {})
            ours, theirs = (f"{pair[side]['median']:.3g} {unit}" for side in ("ours", "theirs"))
            ratio, cpu = ratio_of(pair), ratio_of(spent) if "theirs / ours" in spent else ""
            lines.append(f"| {what(topic, found)} | {ours} | {theirs} | {ratio} | {cpu} |")
    if not topics:
        return "Not measured yet: `make peers`."
    loads = [kept["load before"] for kept in topics.values()]
    busy = f"The machine was busy (load {min(loads):.1f} to {max(loads):.1f}): trust the ratios."
    some = next(iter(topics.values()))
    return "\n".join([*lines, "", f"{some['processor']}, {some['cores']} cores. {busy}"])


def ratio_of(pair: dict[str, Any]) -> str:
    """A ratio's median and its range."""
    found = pair["theirs / ours"]
    return f"**{found['median']:.2g}** ({found['least']:.2g} to {found['most']:.2g})"


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
        "step": "SimCLR step, ResNet-18, 32 pixels, batch 256",
    }
    return names.get(topic, topic)


IMAGES_NOTE = (
    "Percent right on Fashion-MNIST's 10,000 test images, frozen features, last checkpoint, "
    "mean ± deviation over seeds, trained without labels on 60,000 images. A gain is what training "
    "added to the same network with the same seed. CPU seconds are those of a whole run, training, "
    "evaluation and its baselines, on two cores. cpc-series reads an image as a series of rows. "
    "`make league` repeats it; each run's file is in `benchmarks/results/systems/`."
)
WORDS_NOTE = (
    "Spearman's correlation of cosines with people's judgements, trained on the glosses of "
    "WordNet; n pairs have both words in the vocabulary."
)
TABLES: dict[str, Any] = {
    "methods": methods_table,
    "league": league_table,
    "accuracy": accuracy_table,
    "speed": speed_table,
}


def filled(text: str) -> str:
    """A page with its generated tables written anew between their markers."""

    def fresh(match: re.Match[str]) -> str:
        name = match["name"]
        return f"<!-- {name} -->\n{TABLES[name]()}\n<!-- end {name} -->"

    return re.sub(r"<!-- (?P<name>[a-z-]+) -->\n.*?<!-- end (?P=name) -->", fresh, text, flags=re.S)


def pages() -> dict[Path, str]:
    """Every generated page and its text."""
    docs = ROOT / "docs"
    out = {docs / "methods" / f"{c.name}.md": method_page(c) for c in catalog.cards().values()}
    out[docs / "methods" / "README.md"] = methods_index()
    out[docs / "cli.md"] = cli_page()
    out[ROOT / "src/unlabeled/cli/help.txt"] = help_of([], columns=80) + "\n"
    for page in [ROOT / "README.md", *docs.glob("*.md")]:
        if page.exists() and page not in out and "<!-- end " in page.read_text():
            out[page] = filled(page.read_text())
    return out


def main() -> int:
    stale = [p for p, text in pages().items() if not p.exists() or p.read_text() != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is out of date; run `make docs`", file=sys.stderr)
        return bool(stale)
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(pages()[path])
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
