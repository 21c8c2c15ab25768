"""Samples as pictures: thumbnails and strips of images, small lines for series, words for text.

Every image is encoded anew by Pillow from its pixels, so nothing of the original file travels
with the page: no metadata, no odd encoder's bytes.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, features

from unlabeled.report.markup import Markup, join, name, tag
from unlabeled.report.things import Things, kind

CRISP = 64  # images up to this side are shown as their pixels are; larger ones are resampled
SHARP = 84  # pixels of a small image's cell, so that its pixels stay square on a dense screen


def pixels(image: np.ndarray) -> Image.Image:
    """A `(c, h, w)` array, uint8 or floats in [0, 1], as grey or RGB.

    Of two channels the first is shown, of four or more the first three.
    """
    image = np.asarray(image)
    if image.dtype != np.uint8:
        image = (np.nan_to_num(image).clip(0, 1) * 255 + 0.5).astype(np.uint8)
    if len(image) < 3:
        return Image.fromarray(np.ascontiguousarray(image[0]))
    return Image.fromarray(np.ascontiguousarray(image[:3].transpose(1, 2, 0)))


def fitted(image: np.ndarray, side: int) -> Image.Image:
    """An image within a square: a small one as a whole multiple, a large one resampled."""
    drawn = pixels(image)
    longest = max(drawn.size)
    if crisp(image):
        times = max(1, side // longest)
        drawn = drawn.resize((drawn.width * times, drawn.height * times), Image.Resampling.NEAREST)
    if max(drawn.size) > side:
        drawn.thumbnail((side, side), Image.Resampling.LANCZOS)
    return drawn


def uri(image: Image.Image, *, exact: bool) -> str:
    """A data URI: every pixel as it is, or as a photograph. WebP, or PNG where Pillow lacks it."""
    buffer = io.BytesIO()
    form = "webp" if features.check("webp") else "png"
    if form == "webp":
        image.save(buffer, "WEBP", lossless=exact, quality=80, method=4)
    else:
        image.save(buffer, "PNG", optimize=True)
    return f"data:image/{form};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def crisp(image: np.ndarray) -> bool:
    """Whether an image `(..., h, w)` is so small that its pixels are to be seen."""
    return max(image.shape[-2:]) <= CRISP


def cell_side(images: np.ndarray) -> int:
    """Pixels of a cell: a whole multiple of small images, else as they are, up to 128."""
    longest = max(images.shape[-2:])
    return longest * max(1, round(SHARP / longest)) if crisp(images) else min(longest, 128)


def strip(images: Mapping[int, np.ndarray], columns: int) -> str:
    """Images `(c, h, w)` side by side as one data URI with clear gaps, image i in cell i.

    The strip is `columns` cells wide however few there are, so that strips below one another line
    up.
    """
    first = next(iter(images.values()))
    side = cell_side(first)
    gap = max(2, side // 12)
    sheet = Image.new("LA" if len(first) < 3 else "RGBA", (columns * (side + gap) - gap, side))
    for i, image in images.items():
        drawn = fitted(image, side)
        across, down = (side - drawn.width) // 2, (side - drawn.height) // 2
        sheet.paste(drawn, (i * (side + gap) + across, down))  # pasted opaque: alpha becomes full
    return uri(sheet, exact=crisp(first))


def sparkline(series: np.ndarray, width: int = 120, height: int = 44) -> Markup:
    """A `(c, t)` series as thin lines, one a channel (at most four), each on its own scale."""
    lines = []
    for i, channel in enumerate(np.asarray(series, dtype=np.float64)[:4]):
        few = resampled(channel, width // 2)
        low, high = float(few.min(initial=np.inf)), float(few.max(initial=-np.inf))
        span = high - low if high > low else 1.0
        across = np.linspace(1, width - 1, max(2, len(few)))
        down = height - 3 - (few - low) / span * (height - 6)
        d = path(list(zip(across, down, strict=False)))
        lines.append(tag("path", d=d, class_=f"line s{i}"))
    return tag("svg", *lines, viewBox=f"0 0 {width} {height}", class_="sparkline")


def resampled(values: np.ndarray, most: int) -> np.ndarray:
    """At most `most` finite values: the largest and the smallest of each stretch, so peaks stay."""
    values = values[np.isfinite(values)]
    if len(values) <= most:
        return values
    kept = []
    for part in np.array_split(values, most // 2):
        ends = sorted((int(part.argmin()), int(part.argmax())))
        kept += [part[i] for i in ends]
    return np.array(kept)


def path(points: Sequence[tuple[float, float]]) -> str:
    """An SVG path through points, to a tenth of a unit."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) if points else ""


def thing(sample: np.ndarray | str, side: int = 96) -> Markup:
    """One sample: an image `(c, h, w)`, a series `(c, t)` or a text."""
    if isinstance(sample, str):
        return tag("span", name(sample), class_="text")
    if np.ndim(sample) == 2:
        return sparkline(sample)
    image = np.asarray(sample)
    drawn = fitted(image, min(side, cell_side(image)))
    source = uri(drawn, exact=crisp(image))
    return tag("img", src=source, alt="", width=drawn.width, height=drawn.height)


def gallery(rows: Sequence[tuple[str, Things]], bands: int = 3, *, same: bool = True) -> Markup:
    """Rows of samples under one another, each with its label; long rows wrap together.

    Column j holds the same sample in every row. Where one row has k times as many as another
    (four turns of each image), the other's stand above the first of each k.

    Args:
        rows: Labels and samples.
        bands: Most pieces that a long row is cut into.
        same: Whether the rows are of the same samples; others stand side by side.
    """
    rows = [(label, things) for label, things in rows if len(things)]
    if not rows:
        return Markup("")
    kinds = list(dict.fromkeys(kind(things) for _, things in rows))
    if len(kinds) > 1:  # images and their captions
        alike = ([r for r in rows if kind(r[1]) == k] for k in kinds)
        return join(*(gallery(part, bands, same=same) for part in alike))
    what = kinds[0]
    if what == "text":
        return _texts(rows)
    columns = _columns(rows, what)
    longest = max(len(things) for _, things in rows)
    wanted = min(bands, math.ceil(longest / columns))
    parts = []
    for start in range(0, wanted * columns, columns):
        cells = [(k, _cells(x, longest if same else len(x), start, columns)) for k, x in rows]
        lines = (_row(label, here, columns, what) for label, here in cells if here)
        parts.append(tag("div", *lines, class_="band"))
    return tag("div", *parts, class_=f"gallery {what}")


def _cells(things: Things, longest: int, start: int, columns: int) -> dict[int, Any]:
    """The samples of a row that stand in cells start to start + columns, by their column."""
    each = longest // len(things) if longest % len(things) == 0 else 1
    return {i * each - start: x for i, x in enumerate(things) if 0 <= i * each - start < columns}


def _columns(rows: Sequence[tuple[str, Things]], what: str) -> int:
    """Cells in a row: many small images, fewer large ones; no more than there are."""
    longest = max(len(things) for _, things in rows)
    if what == "series":
        return 5
    side = max(max(np.shape(things)[-2:]) for _, things in rows)
    return max(8, min(12 if side <= CRISP else 8, longest))


def _row(label: str, cells: Mapping[int, np.ndarray], columns: int, what: str) -> Markup:
    head = tag("div", name(label), class_="label")
    if what == "series":
        drawn = (tag("div", thing(cells[i]) if i in cells else None) for i in range(columns))
        return join(head, tag("div", *drawn, class_="lines"))
    alt = f"{len(cells)} images: {label}"
    return join(head, tag("img", src=strip(cells, columns), alt=alt, class_="strip"))


def _texts(rows: Sequence[tuple[str, Things]], most: int = 8) -> Markup:
    """Texts sample by sample, since they are too long to stand side by side."""
    blocks = []
    for i in range(min(most, max(len(things) for _, things in rows))):
        lines = [
            join(tag("div", name(label), class_="label"), tag("div", thing(things[i])))
            for label, things in rows
            if i < len(things)
        ]
        blocks.append(tag("div", *lines, class_="band"))
    return tag("div", *blocks, class_="gallery texts")
