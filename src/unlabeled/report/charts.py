"""Charts as SVG made by hand: no styles inside, so the page's policy and its dark mode hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unlabeled.report.markup import Markup, tag
from unlabeled.report.pictures import path

LEFT, RIGHT, TOP, BOTTOM = 44, 12, 10, 24  # margins, in the chart's units


@dataclass(frozen=True)
class Line:
    """A line of a chart.

    Attributes:
        x: `(n,)` places.
        y: `(n,)` values; those that are not finite are left out.
        label: Written at its end.
        look: Its CSS class: "s0" to "s3" or "k0" to "k7" for the palettes, "raw" for what lies
            behind a line.
    """

    x: np.ndarray
    y: np.ndarray
    label: str = ""
    look: str = "s0"


def digits(value: float) -> str:
    """A number with three digits that count: 60,000, 12.5, 0.031, 1.2e-5."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinite"
    size = abs(value)
    if size >= 100 or value == int(value):
        return f"{value:,.0f}".replace("-", "−")
    if size < 1e-3:
        mantissa, _, power = f"{value:.1e}".partition("e")
        return f"{mantissa.removesuffix('.0')}e{int(power)}".replace("-", "−")
    return f"{value:.{2 - math.floor(math.log10(size))}f}".replace("-", "−")


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers from `low` to `high`, `about` as many as asked for."""
    if not high > low:
        return [low]
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = min((m * power for m in (1, 2, 5, 10)), key=lambda s: abs(s - raw))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]


def decades(low: float, high: float) -> list[float]:
    """Logarithms from `low` to `high` of powers of ten; in a short span, also of 2 and 5 times."""
    times = (1,) if high - low > 1.5 else (1, 2, 5)
    every = [k + math.log10(m) for k in range(math.floor(low), math.ceil(high)) for m in times]
    return [v for v in every if low <= v <= high]


def tick_words(values: Sequence[float], *, percent: bool = False) -> list[str]:
    """Ticks in words, all with the same number of decimals."""
    if percent:
        return [f"{value:.0%}" for value in values]
    step = values[1] - values[0] if len(values) > 1 else abs(values[0]) or 1.0
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if decimals > 4:
        return [digits(value) for value in values]
    return [f"{value:,.{decimals}f}".replace("-", "−") for value in values]


def line_chart(
    lines: Sequence[Line],
    *,
    label: str,
    width: int = 260,
    height: int = 150,
    reference: tuple[float, str] | None = None,
    names: Sequence[str] = (),
    zero: bool = False,
    percent: bool = False,
    log: bool = False,
    end: str = "step {}",
    marks: Sequence[tuple[float, str, str]] = (),
) -> Markup:
    """A line chart with the least of ink: few ticks, and names at the lines' ends.

    Args:
        lines: What to draw, from back to front.
        label: What it shows, for those who cannot see it.
        width: In units of the text's pixels.
        height: The same.
        reference: A value to compare with and its words, where lines leave room: a dashed line.
        names: Names of the places 0, 1, ... in x, where x is no number.
        zero: Whether the scale starts at zero.
        percent: Whether values are shares, shown as percent.
        log: Whether values are logarithms of shares, to the base ten, shown as percent.
        end: How the last place in x is written, where places are numbers.
        marks: Places in x that matter: the place, its words, and the look of its dashed line.
    """
    drawn = [_finite(line, width // 18) for line in lines]
    drawn = [line for line in drawn if len(line.x)]
    if not drawn:
        return tag("p", "Nothing finite to draw.", class_="none")
    ys = np.concatenate([line.y for line in drawn] + ([[reference[0]]] if reference else []))
    low, high = (0.0 if zero else float(ys.min())), float(ys.max())
    margin = (high - low) * 0.06 or abs(high) * 0.06 or 1.0
    low, high = (low if zero else low - margin), high + margin
    xs = np.concatenate([line.x for line in drawn])
    first, last = float(xs.min()), float(xs.max())
    right = RIGHT + 6.6 * max(len(line.label) for line in drawn)
    across = lambda x: LEFT + (x - first) / ((last - first) or 1) * (width - LEFT - right)
    down = lambda y: TOP + (high - y) / (high - low) * (height - TOP - BOTTOM)

    parts = []
    values = decades(low, high) if log else ticks(low, high, max(2, height // 60))
    said = [f"{100 * 10.0**v:.3g}%" for v in values] if log else tick_words(values, percent=percent)
    for value, words in zip(values, said, strict=True):
        y = down(value)
        parts += [_rule(LEFT, y, width - right), _word(LEFT - 7, y + 3.5, words, "tick end")]
    room = width - right - LEFT
    places = [(float(i), n) for i, n in enumerate(names)] or _ends(first, last, room, end)
    parts += [_word(across(x), height - 6, words, _side(x, first, last)) for x, words in places]
    if reference:
        y = down(reference[0])
        parts.append(tag("path", d=path([(LEFT, y), (width - right, y)]), class_="reference"))
        beneath = y + 14 if y < TOP + 16 else y - 6
        free = lambda at: min(abs(line.y[at] - reference[0]) for line in drawn)
        x, side = (width - right, "note end") if free(-1) >= free(0) else (LEFT + 4, "note")
        parts.append(_word(x, beneath, reference[1], side))
    for i, (place, words, look) in enumerate(marks):
        x, late = across(place), place > (first + last) / 2
        parts.append(tag("path", d=path([(x, TOP), (x, height - BOTTOM)]), class_=f"mark {look}"))
        side, aside = ("end", -6) if late else ("start", 6)
        parts.append(_word(x + aside, TOP + 12 + 15 * i, words, f"name {side} {look}"))
    for line in drawn:
        points = [(across(a), down(b)) for a, b in zip(line.x, line.y, strict=True)]
        parts.append(tag("path", d=path(points), class_=f"line {line.look}"))
        if len(points) == 1 or names:
            parts += [tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=2.5, class_=f"dot {line.look}")
                      for x, y in points]  # fmt: skip
    ends = [(line, down(line.y[-1])) for line in drawn if line.label]
    for line, y in _apart(ends, height - BOTTOM):
        parts.append(_word(width - right + 7, y + 4, line.label, f"name {line.look}"))
    return tag("svg", *parts, viewBox=f"0 0 {width} {height}", class_="chart", role="img",
               aria_label=label)  # fmt: skip


def _finite(line: Line, letters: int) -> Line:
    """The line where it has values, with a name that leaves room for it."""
    x, y = np.asarray(line.x, dtype=np.float64), np.asarray(line.y, dtype=np.float64)
    good = np.isfinite(x) & np.isfinite(y)
    label = line.label if len(line.label) <= letters else f"{line.label[: letters - 1]}…"
    return Line(x[good], y[good], label, line.look)


def _rule(x1: float, y: float, x2: float) -> Markup:
    return tag("path", d=path([(x1, y), (x2, y)]), class_="rule")


def _word(x: float, y: float, words: str, look: str) -> Markup:
    return tag("text", words, x=f"{x:.1f}", y=f"{y:.1f}", class_=look)


def _side(x: float, first: float, last: float) -> str:
    """The first word of an axis starts at its place, the last ends there."""
    return "tick" if x == first else "tick end" if x == last else "tick middle"


def _ends(first: float, last: float, room: float, end: str) -> list[tuple[float, str]]:
    """The ends of the axis and, where there is room, its middle."""
    middle = [round((first + last) / 2)] if room > 300 and last - first > 1 else []
    words = [(x, digits(round(x))) for x in (first, *middle)]
    return [*words, (last, end.format(digits(last)))] if last > first else words


def _apart(
    labels: list[tuple[Line, float]], bottom: float, gap: float = 13.0
) -> list[tuple[Line, float]]:
    """Push labels down until none covers another, then up until none lies under the axis."""
    placed: list[tuple[Line, float]] = []
    for line, y in sorted(labels, key=lambda pair: pair[1]):
        placed.append((line, max(y, placed[-1][1] + gap) if placed else y))
    for i in reversed(range(len(placed))):
        line, y = placed[i]
        bottom = min(y, bottom)
        placed[i], bottom = (line, bottom), bottom - gap
    return placed


def smooth(values: np.ndarray, window: int) -> np.ndarray:
    """The mean over a centred window, shorter at the ends; what is not finite does not count."""
    good = np.isfinite(values)
    sums = np.concatenate([[0.0], np.where(good, values, 0.0).cumsum()])
    counts = np.concatenate([[0], good.cumsum()])
    at = np.arange(len(values))
    low, high = np.maximum(at - window // 2, 0), np.minimum(at + window // 2 + 1, len(values))
    n = counts[high] - counts[low]
    return np.where(n > 0, (sums[high] - sums[low]) / np.maximum(n, 1), np.nan)


def thin(line: Line, most: int = 400) -> Line:
    """The same line through at most `most` of its points, the last included."""
    if len(line.x) <= most:
        return line
    at = np.linspace(0, len(line.x) - 1, most).round().astype(int)
    return Line(line.x[at], line.y[at], line.label, line.look)


def dot(value: float, low: float, high: float, spread: float = 0.0) -> Markup:
    """A dot, and a whisker of its spread, on a track from `low` to `high`: for a table's cell."""
    place = lambda v: 4 + 92 * min(1.0, max(0.0, (v - low) / ((high - low) or 1)))
    parts = [tag("path", d="M4 5L96 5", class_="track")]
    if spread:
        ends = [(place(value - spread), 5.0), (place(value + spread), 5.0)]
        parts.append(tag("path", d=path(ends), class_="whisker"))
    parts.append(tag("circle", cx=f"{place(value):.1f}", cy=5, r=3))
    return tag("svg", *parts, viewBox="0 0 100 10", class_="place", aria_hidden="true")
