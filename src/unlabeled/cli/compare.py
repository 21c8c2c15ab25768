"""`unlabeled compare RUN RUN ...`: two runs or more side by side."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter


def compare(
    *runs: Path,
    out: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Lay runs side by side: verdicts, measures, scores, and the settings that differ.

    Parameters
    ----------
    runs:
        The runs' folders, two or more.
    out:
        Also write a page, such as compare.html: one file, no network, safe to mail.
    json:
        Print one JSON object on stdout and nothing else.
    """
    import unlabeled

    found = unlabeled.compare(runs, out)
    if json:
        print(dumps(found))
        return
    print("\n".join([*lines(found), *([f"\n{out}"] if out else [])]))


def lines(found: dict[str, Any]) -> list[str]:
    """The comparison as text: who is who, then a column for each run; a star marks the best."""
    from unlabeled.cli.evaluate import aligned
    from unlabeled.report.details import plain
    from unlabeled.report.markup import visible

    said = [found["words"], *filter(None, [found["rest"]]), *(f"! {x}" for x in found["warnings"])]
    for run in found["runs"]:
        config = run["config"]
        facts = [f"{config['method']} on {config['data']['source']}"]
        facts += [f"{run['done']:,} of {config['steps']:,} steps"]
        facts += [run["facts"][k] for k in ("trained for", "processor") if k in run["facts"]]
        said += ["", f"{run['label']}  {run['run']} ({', '.join(facts)})"]
        said += [f"   {run['verdict']['words']}"]
    scored = {f"protocol {x}": table for x, table in found["scores"].items()}
    for title, part in {"without labels": found["measures"], **scored}.items():
        block = [[title, *part["rows"]]]
        for column, best in part["best"].items():
            cells = {who: number(row.get(column)) for who, row in part["rows"].items()}
            block.append([column, *(x + " *" * (who in best) for who, x in cells.items())])
        said += ["", *aligned(block), *part.get("basis", ())]
    labels = [run["label"] for run in found["runs"]]
    rows = [[k, *(plain(x)[:40] for x in v.values())] for k, v in found["settings"].items()]
    return [visible(line) for line in [*said, "", *aligned([["set differently", *labels], *rows])]]


def number(found: Any) -> str:
    """A measure, or a protocol's headline with its spread, as it stands in a cell."""
    from unlabeled.evaluate import headline
    from unlabeled.report.charts import digits

    if found is None:
        return "–"
    if not isinstance(found, dict):
        return digits(found)
    spread = f" ± {found['deviation']:.1f}" if "deviation" in found else ""
    return digits(headline(found)[1]) + spread
