"""Which of several runs looks best, in one sentence, and what that sentence rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from unlabeled.evaluate import headline
from unlabeled.evaluate.basis import listed
from unlabeled.report.charts import digits

RANKME = (
    "RankMe counts the directions that an encoder's vectors use. Of sixteen numbers without labels "
    "it followed the accuracy of a linear probe best late in training, if by a little, in our one "
    "study, of nine short runs on Fashion-MNIST (docs/which-number.md): a hint, and no proof. It "
    "does not say whether a run beats its own untrained network. Where you have labels, let "
    "`unlabeled evaluate` decide."
)


def choice(
    runs: Sequence[Mapping[str, Any]], scores: Mapping[str, Mapping[str, Any]]
) -> tuple[str, str]:
    """The comparison in one sentence: by labels where one protocol judged two runs, or by RankMe.

    Args:
        runs: As `compare` reads them.
        scores: Its tables, by protocol.

    Returns:
        The sentence; and what it rests on, where that is not a table of scores.
    """
    labels = {run["label"] for run in runs}
    for found in scores.values():
        if len(labels & found["rows"].keys()) > 1 and found["best"]:
            column, best = next(iter(found["best"].items()))
            if not best:
                return f"Equal by {column}, to three digits.", ""
            rows = [found["rows"].get(who, {}) for who in (best[0], "untrained")]
            said = [_written(row[column]) for row in rows if column in row]
            return f"Best by {column}: {_named(runs, best)}, {'; untrained '.join(said)}.", ""
    well = [run for run in runs if run["verdict"]["ok"]]
    if len(well) < 2:
        return f"{len(well)} of {len(runs)} runs are healthy.", ""
    ranks = {run["label"]: run["health"].get("rankme") or math.nan for run in well}
    top, widths = max(ranks.values()), unlike(well, "encoder", "dim")
    best = [who for who, rank in ranks.items() if equal(rank, top)]
    counts = {run["health"].get("samples") for run in well}
    reasons = {
        "RankMe compares no runs on different data": unlike(well, "data", "fingerprint"),
        f"RankMe compares no encoders {' and '.join(map(str, widths))} wide": widths,
        "RankMe compares no looks at other numbers of samples": len(counts) > 1,
        "RankMe is not known of all of them": not all(map(math.isfinite, ranks.values())),
        f"RankMe is {digits(top)} for all": len(best) == len(ranks),
    }
    for why, true in reasons.items():
        if true:
            return f"Without labels, nothing says which is best: {why}.", ""
    said = digits(max(rank for who, rank in ranks.items() if who not in best))
    who = f"{_named(runs, best)} look{'s' * (len(best) == 1)} best"
    return f"Without labels, {who}: by RankMe, {digits(top)} against {said}.", RANKME


def unlike(runs: Sequence[Mapping[str, Any]], part: str, key: str) -> list[Any]:
    """The values of a setting in which runs differ; none where they do not."""
    values = dict.fromkeys(run["config"][part][key] for run in runs)
    return list(values) if len(values) > 1 else []


def equal(a: float, b: float) -> bool:
    """Whether two numbers are the same to three digits."""
    return f"{a:.3g}" == f"{b:.3g}"


def _written(found: Mapping[str, Any]) -> str:
    what, value = headline(found)
    return digits(value) + " %" * (what != "correlation")


def _named(runs: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> str:
    return listed(run["name"] for run in runs if run["label"] in labels)
