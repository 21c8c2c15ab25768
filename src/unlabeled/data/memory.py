"""Samples that Python holds: arrays, tensors, lists of pictures or texts, torch Datasets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from unlabeled.data import arrays, decode, text
from unlabeled.data.files import digest
from unlabeled.data.labels import Labels, Opened, unlabelled
from unlabeled.data.listing import Listing
from unlabeled.data.options import Options
from unlabeled.errors import DataError

SAMPLE, LABEL = ("image", "img", "text"), "label"
NOWHERE = "a pair (data, labels), or items that are (sample, label)"


def opened(data: Any, options: Options) -> Opened:
    """A store of what is in memory.

    Args:
        data: An array or tensor; a sequence or map-style Dataset of pictures, arrays or texts, of
            pairs (sample, label), or of dicts with "image" and "label".
        options: What is asked.

    Raises:
        DataError: Where it is none of these.
    """
    if isinstance(data, (Tensor, np.ndarray)):
        array = _array(data)
        source = f"array {array.shape}"
        return arrays.opened(array, options, source, unlabelled(source, NOWHERE))
    if not hasattr(data, "__len__") or not hasattr(data, "__getitem__"):
        raise DataError(
            f"a {type(data).__name__} is no data that can be read",
            hint="a path, an array, a list, or a Dataset with a length",
        )
    return _items(data, options)


def pair(data: Any, labels: Any, options: Options) -> Opened:
    """Samples in memory whose labels came with them."""
    if isinstance(data, (Tensor, np.ndarray)):
        array = _array(data)
        return arrays.opened(array, options, f"array {array.shape}", lambda: Labels.of(labels))
    if len(data) != len(labels):
        raise DataError(f"{len(labels):,} labels for {len(data):,} samples")
    return _items(list(zip(data, labels, strict=True)), options)


def _items(data: Any, options: Options) -> Opened:
    """A sequence or Dataset, whose items may carry labels."""
    source = f"{type(data).__name__} of {len(data):,}"
    if not len(data):
        raise DataError(f"{source}: there is nothing in it")
    numbers, first = range(len(data)), _sample(data[0])
    if isinstance(first, Image.Image):
        sample = lambda i: _sample(data[i])
        listing = Listing(list(map(str, numbers)), sample, lambda: _labels(data, source))
        listing.in_order = True  # a Dataset need not be safe between threads
        store, rows = decode.decoded(listing, options, source)
        store.fingerprint = digest(store.data)
    elif isinstance(first, str):
        lines = ((str(i), _sample(data[i])) for i in numbers)
        store, rows = text.rows(lines, options, source)
        store.fingerprint = digest(store.data, store.words)
    else:
        return arrays.opened(
            _stack(data, source), options, source, lambda: Labels.of(_labels(data, source))
        )
    return Opened(store, lambda: Labels.of(_labels(data, source)).at(rows))


def _stack(data: Any, source: str) -> np.ndarray:
    try:
        return np.stack([_array(_sample(data[i])) for i in range(len(data))])
    except (ValueError, TypeError) as error:
        raise DataError(f"{source}: its samples are no arrays of one shape ({error})") from error


def _array(data: Any) -> np.ndarray:
    return data.detach().cpu().numpy() if isinstance(data, Tensor) else np.asarray(data)


def _sample(item: Any) -> Any:
    """The sample in an item of a Dataset; nothing else in the item is looked at."""
    if isinstance(item, dict):
        return next((item[name] for name in SAMPLE if name in item), None)
    return item[0] if isinstance(item, (tuple, list)) and len(item) else item


def _labels(data: Any, source: str) -> Sequence[Any] | np.ndarray:
    """The label of each item of a Dataset, from its `targets` (as torchvision's) or its items."""
    targets = getattr(data, "targets", None)
    if targets is not None and len(targets) == len(data):
        return _array(targets)
    items = [data[i] for i in range(len(data))]
    if all(isinstance(item, dict) and LABEL in item for item in items):
        return [item[LABEL] for item in items]
    if all(isinstance(item, (tuple, list)) and len(item) >= 2 for item in items):
        return [v.item() if isinstance(v := item[1], (Tensor, np.generic)) else v for item in items]
    raise DataError(f"no labels in {source}: looked for {NOWHERE}")
