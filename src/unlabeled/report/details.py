"""The page's small print: the evaluation, what was chosen, what was left out, how to repeat it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unlabeled.report.charts import Line, digits, dot, line_chart
from unlabeled.report.content import MEANINGS, Content, Evaluation, Row
from unlabeled.report.markup import Markup, join, name, prose, tag
from unlabeled.report.sections import section

MOST_BAD = 20
COLUMNS = 6  # of scores that fit beside the margin
PALETTE = 7  # colours that lines have
NOTHING: Mapping[str, Any] = {}


def evaluation(shown: Evaluation) -> Markup:
    """The scores beside their baselines, and those of the encoder's layers."""
    tuned = any("tuned" in protocol for row in shown.rows for protocol in row.scores)
    return section(
        "With labels, afterwards",
        "Labels came in only now, to see what the encoder is good for. Its weights did not change"
        f"{', except where it says tuned' if tuned else ''}.",
        "In each column, dots run from its lowest score to its highest; whiskers are the spread.",
        *shown.basis,
        join(score_table(shown), _labels(shown), _layers(shown)),
        good="clearly above every other line, most of all where labels are few.",
        bad="no better than the same network untrained: training added nothing that helps here.",
    )


def score_table(
    shown: Evaluation, best: Mapping = NOTHING, names: Mapping = NOTHING, most: int = COLUMNS
) -> Markup:
    """A row for each name, a column for each protocol, and what the protocols are.

    Args:
        shown: The scores.
        best: Protocol to the rows whose score bears a star.
        names: Row to how it is called here.
        most: Columns that stand side by side; more of them make tables below one another.
    """
    protocols = list(dict.fromkeys(p for row in shown.rows for p in row.scores))
    parts = np.array_split(np.array(protocols, object), -(-len(protocols) // most) or 1)
    tables = [_table(part.tolist(), shown, best, names) for part in parts if len(part)]
    known = [tag("p", tag("b", p), ": ", MEANINGS[p], ".") for p in protocols if p in MEANINGS]
    return join(*tables, tag("div", *known, class_="glossary"))


def _table(protocols: Sequence[str], shown: Evaluation, best: Mapping, names: Mapping) -> Markup:
    head = tag("tr", tag("th", ""), *(tag("th", name(p), scope="col") for p in protocols))
    rows = [row for row in shown.rows if any(p in row.scores for p in protocols)]
    body = [_row(row, protocols, shown, best, names) for row in rows]
    return tag("table", tag("thead", head), tag("tbody", *body), class_="scores")


def _row(
    row: Row, protocols: Sequence[str], shown: Evaluation, best: Mapping, names: Mapping
) -> Markup:
    cells = [
        _cell(row.scores.get(p), _range(p, shown), shown.percent, row.name in best.get(p, ()))
        for p in protocols
    ]
    head = tag("th", names.get(row.name) or name(row.name), scope="row")
    return tag("tr", head, *cells, class_="ours" if row.ours else None)


def _pair(score: float | tuple[float, float]) -> tuple[float, float]:
    return (score[0], score[1]) if isinstance(score, (tuple, list)) else (score, 0.0)


def _range(protocol: str, shown: Evaluation) -> tuple[float, float]:
    pairs = [_pair(row.scores[protocol]) for row in shown.rows if protocol in row.scores]
    ends = [end for m, s in pairs for end in (m - s, m + s) if np.isfinite(end)]
    return (min(ends), max(ends)) if ends else (0.0, 1.0)


def _cell(
    score: float | tuple[float, float] | None, ends: tuple[float, float], percent: bool, best: bool
) -> Markup:
    if score is None:
        return tag("td", "–", class_="none")
    mean, spread = _pair(score)
    if not np.isfinite(mean):
        return tag("td", "failed", class_="none")
    write = lambda v: f"{100 * v:.1f}" if percent else digits(v)
    give = tag("small", f" ± {write(spread)}") if spread else None
    unit = tag("small", " %") if percent else None
    star = tag("b", " ★", class_="star", title="the best of the runs") if best else None
    return tag("td", tag("span", write(mean), give, unit), star, dot(mean, *ends, spread=spread))


def _layers(shown: Evaluation) -> Markup | None:
    """Which layer is best: not always the last."""
    words = "from the input to the output; where the last is not the best, use an earlier one"
    how: Any = {"label": "score of each layer", "height": 210, "percent": shown.percent}
    return _curve("Layer by layer", words, shown.layers, **how) if shown.layers else None


def _labels(shown: Evaluation) -> Markup | None:
    """How much a label is worth: what pretraining is for."""
    words = (
        "labels a class, from few to many: for a linear layer on frozen vectors or, where it says "
        "tuned, for all weights; the gap is widest where they are few"
    )
    rows = list(shown.labels.items())[:PALETTE]
    means = {who: {count: _pair(x)[0] for count, x in scores.items()} for who, scores in rows}
    if max(map(len, means.values()), default=0) < 2:
        return None
    how: Any = {"label": "score by labels a class", "height": 300, "percent": shown.percent}
    if shown.every is not None:
        how["reference"] = shown.every, "supervised, with all labels"
    return _curve("Label by label", words, means, **how)


def _curve(title: str, words: str, lines: Mapping[str, Mapping[str, float]], **how: Any) -> Markup:
    """A panel with a line for each name over steps that have names themselves."""
    names = list(dict.fromkeys(step for scores in lines.values() for step in scores))
    at = {step: i for i, step in enumerate(names)}
    each = [
        Line(np.array([at[k] for k in scores]), np.array(list(scores.values())), name, f"k{i}")
        for i, (name, scores) in enumerate(lines.items())
    ]
    chart = line_chart(each, width=600, names=names, **how)
    return tag("div", tag("h3", title, tag("small", words)), chart, class_="panel layers")


def notes(said: Sequence[str]) -> Markup:
    """What was chosen on the user's behalf."""
    items = tag("ul", *(tag("li", prose(note)) for note in said), class_="notes")
    return section(
        "Chosen for you",
        "What you did not say was decided by these rules. Say it, and it is yours.",
        items,
    )


def left_out(bad: Sequence[tuple[str, str]]) -> Markup:
    """Files that could not be read: how many, why, and the first names."""
    reasons: dict[str, int] = {}
    for _, why in bad:
        reasons[why] = reasons.get(why, 0) + 1
    counted = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    why = tag(
        "ul", *(tag("li", tag("b", digits(n)), " ", name(r)) for r, n in counted), class_="why"
    )
    rows = [tag("tr", tag("td", name(file)), tag("td", name(r))) for file, r in bad[:MOST_BAD]]
    table = tag("table", tag("tbody", *rows), class_="files")
    rest = len(bad) - MOST_BAD
    more = tag("p", f"and {digits(rest)} more", class_="none") if rest > 0 else None
    return section(
        "Left out",
        f"The run never saw {digits(len(bad))} file{'s' * (len(bad) != 1)} that could not be used.",
        join(why, table, more),
    )


def configuration(config: Mapping[str, Any]) -> Markup:
    """Every setting with its value, group by group."""
    loose = {k: v for k, v in config.items() if not isinstance(v, Mapping)}
    groups = {"": loose, **{k: v for k, v in config.items() if isinstance(v, Mapping)}}
    lists = [_settings(title, group) for title, group in groups.items() if group]
    return section("Every setting", "As they were when the run began, defaults included.",
                   tag("div", *lists, class_="config"))  # fmt: skip


def _settings(title: str, group: Mapping[str, Any]) -> Markup:
    pairs = [tag("div", tag("dt", name(k)), tag("dd", name(plain(v)))) for k, v in group.items()]
    return tag("div", tag("h3", name(title)) if title else None, tag("dl", *pairs))


def plain(value: Any) -> str:
    """A setting as one would write it."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {plain(v)}" for k, v in value.items()) or "–"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(plain, value)) or "–"
    return f"{value:g}" if isinstance(value, float) else str(value)


def repeat(content: Content) -> Markup:
    """The command that repeats the run, and what it ran on."""
    words = [
        join(" " if i else "", tag("span", w)) for i, w in enumerate(content.command.split(" "))
    ]
    command = tag("pre", tag("code", *words)) if content.command else None
    facts = [tag("div", tag("dt", name(k)), tag("dd", name(v))) for k, v in content.facts.items()]
    paper = tag("div", tag("dt", "method"), tag("dd", content.paper)) if content.paper else None
    small = tag("dl", *facts, paper, class_="facts")
    return section(
        "Run it again",
        "The same command, data, versions and kind of machine give the same run.",
        join(command, small),
    )


def small_print(content: Content) -> Sequence[Markup]:
    """The sections there is something to say in."""
    parts = []
    if content.evaluation and content.evaluation.rows:
        parts.append(evaluation(content.evaluation))
    if content.notes:
        parts.append(notes(content.notes))
    if content.bad:
        parts.append(left_out(content.bad))
    if content.config:
        parts.append(configuration(content.config))
    if content.command or content.facts or content.paper:
        parts.append(repeat(content))
    return parts
