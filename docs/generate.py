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

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

import league_tables  # noqa: E402
import own_tasks  # noqa: E402
import standings  # noqa: E402
import studies  # noqa: E402
import tables  # noqa: E402

from unlabeled import catalog  # noqa: E402
from unlabeled.catalog import Card  # noqa: E402
from unlabeled.cli.methods import asked, knobs, recipe_line  # noqa: E402

TOGETHER = [
    "## Several at once",
    "",
    "Names joined by `+` train one encoder on several questions, each loss in units of what it "
    "is where nothing is learnt: `unlabeled pretrain rotation+jigsaw photos/`. A part's settings "
    "start with its name (`--jigsaw-orders 100`), and `--grey` shows all parts greys. "
    "`unlabeled methods rotation+jigsaw` has them all.",
    "",
]
MEASURED = (
    "A minute of two cores, then frozen features: percent right, and what training added to the "
    "same network untrained."
)


def method_page(card: Card) -> str:
    """One method: what it asks, its knobs, its recipes, its code."""
    rows = [f"| `{f.flag}` | {paper} | {small} | {f.doc} |" for f, paper, small in knobs(card)]
    table = (
        ["| flag | paper | small | meaning |", "|---|---|---|---|", *rows] if rows else ["None."]
    )
    exempt = [f"- `{name}`: {why}" for name, why in card.exempt.items()]
    parts = [
        f"# {card.name}",
        card.idea,
        card.doc,
        "\n\n".join(asked(card)),
        f"Source: {card.paper}",
        "## Hyperparameters",
        "\n".join(table),
        "## Recipes",
        f"- paper: {recipe_line(card, 'paper')}\n- small: {recipe_line(card, 'small')}",
        *measured_section(card.name),
        *(["## Checks that do not apply", "\n".join(exempt)] if exempt else []),
        "## The code",
        f"```python\n{card.path.read_text().rstrip()}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def measured_section(name: str) -> list[str]:
    """What a minute of two cores gave, beside the same network untrained."""
    lines = measured().get(name)
    return ["## Measured", MEASURED, "\n".join(f"- {line}" for line in lines)] if lines else []


def measured() -> dict[str, list[str]]:
    """By method: its own task, what it is bad at, and what the league found of its features."""
    tasks, features = own_tasks.own_tasks(), standings.measured()
    return {name: tasks.get(name, []) + features.get(name, []) for name in {**features, **tasks}}


def methods_index() -> str:
    """All methods under their questions."""
    lines = ["# Methods", ""]
    for family, question in catalog.QUESTIONS.items():
        found = [c for c in catalog.cards().values() if c.family == family]
        if found:
            lines += [f"## {question[0].upper()}{question[1:]}", ""]
            lines += [f"- [{c.name}]({c.name}.md): {c.idea}" for c in found] + [""]
    return "\n".join([*lines, *TOGETHER])


def cli_page() -> str:
    """The help of every command."""
    commands = [
        "demo",
        "pretrain",
        "embed",
        "evaluate",
        "diagnose",
        "report",
        "compare",
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


def methods_table() -> str:
    """The questions and the systems that ask them."""
    lines = ["| the question | methods |", "|---|---|"]
    for family, question in catalog.QUESTIONS.items():
        names = [c.name for c in catalog.cards().values() if c.family == family]
        if names:
            links = ", ".join(f"[{n}](docs/methods/{n}.md)" for n in names)
            lines.append(f"| {question} | {links} |")
    return "\n".join(lines)


TABLES = {
    "methods": methods_table,
    "headline": tables.headline,
    "league": league_tables.short,
    "league-long": league_tables.long,
    "accuracy": tables.accuracy_table,
    "choosing": studies.choosing,
    "detail": studies.detail,
    "one-output": tables.one_output_table,
    "anomalies": studies.anomalies,
    "over-under": studies.over_under,
    "segmentation": studies.segmentation,
    "proofs": own_tasks.proofs,
    "bad-cases": own_tasks.bad_cases,
    "shortcuts": own_tasks.shortcuts,
    "critic": own_tasks.critic,
    "speed": tables.speed_table,
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
    kept = json.dumps({"how": MEASURED, "methods": measured()}, indent=1)
    out[ROOT / "src/unlabeled/cli/measured.json"] = kept + "\n"
    out[ROOT / "src/unlabeled/cli/help.txt"] = help_of([], columns=80) + "\n"
    for page in [ROOT / "README.md", *docs.glob("*.md")]:
        if page.exists() and page not in out and "<!-- end " in page.read_text():
            out[page] = filled(page.read_text())
    return out


def main() -> int:
    fresh = pages()
    stale = [p for p, text in fresh.items() if not p.exists() or p.read_text() != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is out of date; run `make docs`", file=sys.stderr)
        return bool(stale)
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(fresh[path])
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
