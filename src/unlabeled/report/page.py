"""The page that a run leaves behind: one HTML file, safe to mail, with nothing to load."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from unlabeled.errors import MachineError
from unlabeled.report.content import Content, Number, Verdict
from unlabeled.report.details import small_print
from unlabeled.report.markup import Markup, join, name, prose, tag, visible
from unlabeled.report.samples import apart, together, twice
from unlabeled.report.sections import alike, directions, made, plane, saw, training
from unlabeled.train.disk import beside

LONG = 90  # letters of a verdict that stand in one headline
LEVELS = {
    "good": ("Healthy", "M7 0A7 7 0 1 1 7 14A7 7 0 1 1 7 0"),  # a disc
    "doubtful": ("Look closer", "M7 0L15 14L-1 14Z"),  # a triangle
    "unfinished": (
        "Not ended",
        "M7 0A7 7 0 1 1 7 14A7 7 0 1 1 7 0M7 3A4 4 0 1 0 7 11A4 4 0 1 0 7 3",
    ),
    "bad": ("Failed", "M0 0L14 0L14 14L0 14Z"),  # a square
}


def write(path: Path, content: Content) -> Path:
    """Write the page; the same content gives the same bytes. Returns its path.

    The file holds everything it shows and no script at all, and its own policy forbids the browser
    to load or run anything. It appears whole or not at all.
    """
    return put(path, page(content))


def put(path: str | Path, html: str) -> Path:
    """Write HTML whole or not at all, in a folder that is made where there is none.

    Raises:
        MachineError: Where it cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside(path) as draft:
            draft.write_text(html, encoding="utf-8", newline="\n")
    except OSError as error:
        raise MachineError(
            f"{path} cannot be written: {error}", hint="choose another file"
        ) from error
    return path


def page(content: Content) -> str:
    """The page as HTML."""
    title = f"{content.method} on {content.data}"
    return document(title, masthead(content), *figures(content), *small_print(content))


def figures(content: Content) -> Sequence[Markup]:
    """The pictures there is something to show in, in the order of the story."""
    near, extremes, curves = content.neighbours, content.extremes, content.curves
    shown: list[tuple[Any, Any, Any]] = [
        (saw, content, any(len(things) for _, things in content.views)),
        (made, content, any(len(things) for things in content.picture.values())),
        (alike, near, near and len(near.queries)),
        (together, content.clusters, content.clusters),
        (plane, content.map, content.map and len(content.map.points)),
        (apart, extremes, extremes and (extremes.hardest or extremes.strangest)),
        (twice, content.twins, content.twins),
        (training, curves, curves and len(curves.steps)),
        (directions, content.spectrum, content.spectrum),
    ]
    return [section(part) for section, part, there in shown if there]


def document(title: str, *parts: Any) -> str:
    """A whole HTML document that loads nothing and runs nothing."""
    css = styles()
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("link", rel="icon", href="data:,"),
        tag("title", visible(title)),
        tag("style", Markup(css)),
    )
    main = tag("main", *parts)
    foot = tag(
        "footer", "Made by unlabeled. This page is complete: it loads nothing and runs nothing."
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', main, foot), lang='en')}\n"


@cache
def styles() -> str:
    """The page's style sheet."""
    return Path(__file__).with_name("page.css").read_text(encoding="utf-8")


def masthead(content: Content) -> Markup:
    """What was run, how it went in one sentence, what to do, and the numbers."""
    verdict = content.verdict
    sentence, evidence = spoken(verdict)
    what = tag("p", name(content.method), " on ", name(content.data), class_="eyebrow")
    advice = [tag("p", prose(sentence)) for sentence in verdict.advice]
    about = join(
        tag("b", name(content.method)), ". " if content.about else None, content.about,
        f" It saw {content.saw}, and not one label." if content.saw else None,
    )  # fmt: skip
    return tag(
        "header",
        what,
        badge(verdict),
        tag("h1", prose(sentence)),
        tag("p", prose(evidence), class_="evidence") if evidence else None,
        tag("div", *advice, class_="advice") if advice else None,
        tag("p", about, class_="about") if content.about or content.saw else None,
        tag("dl", *map(headline, content.numbers), class_="numbers") if content.numbers else None,
    )


def spoken(verdict: Verdict) -> tuple[str, str]:
    """The verdict's first clause, for the headline, and the evidence that follows it.

    A short verdict is a headline as it is. What the badge says already is not said again.
    """
    said = LEVELS.get(verdict.level, ("", ""))[0]
    words, evidence = verdict.words.removeprefix(f"{said}: "), ""
    stop = re.search(r"; |\. | (?=\()", words)
    if len(words) > LONG and stop:
        evidence = words[stop.end() :]
        words = words[: stop.start()] + "."
        if re.fullmatch(r"\(.*\)\.", evidence):
            evidence = evidence[1:-2] + "."
    return words[:1].upper() + words[1:], evidence[:1].upper() + evidence[1:]


def badge(verdict: Verdict) -> Markup:
    """The level as a word, a colour and a shape: no one of them is needed to read it."""
    word, shape = LEVELS.get(verdict.level, (verdict.level, ""))
    mark = tag("svg", tag("path", d=shape), viewBox="-1 -1 16 16", aria_hidden="true")
    known = verdict.level if verdict.level in LEVELS else None
    return tag("p", mark, word, class_=f"badge {known or ''}".strip())


def headline(number: Number) -> Markup:
    """A number in large type, with what it means."""
    beside = tag("small", " ", number.beside) if number.beside else None
    value = tag("dd", name(number.value), beside)
    meaning = tag("dd", number.meaning, class_="meaning") if number.meaning else None
    return tag("div", tag("dt", name(number.name)), value, meaning)
