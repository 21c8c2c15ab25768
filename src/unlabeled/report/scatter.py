"""The map: every sample a dot, and as many samples as fit drawn in their places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from unlabeled.report.markup import Markup, name, tag, text
from unlabeled.report.pictures import fitted, path, resampled, uri
from unlabeled.report.things import Map, Things, kind

WIDTH, MARGIN = 1140, 30
COLOURS = 8  # of the palette; from the ninth label on, dots are hollow
MOST_LABELS = 16
MOST_DOTS, MOST_DRAWN = 4000, 320


def scatter(shown: Map) -> Markup:
    """The map as SVG, and its labels as a legend; under the pointer, a sample grows."""
    points = np.asarray(shown.points, dtype=np.float64)[:MOST_DOTS]
    places, height = _fit(points)
    sizes = [_size(shown.things, i) for i in range(len(places))]
    chosen = apart(places, sizes)
    looks, legend = _looks(shown.labels)
    dots, drawn = [], []
    for i, (x, y) in enumerate(places):
        look = looks.get(shown.labels[i], "other") if looks else "other"
        title = tag("title", _title(shown, i)) if shown.names or shown.labels else None
        if i in chosen:
            inside = _sample(shown.things, i, x, y, sizes[i])
            drawn.append(tag("g", title, *inside, class_=f"thumb {look}"))
        else:
            dots.append(tag("circle", title, cx=f"{x:.1f}", cy=f"{y:.1f}", r=2.6, class_=look))
    svg = tag("svg", tag("g", *dots, class_="dots"), *drawn, viewBox=f"0 0 {WIDTH} {height}",
              role="img", aria_label="map of the samples")  # fmt: skip
    return tag("div", legend, svg, class_=f"map {kind(shown.things)}")


def _fit(points: np.ndarray) -> tuple[np.ndarray, int]:
    """Places on the page, one scale for both directions, and the height they need."""
    low, high = points.min(0), points.max(0)
    span = np.maximum(high - low, 1e-12)
    tall = float(np.clip(WIDTH * span[1] / span[0], 300, 780))
    scale = min((WIDTH - 2 * MARGIN) / span[0], (tall - 2 * MARGIN) / span[1])
    if max(high - low) <= 1e-12:  # all on one point
        scale, tall = 0.0, 4.0 * MARGIN
    middle = np.array([WIDTH / 2, tall / 2])
    return middle + (points - (low + high) / 2) * scale, round(tall)


def _size(things: Things, i: int) -> tuple[float, float]:
    """Width and height that sample i takes when drawn."""
    what = kind(things)
    if what == "text":
        return 7.0 * min(24, len(things[i])) + 6, 14.0
    return (54.0, 24.0) if what == "series" else (34.0, 34.0)


def apart(places: np.ndarray, sizes: Sequence[tuple[float, float]]) -> set[int]:
    """Samples that can be drawn without covering one another: first come, first drawn."""
    chosen: list[int] = []
    half = np.asarray(sizes) / 2
    for i in range(len(places)):
        near = np.abs(places[chosen] - places[i]) < half[chosen] + half[i] + 0.5
        if len(chosen) < MOST_DRAWN and not near.all(1).any():
            chosen.append(i)
    return set(chosen)


def _looks(labels: Sequence[str]) -> tuple[dict[str, str], Markup]:
    """A CSS class for each label, most frequent first, and the legend; none for too many labels."""
    counted = [label for label, _ in sorted(Counter(labels).items(), key=lambda p: (-p[1], p[0]))]
    if not 2 <= len(counted) <= MOST_LABELS:
        return {}, Markup("")
    looks = {
        label: f"k{i % COLOURS}{' hollow' if i >= COLOURS else ''} l{i}"
        for i, label in enumerate(sorted(counted))
    }
    dot = lambda look: tag("svg", tag("circle", cx=6, cy=6, r=4, class_=look), viewBox="0 0 12 12")
    items = [tag("li", dot(look), name(label), class_=look) for label, look in looks.items()]
    return looks, tag("ul", *items, class_="legend")


def _title(shown: Map, i: int) -> Markup:
    said = [str(many[i]) for many in (shown.names, shown.labels) if i < len(many)]
    return text(" · ".join(said))


def _sample(things: Things, i: int, x: float, y: float, size: tuple[float, float]) -> list[Markup]:
    """The shapes of sample i, in a box of the given size around its place."""
    left, top, (width, height) = x - size[0] / 2, y - size[1] / 2, size
    box = {"x": f"{left:.1f}", "y": f"{top:.1f}", "width": f"{width:g}", "height": f"{height:g}"}
    what = kind(things)
    if what == "text":
        words = str(things[i])
        words = words if len(words) <= 24 else words[:23] + "…"
        return [tag("text", words, x=f"{x:.1f}", y=f"{y + 4:.1f}")]
    frame = tag("rect", **box, class_="frame")
    if what == "image":
        source = uri(fitted(np.asarray(things[i]), 60), exact=things.shape[1] < 3)  # pyright: ignore
        return [tag("image", href=source, **box), frame]
    few = resampled(np.asarray(things[i][0], dtype=np.float64), 40)
    span = float(np.ptp(few)) or 1.0 if len(few) else 1.0
    across = np.linspace(left + 2, left + width - 2, max(2, len(few)))
    down = top + height - 3 - (few - few.min(initial=0)) / span * (height - 6)
    return [frame, tag("path", d=path(list(zip(across, down, strict=False))), class_="line")]
