"""From a folder, archive, array, table or text to batches; never a label on the way to pretraining.

store = open_data("photos/")                       # decoded once, labels never read
store, labels = open_labeled("labelled/", like=store)
batches = Batches(store, 256)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from unlabeled.data import sources
from unlabeled.data.batches import Batches
from unlabeled.data.labels import Labels, Opened
from unlabeled.data.options import Options
from unlabeled.data.store import Store
from unlabeled.encoders import Shape
from unlabeled.errors import DataError

__all__ = ["Batches", "Labels", "Store", "open_apart", "open_data", "open_known", "open_labeled"]


def open_data(
    source: Any,
    *,
    like: Store | Shape | None = None,
    size: int | None = None,
    modality: str = "auto",
    allow_bad: float = 0.01,
    value_range: tuple[float, float] | None = None,
    pixel_limit: int = 178_000_000,
    cache: bool = True,
    min_count: int = 5,
    vocabulary: Sequence[str] | None = None,
    length: int | None = None,
    download: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Store:
    """Open samples without their labels.

    Args:
        source: A named set (`sample`, `fashion-mnist`, `digits`, `wordnet`, `20-newsgroups`; a
            part after a colon); a folder of pictures or texts, a zip or tar, a parquet file with a
            column `image`, a `.npy` or IDX file, a `.ts` file of series, a text file; an array, a
            tensor, a sequence or a torch Dataset.
            `./sample` is the folder of that name.
        like: A store, or the shape of a run's samples, that these must look like: channels and
            size, or the length and vocabulary of texts. It overrides `size` and `modality`.
        size: Side of images in pixels. Files: small pictures that share one size stay as they
            are, others become 96. Arrays: as they are. Series: steps.
        modality: "image", "series" or "text" where "auto" would guess otherwise.
        allow_bad: Share of files, in [0, 1], that may be unusable; they are left out and listed
            in `Store.bad`.
        value_range: Values that become 0 and 255 in pictures deeper than eight bits. By default
            the least 0.1 and the greatest 99.9 percentile of a sample of the files.
        pixel_limit: Pictures with more pixels are refused.
        cache: Whether decoded pictures may be kept in $UNLABELED_CACHE (~/.cache/unlabeled), to
            be opened at once next time. Less than 64 MiB are not, unless they took seconds.
        min_count: How often a word must occur in a text to be known.
        vocabulary: The words known, the padding first, in place of counting them.
        length: Words in a row of text; 32 by default.
        download: Whether a named set may be fetched.
        progress: Called with (done, of) as pictures are decoded.

    Raises:
        UsageError: Where a setting means nothing.
        DataError: Where there is nothing to read, or too much of it is bad.
        MachineError: Where there is no room, or a package is missing.
    """
    settings = {**locals()}
    del settings["source"], settings["like"]
    options = Options(**settings)
    return sources.opened(source, options if like is None else options.like(like)).store


def open_labeled(source: Any, like: Store | Shape, **settings: Any) -> tuple[Store, Labels]:
    """Open samples with their labels, in the form of a run's samples; for judging only.

    Args:
        source: As for `open_data`; also a pair (samples, labels). Labels are class folders, the
            IDX or `.npy` file beside the images, the column `label`, the ends of the lines of a
            `.ts` file, or those of the named set or the Dataset.
        like: The run's store, or the shape of its samples.
        settings: Others of `open_data`.

    Raises:
        DataError: Where there are no labels; says where they were looked for.
    """
    store, labels = sources.opened(source, Options(**settings).like(like))
    found = labels()
    assert len(found) == len(store)
    return store, found


def open_apart(source: Any, like: Store | Shape | None = None, **settings: Any) -> Opened:
    """Open samples without their labels, and keep at hand how to read these later, to show them.

    Args:
        source: As for `open_data`.
        like: As for `open_data`.
        settings: Others of `open_data`.
    """
    options = Options(**settings)
    return sources.opened(source, options if like is None else options.like(like))


def open_known(
    source: Any, like: Store | Shape | None = None, **settings: Any
) -> tuple[Store, Labels | None]:
    """Open samples with their labels, or None where there are none; to show them side by side.

    Args:
        source: As for `open_labeled`.
        like: As for `open_data`.
        settings: Others of `open_data`.
    """
    store, labels = open_apart(source, like, **settings)
    try:
        return store, labels()
    except DataError:
        return store, None
