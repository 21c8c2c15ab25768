"""Samples that Python holds: arrays, tensors, lists of pictures or texts, torch Datasets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from unlabeled.data import arrays, decode, text
from unlabeled.data.labels import Labels, Opened, unlabelled
from unlabeled.data.listing import Listing
from unlabeled.data.options import Options
from unlabeled.data.store import Store
from unlabeled.errors import DataError

PICTURES, LABEL = ("image", "img", "text"), "label"
NOWHERE = "a pair (data, labels), or a dataset whose items are (sample, label)"


def opened(data: Any, options: Options) -> Opened:
    """A store of what is in memory.

    Args:
        data: An array or tensor; a pair (data, labels); a sequence or map-style Dataset of
            pictures, arrays or texts, or of pairs (sample, label), or of dicts with "image" and
            "label".
        options: What is asked.

    Raises:
        DataError: Where it is none of these.
    """
    if isinstance(data, Store):
        return Opened(data, unlabelled(data.source, NOWHERE))
    if isinstance(data, tuple) and len(data) == 2:
        return _pair(*data, options)
    if isinstance(data, (Tensor, np.ndarray)):
        array = _array(data)
        source = f"an array {array.shape}"
        return arrays.opened(array, options, source, unlabelled(source, NOWHERE))
    if not hasattr(data, "__len__") or not hasattr(data, "__getitem__"):
        raise DataError(
            f"a {type(data).__name__} is no data that can be read",
            hint="a path, an array, a list, or a Dataset with a length",
        )
    return _items(data, options)


def _pair(data: Any, raw: Any, options: Options) -> Opened:
    """Samples whose labels came with them."""
    store = opened(data, options).store

    def labels() -> Labels:
        found = Labels.of(_array(raw) if isinstance(raw, Tensor) else raw)
        if len(found) != len(data):
            raise DataError(f"{len(found):,} labels for {len(data):,} samples")
        return Labels(found.values[_origins(store)], found.names)

    return Opened(store, labels)


def _origins(store: Store) -> list[int]:
    """Which item each row came from: samples in memory are named by their number."""
    first = 1 if store.shape.modality == "text" and store.extra.get("lines") else 0
    return [int(key.split(".")[0]) - first for key in store.keys]


def _items(data: Any, options: Options) -> Opened:
    """A sequence or Dataset, whose items may carry labels."""
    source = f"a {type(data).__name__} of {len(data)}"
    if not len(data):
        raise DataError(f"{source}: there is nothing in it")
    first = _sample(data[0])
    if isinstance(first, Image.Image):
        keys = [str(i) for i in range(len(data))]
        listing = Listing(keys, lambda i: _sample(data[i]), lambda: _labels(data, source))
        store, kept = decode.decoded(listing, options, source)
        store.fingerprint = arrays.digest(store.data)
        return Opened(store, lambda: _chosen(_labels(data, source), kept))
    if isinstance(first, str):
        store = text.store(((str(i), _sample(data[i])) for i in range(len(data))), options, source)
        return Opened(store, lambda: _chosen(_labels(data, source), _origins(store)))
    try:
        array = np.stack([_array(_sample(data[i])) for i in range(len(data))])
    except (ValueError, TypeError) as error:
        raise DataError(f"{source}: its samples are not arrays of one shape ({error})") from error
    return arrays.opened(array, options, source, lambda: Labels.of(_labels(data, source)))


def _array(data: Any) -> np.ndarray:
    return data.detach().cpu().numpy() if isinstance(data, Tensor) else np.asarray(data)


def _sample(item: Any) -> Any:
    """The sample in an item of a Dataset; whatever else is in the item is not looked at."""
    if isinstance(item, dict):
        return next((item[name] for name in PICTURES if name in item), None)
    return item[0] if isinstance(item, (tuple, list)) and len(item) else item


def _labels(data: Any, source: str) -> Sequence[Any]:
    """The label of each item of a Dataset."""
    targets = getattr(data, "targets", None)
    if targets is not None and len(targets) == len(data):
        return _array(targets) if isinstance(targets, Tensor) else targets
    items = [data[i] for i in range(len(data))]
    if all(isinstance(item, dict) and LABEL in item for item in items):
        return [item[LABEL] for item in items]
    if all(isinstance(item, (tuple, list)) and len(item) >= 2 for item in items):
        return [_plain(item[1]) for item in items]
    raise DataError(f"no labels in {source}: looked for {NOWHERE}")


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, (Tensor, np.generic)) else label


def _chosen(raw: Any, places: Sequence[int] | np.ndarray) -> Labels:
    found = Labels.of(raw)
    return Labels(found.values[np.asarray(places, int)], found.names)
