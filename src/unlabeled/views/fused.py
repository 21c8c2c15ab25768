"""Views of images on a CPU in one pass: what `images.render` does, one image after another.

Batched tensor operations write every intermediate of a whole batch to memory and read it back.
Here an image stays in the cache from its first operation to its last. The threads are plain ones,
as many as torch may use, each with a share of the batch: compiled code holds no lock, and there is
no threading layer to clash with torch's, with a fork or with another caller.
"""
# ruff: noqa: ANN001, ANN202 (numba infers the types of what it compiles)

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

import numba
import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from unlabeled.views.images import Drawn, Lines

BLOCK = 2048  # pixels that all colour operations pass over before the next block: 24 kB of RGB
ZERO, ONE, SIX = np.float32(0), np.float32(1), np.float32(6)  # a Python float would make doubles
NEXT = np.uint32(1)
LUMA = np.array([0.299, 0.587, 0.114], np.float32)

jit = numba.njit(
    cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz", "arcp", "reassoc"}
)


def render(images: Tensor, rows: Lines, columns: Lines, drawn: Drawn, size: int) -> Tensor:
    """Make the drawn views: `(b, 1 or 3, h, w)` uint8 or float32 to `(b, c, size, size)`.

    The floats are in [0, 1] and lie with the channels last in memory.
    """
    b, c = images.shape[:2]
    out = torch.empty((b, c, size, size), memory_format=torch.channels_last)
    unit = 1 / 255 if images.dtype == torch.uint8 else 1.0
    numbers = torch.stack(
        [
            *(drawn.brightness * unit, drawn.contrast, drawn.saturation, drawn.hue % 1),
            *(drawn.gray.float(), drawn.solarize.float(), drawn.sigma * size / 224),
        ],
        1,
    )
    given = [tensor.float().contiguous().numpy() for tensor in (*rows, *columns, numbers)]
    pixels, target = images.contiguous().numpy(), out.permute(0, 2, 3, 1).reshape(b, -1, c).numpy()

    def work(first: int, last: int) -> None:
        flat = np.empty((c, size * size), np.float32)
        _views(first, last, flat, flat.reshape(c, size, size), pixels, target, *given)

    threads = torch.get_num_threads()
    if threads == 1 or b < 4 * threads:
        work(0, b)
    else:  # more shares than threads, so that one with costly views does not keep all waiting
        edges = [b * share // (4 * threads) for share in range(4 * threads + 1)]
        list(_pool(threads).map(work, edges[:-1], edges[1:]))
    return out


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "unlabeled-views")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        after_in_child=_pool.cache_clear
    )  # a child has none of its parent's threads


@jit
def _views(first, last, flat, view, images, out, rows, tall, columns, wide, numbers):
    """Views `first` to `last` of a batch; `flat` and `view` are one scratch image in two shapes."""
    c, n = flat.shape
    for i in range(first, last):
        contrast, saturation, hue = numbers[i, 1], numbers[i, 2], numbers[i, 3]
        _sample(images[i], view, rows[i], tall[i], columns[i], wide[i])
        mean = ZERO
        for ch in range(c):
            total = 0.0
            for at in range(0, n, BLOCK):
                total += _brighten(flat[ch, at : at + BLOCK], numbers[i, 0])
            mean += np.float32(total / n) * (LUMA[ch] if c == 3 else ONE)
        for at in range(0, n, BLOCK):
            part = slice(at, at + BLOCK)
            if contrast != 1:
                for ch in range(c):
                    _stretch(flat[ch, part], mean, contrast)
            if c == 3:
                r, g, b = flat[0, part], flat[1, part], flat[2, part]
                if saturation != 1:
                    _saturate(r, g, b, saturation)
                if hue != 0:
                    _turn(r, g, b, SIX * hue)
                if numbers[i, 4] != 0:
                    _saturate(r, g, b, ZERO)
            if numbers[i, 5] != 0 and numbers[i, 6] <= 0:
                for ch in range(c):
                    _solarize(flat[ch, part])
        if numbers[i, 6] > 0:
            _blur(view, numbers[i, 6])
            if numbers[i, 5] != 0:  # after the blur, which needs the whole view
                for ch in range(c):
                    _solarize(flat[ch])
        _interleave(flat, out[i])


@jit
def _taps(centres, reach, n):
    """The first of n pixels that each line reads, and its weights from there: `(taps, size)`."""
    taps = 2 * math.ceil(reach)
    first = np.empty(len(centres), np.uint32)  # unsigned: no test for a negative index
    weight = np.zeros((taps, len(centres)), np.float32)
    for i in range(len(centres)):
        at = max(0, math.floor(centres[i] - reach) + 1)
        total = ZERO
        for k in range(min(taps, n - at)):
            near = ONE - abs(np.float32(at + k) - centres[i]) / reach
            weight[k, i] = max(ZERO, near)
            total += weight[k, i]
        for k in range(taps):
            weight[k, i] /= total
        first[i] = at
    return first, weight


@jit
def _sample(image, view, rows, tall, columns, wide):
    """Crop, resize and flip `(c, h, w)` to `(c, size, size)`, in the image's own units.

    First every row that is needed is resized, then the columns. The loops index whole arrays:
    a slice would count references, with a lock, at every row.
    """
    c, h, w = image.shape
    size = len(rows)
    top, down = _taps(rows, tall, h)
    left, across = _taps(columns, wide, w)
    low, high = _range(top, len(down), h)
    start, stop = _range(left, len(across), w)
    line = np.zeros(w + len(across), np.float32)  # beyond the border, weights are 0
    strip = np.empty((high - low, size), np.float32)
    for ch in range(c):
        for y in range(low, high):
            row = y - low
            for x in range(np.uint32(start), np.uint32(stop)):
                line[x] = np.float32(image[ch, y, x])
            for j in range(size):
                at = left[j]
                strip[row, j] = across[0, j] * line[at] + across[1, j] * line[at + NEXT]
            for k in range(2, len(across)):
                for j in range(size):
                    strip[row, j] += across[k, j] * line[left[j] + np.uint32(k)]
        for i in range(size):
            row, a, b = int(top[i]) - low, down[0, i], down[1, i]
            below = min(row + 1, len(strip) - 1)
            for j in range(size):
                view[ch, i, j] = a * strip[row, j] + b * strip[below, j]
            for k in range(2, min(len(down), len(strip) - row)):
                for j in range(size):
                    view[ch, i, j] += down[k, i] * strip[row + k, j]


@jit
def _range(first, taps, n):
    """The pixels that any line reads, from and to; the lines run up or down."""
    one, other = int(first[0]), int(first[len(first) - 1])
    return min(one, other), min(n, max(one, other) + taps)


@jit
def _clip(x):
    return min(max(x, ZERO), ONE)


@jit
def _brighten(plane, factor):
    """Scale and clip; the sum of the result."""
    total = ZERO
    for p in range(len(plane)):
        plane[p] = _clip(plane[p] * factor)
        total += plane[p]
    return total


@jit
def _stretch(plane, mean, factor):
    """Contrast: away from the mean, or towards it."""
    for p in range(len(plane)):
        plane[p] = _clip(mean + (plane[p] - mean) * factor)


@jit
def _saturate(r, g, b, factor):
    """Away from grey, or towards it."""
    for p in range(len(r)):
        seen = LUMA[0] * r[p] + LUMA[1] * g[p] + LUMA[2] * b[p]
        r[p] = _clip(seen + (r[p] - seen) * factor)
        g[p] = _clip(seen + (g[p] - seen) * factor)
        b[p] = _clip(seen + (b[p] - seen) * factor)


@jit
def _turn(r, g, b, sixths):
    """Turn the hue by `sixths` of the circle, in [0, 6); as `images.turn_hue`."""
    for p in range(len(r)):
        top, low = max(r[p], g[p], b[p]), min(r[p], g[p], b[p])
        span = top - low
        share = ONE / max(span, np.float32(1e-8))
        hue = np.float32(4) + (r[p] - g[p]) * share
        hue = np.float32(2) + (b[p] - r[p]) * share if top == g[p] else hue
        hue = (g[p] - b[p]) * share if top == r[p] else hue
        hue += sixths
        r[p] = top - span * _wave(hue + np.float32(5))
        g[p] = top - span * _wave(hue + np.float32(3))
        b[p] = top - span * _wave(hue + np.float32(1))


@jit
def _wave(k):
    """clip(min(k, 4 - k), 0, 1) of k modulo 6, for k in [0, 18)."""
    k = k - SIX if k >= SIX else k
    k = k - SIX if k >= SIX else k
    return _clip(min(k, np.float32(4) - k))


@jit
def _solarize(plane):
    for p in range(len(plane)):
        plane[p] = ONE - plane[p] if plane[p] >= np.float32(0.5) else plane[p]


@jit
def _blur(view, sigma):
    """Gaussian blur with reflected borders, in place; as `images.blur`."""
    size = view.shape[1]
    reach = min(max(1, size // 20), math.ceil(5.5 * sigma))  # beyond, weights are below 3e-7
    kernel = np.empty(reach + 1, np.float32)
    total = ZERO
    for k in range(reach + 1):
        kernel[k] = math.exp(-(k**2) / (2 * max(sigma, np.float32(1e-3)) ** 2))
        total += kernel[k] * (1 if k == 0 else 2)
    for k in range(reach + 1):
        kernel[k] /= total
    turned = np.empty((size, size), np.float32)
    for ch in range(len(view)):
        _blur_columns(view[ch], turned, kernel)
        _blur_columns(turned, view[ch], kernel)


@jit
def _blur_columns(plane, turned, kernel):
    """Blur along the columns, and write rows as columns; twice makes a blur of both."""
    size = len(plane)
    line = np.empty(size, np.float32)
    for i in range(size):
        for j in range(size):
            line[j] = kernel[0] * plane[i, j]
        for k in range(1, len(kernel)):
            above, below = abs(i - k), i + k if i + k < size else 2 * size - 2 - i - k
            for j in range(size):
                line[j] += kernel[k] * (plane[above, j] + plane[below, j])
        for j in range(size):
            turned[j, i] = line[j]


@jit
def _interleave(flat, out):
    for p in range(len(out)):
        out[p, 0] = flat[0, p]
        if len(flat) == 3:
            out[p, 1] = flat[1, p]
            out[p, 2] = flat[2, p]
