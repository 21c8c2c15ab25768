"""The page's pictures: what the method saw, made, finds alike, and how training went."""

from __future__ import annotations

from typing import Any

import numpy as np

from unlabeled.report.charts import Line, digits, line_chart, smooth, thin
from unlabeled.report.content import Content, Curves, Spectrum
from unlabeled.report.markup import Markup, name, prose, tag
from unlabeled.report.pictures import gallery, thing
from unlabeled.report.scatter import scatter
from unlabeled.report.things import MANY, Map, Neighbours, kind

MOST_QUERIES, MOST_NEAREST = 10, 10
FLOOR = 1e-6  # of the largest singular value: beneath is rounding
SURFACE = {  # what samples may be alike in without being alike
    "image": "brightness, background or camera",
    "series": "level, noise or sensor",
    "text": "frequency or length",
}


def section(title: str, *children: Any, look: str = "", good: str = "", bad: str = "") -> Markup:
    """A part of the page: its title and caption in the margin, its figure beside them.

    Args:
        title: The heading.
        children: The caption's sentences, then the figure, last.
        look: A CSS class.
        good: What a good one looks like.
        bad: What a bad one looks like.
    """
    *caption, figure = children
    said = [tag("p", sentence) for sentence in caption if sentence]
    said += [tag("p", tag("b", "Good: "), good, class_="sign")] if good else []
    said += [tag("p", tag("b", "Bad: "), bad, class_="sign")] if bad else []
    aside = tag("div", tag("h2", title), *said, class_="aside")
    return tag("section", aside, tag("div", figure, class_="figure"), class_=look or None)


def saw(content: Content) -> Markup:
    """The views that the method was really given."""
    return section(
        "What the method saw",
        "Not your data as it is stored but these altered versions of it, drawn afresh each time. "
        "What the views have in common is what the method can learn.",
        gallery(content.views),
        good="what matters to you is still there in every view.",
        bad="it has been changed beyond recognition, or cut away; or nothing has changed at all.",
    )


def made(content: Content) -> Markup:
    """The method's own picture."""
    known = (
        "It was trained on these samples, though never on these views of them; "
        "`unlabeled report RUN --data OTHER` shows it others."
    )
    if content.held:
        known = "It was never trained on these samples: they were held out of the run."
    elif not content.own:
        known = "These samples are not the data that it was trained on."
    return section(
        "What it made of it",
        "The method's own task, done by the trained network. It is practice, not the goal: what is "
        "kept is the encoder that had to understand the data to do this.",
        prose(known),
        gallery(list(content.picture.items())),
        good="mostly right, with mistakes that you might make too.",
        bad="right without exception (there may be a shortcut), or no better than chance.",
    )


def alike(shown: Neighbours) -> Markup:
    """Queries, and what lies nearest to each."""
    what = kind(shown.queries)
    chance = shown.chance
    drawn = "A few words" if what == "text" else "Samples drawn by chance"
    said = (
        f"{drawn}, and what the encoder places nearest to each among all others. "
        "The number is the cosine of the two vectors: 1 is the same direction, 0 unrelated."
    )
    if chance is not None:
        said += f" Two {MANY.get(what, 'samples')} drawn by chance have {chance:.2f} on average."
    return section(
        "What it finds alike",
        said,
        _agreement(shown),
        tag("div", *(_query(shown, i) for i in range(_count(shown))), class_=f"alike {what}"),
        good="neighbours that you would have picked, or can at least explain.",
        bad=f"alike only in {SURFACE[what]}; or every cosine close to 1.",
    )


def _count(shown: Neighbours) -> int:
    return min(MOST_QUERIES, len(shown.queries))


def _query(shown: Neighbours, i: int) -> Markup:
    own = shown.labels[0][i] if shown.labels else None
    fine = (
        3 if np.nan_to_num(shown.cosine).max(initial=0) >= 0.995 else 2
    )  # 1.00 for all would say nothing
    cells = [tag("figure", thing(shown.queries[i]), _label(own), class_="query")]
    for j, near in enumerate(shown.nearest[i][:MOST_NEAREST]):
        cosine = tag("span", _cosine(shown.cosine[i][j], fine), class_="cosine")
        label = shown.labels[1][i][j] if shown.labels else None
        cells.append(tag("figure", thing(near), cosine, _label(label, own)))
    return tag("div", *cells, class_="row")


def _cosine(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}".replace("-", "−") if np.isfinite(value) else "–"


def _label(label: str | None, own: str | None = None) -> Markup | None:
    if label is None:
        return None
    differs = own is not None and label != own
    return tag(
        "figcaption", "≠ " if differs else None, name(label), class_="differs" if differs else None
    )


def _agreement(shown: Neighbours) -> str | None:
    if not shown.labels:
        return None
    pairs = [
        (own, label)
        for own, near in list(zip(*shown.labels, strict=True))[: _count(shown)]
        for label in near[:MOST_NEAREST]
    ]
    same = sum(own == label for own, label in pairs)
    return (
        f"{same} of these {len(pairs)} neighbours have their query's label. The encoder never saw "
        "a label; they are here for you to check."
    )


def plane(shown: Map) -> Markup:
    """The samples on a plane."""
    n, many = len(shown.points), MANY.get(kind(shown.things), "samples")
    said = f"{digits(n)} {many}, near one another where the encoder finds them alike. {shown.how}."
    trust = None
    if shown.kept is not None:
        trust = (
            f"A flat picture of many dimensions cannot be faithful: of a point's ten nearest here, "
            f"{shown.kept:.0%} are among its ten nearest in full. Trust what lies close together; "
            "distances across the map and the sizes of clumps mean little."
        )
    return section(
        "Everything at a glance", said, trust, scatter(shown), look="wide",
        good="clumps and paths that you can put a name to.",
        bad=f"one even cloud, or clumps by {SURFACE[kind(shown.things)]}.",
    )  # fmt: skip


def training(curves: Curves) -> Markup:
    """Loss, effective rank, kNN where there are labels, and learning rate over the steps."""
    charts = [panel("Loss", "lower is better", _loss(curves), "large")]
    if curves.rank and len(curves.checked):
        charts.append(panel("Effective rank", _rank_words(curves), _rank(curves)))
    if len(curves.asked):
        line = Line(np.asarray(curves.asked), np.asarray(curves.named), look="s2")
        chart = line_chart([line], label="kNN over the steps")
        charts.append(panel("kNN, percent", "of some training samples, by their labels", chart))
    if len(curves.lr):
        rate = thin(Line(curves.steps, curves.lr, look="s3"))
        chart = line_chart([rate], label="learning rate over the steps", zero=True)
        charts.append(panel("Learning rate", "the size of each step", chart))
    nothing = (
        " The dashed line is where an encoder that returns a constant would stand."
        if curves.nothing is not None
        else ""
    )
    return section(
        "How training went",
        f"{digits(len(curves.steps))} steps were recorded.{nothing}",
        "Losses of different methods, or of different batch sizes, cannot be compared.",
        tag("div", *charts, class_="panels"),
        good="the loss falls away from the dashed line and flattens; the rank stays well above 1.",
        bad="the loss stays on the line, or the rank drops towards 1: a collapse.",
    )


def panel(title: str, words: str, chart: Markup, look: str = "") -> Markup:
    """A chart under its title."""
    head = tag("h3", title, tag("small", words))
    return tag("div", head, chart, class_=f"panel {look}".strip())


def _loss(curves: Curves) -> Markup:
    steps, loss = np.asarray(curves.steps), np.asarray(curves.loss, dtype=np.float64)
    lines = [Line(steps, loss)]
    if len(loss) > 60:
        calm = smooth(loss, max(5, len(loss) // 40))
        lines = [thin(Line(steps, loss, look="raw")), thin(Line(steps, calm))]
    reference = None
    if curves.nothing is not None and np.isfinite(curves.nothing):
        reference = (curves.nothing, f"learned nothing: {digits(curves.nothing)}")
    height = 560 if len(curves.asked) else 356  # that of the panels beside it
    return line_chart(
        lines, label="loss over the steps", width=520, height=height, reference=reference
    )


def _rank(curves: Curves) -> Markup:
    lines = [
        Line(np.asarray(curves.checked), np.asarray(values), space, f"s{i}")
        for i, (space, values) in enumerate(curves.rank.items())
    ]
    return line_chart(lines, label="effective rank over the steps", zero=True)


def _rank_words(curves: Curves) -> str:
    widths = [f"{curves.width[s]} ({s})" for s in curves.rank if s in curves.width]
    of = f", of {' and '.join(widths)}" if widths else ""
    return f"directions the vectors really use{of}"


def directions(shown: Spectrum) -> Markup:
    """The singular values of the vectors, on a logarithmic scale, and the RankMe of each."""
    lines, marks = [], []
    for i, (who, values) in enumerate(shown.values.items()):
        share = np.asarray(values) / max(float(values[0]), 1e-30)
        height = np.log10(np.where(share > FLOOR, share, np.nan))
        lines.append(Line(np.arange(1, len(share) + 1), height, who, f"s{i}"))
        marks.append((shown.rank[who], f"RankMe {digits(shown.rank[who])} {who}", f"s{i}"))
    said: Any = {"label": "singular values", "end": "direction {}"}
    chart = line_chart(lines, width=800, height=330, log=True, marks=marks, **said)
    return section(
        "How many directions it uses",
        f"The singular values of {digits(shown.samples)} vectors, each as a share of the largest: "
        "how far the vectors reach in each direction, and in those of the same network untrained.",
        "The dashed lines are RankMe, the number of directions that this comes to; here, what all "
        "vectors have in common counts as one. Random weights often spread most evenly of all: "
        "many directions are no goal, but few are a warning.",
        chart,
        good="a slope that falls slowly: many directions carry something.",
        bad="a cliff after a few directions: the rest of the width is not used.",
    )
