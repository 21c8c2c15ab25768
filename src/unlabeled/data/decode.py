"""From a listing of encoded pictures to a store: look at a sample, decide, decode all, once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from PIL import __version__ as pillow

from unlabeled.data import cache, images
from unlabeled.data.demand import HINT, OnDemand, Pixels, attempt, decode, threads
from unlabeled.data.listing import Listing, judge
from unlabeled.data.options import Options, Span
from unlabeled.data.store import Store
from unlabeled.encoders import Shape
from unlabeled.errors import DataError, MachineError

SAMPLED = 256  # pictures that are looked at to decide what all become
KEPT = 64  # pixels: small pictures of one size stay as they are
DEFAULT = 96  # pixels: what others are resized to unless told
SMALL = 64 << 20  # decoded bytes below which pictures stay in memory; they are kept on disk too
SLOW = 2.0  # if decoding them took so many seconds
PATIENCE = 100  # bad files that are gathered before a hopeless data set is given up
ROOM = 0.5  # share of the free memory that pictures may take: training needs the rest


@dataclass
class Tally:
    """What decoding met on its way."""

    kept: list[int] = field(default_factory=list)
    bad: list[tuple[str, str]] = field(default_factory=list)
    remarks: Counter[str] = field(default_factory=Counter)


def decoded(listing: Listing, options: Options, source: str) -> tuple[Store, np.ndarray]:
    """Every picture of a listing that can be decoded, and which those are, `(n,)`.

    Raises:
        DataError: Where none can be used, more than `allow_bad` cannot, or no pictures are wanted.
        MachineError: Where the result fits neither on the disk nor in memory, and pictures can
            only be read in order.
    """
    options.check("image", source)
    if not len(listing):
        raise DataError(
            f"{source} holds no pictures ({len(listing.bad)} entries cannot be used)"
            + "".join(f"\n  {key!r}: {why}" for key, why in listing.bad[:5])
        )
    with images.careful(options.pixel_limit):
        name = _name(listing, options)
        found = cache.load(name) if name and options.cache else None
        data, said = found or _make(listing, options, name, source)
    bad = [*listing.bad, *((key, why) for key, why in said["bad"])]
    judge(bad, len(said["keys"]), options.allow_bad, source)
    if isinstance(data, OnDemand):
        images.stay_careful(options.pixel_limit)
        data.bad = bad  # which grows where files break later
    store = Store(
        data=cast("np.ndarray", data),
        shape=Shape("image", data.shape[1], data.shape[2]),
        keys=said["keys"],
        source=source,
        bad=bad,
        notes=(*listing.notes, *said["notes"]),
        fingerprint=listing.fingerprint,
        extra={"spans": {kind: tuple(span) for kind, span in said["spans"].items()}},
    )
    kept = np.setdiff1d(np.arange(len(listing)), said["dropped"], assume_unique=True)
    return store, kept


def _name(listing: Listing, options: Options) -> str:
    """What the cache calls the result: all that it depends on; empty where that is unknown."""
    if not listing.fingerprint:
        return ""
    asked = [options.size, options.channels, options.value_range, options.pixel_limit]
    parts = [cache.VERSION, pillow, listing.fingerprint, *asked, sorted(options.spans.items())]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _make(
    listing: Listing, options: Options, name: str, source: str
) -> tuple[np.ndarray | OnDemand, dict[str, Any]]:
    """Decode all: large data into the cache, small data into memory; later what fits neither."""
    policy, notes = look(listing, options)
    shape = len(listing), policy.channels, policy.size, policy.size
    nbytes = int(np.prod(shape))

    def begin() -> tuple[Tally, Iterator[np.ndarray]]:
        tally = Tally(bad=list(listing.bad))
        return tally, _good(_all(listing, policy, options), listing, options, tally, source)

    def record(tally: Tally) -> dict[str, Any]:
        counted = [f"{n:,} pictures: {what}" for what, n in sorted(tally.remarks.items())]
        return {
            "keys": [listing.keys[i] for i in tally.kept],
            "bad": tally.bad[len(listing.bad) :],
            "notes": [*notes, *counted],
            "dropped": sorted(set(range(len(listing))) - set(tally.kept)),
            "spans": dict(policy.spans),
        }

    keep, unkept = bool(name) and options.cache, ""
    if keep and nbytes >= SMALL:
        try:
            return _on_disk(listing, name, nbytes, shape[1:], begin, record)
        except OSError as error:
            unkept = f", as the cache cannot be written: {error.strerror}"
    if nbytes > ROOM * cache.memory() and not listing.in_order:
        said = _known(listing, name if keep else "", begin, record)
        said["notes"] += [
            f"decoded anew for each batch: {nbytes >> 20:,} MiB are too much for the free memory"
            f"{unkept}"
        ]
        kept = np.setdiff1d(np.arange(len(listing)), said["dropped"], assume_unique=True)
        allowed = options.allow_bad
        return OnDemand(listing, kept, policy, allowed=allowed, source=source), said
    if nbytes > cache.memory():
        raise MachineError(
            f"{source} takes {nbytes >> 20:,} MiB decoded: too much for the free memory{unkept}; "
            "and it can only be read from first to last",
            hint=HINT,
        )
    if unkept:
        notes += (f"kept in memory{unkept}",)
    start = time.monotonic()
    tally, rows = begin()
    data = np.empty(shape, np.uint8)
    for i, row in enumerate(rows):
        data[i] = row
    data, said = data[: len(tally.kept)], record(tally)
    if keep and nbytes < SMALL and time.monotonic() - start > SLOW:
        with contextlib.suppress(OSError), _entry(listing, name, nbytes):
            cache.save(name, data, shape[1:], lambda: said)
    return data, said


def _on_disk(
    listing: Listing,
    name: str,
    nbytes: int,
    row: tuple[int, ...],
    begin: Callable[[], tuple[Tally, Iterator[np.ndarray]]],
    record: Callable[[Tally], dict[str, Any]],
) -> tuple[np.ndarray, dict[str, Any]]:
    """Write the entry, unless another process just did; raises OSError where that is impossible."""
    with _entry(listing, name, nbytes):
        found = cache.load(name)
        if found is None:
            tally, rows = begin()
            cache.save(name, rows, row, lambda: record(tally))
            found = cache.load(name)
    if found is None:
        raise OSError(0, f"what was written to {cache.folder()} is not what is read")
    return found


def _known(
    listing: Listing,
    name: str,
    begin: Callable[[], tuple[Tally, Iterator[np.ndarray]]],
    record: Callable[[Tally], dict[str, Any]],
) -> dict[str, Any]:
    """Which pictures can be used: each is decoded once to see, and what was seen is noted."""

    def see() -> dict[str, Any]:
        tally, rows = begin()
        deque(rows, maxlen=0)
        return record(tally)

    said = None
    if name:
        with contextlib.suppress(OSError), _entry(listing, name, 0):
            said = cache.known(name)
            if said is None:
                said = see()
                cache.note(name, said)
    return said or see()


@contextlib.contextmanager
def _entry(listing: Listing, name: str, nbytes: int) -> Iterator[None]:
    """The right to write an entry; raises OSError where there is none, or no room."""
    if listing.place and cache.inside(listing.place):
        raise OSError(0, f"{cache.folder()} lies inside the data")
    if nbytes > cache.room():
        raise OSError(0, f"the disk of {cache.folder()} has no room for {nbytes >> 20:,} MiB")
    with cache.alone(name):
        yield


def look(listing: Listing, options: Options) -> tuple[images.Policy, tuple[str, ...]]:
    """Decide by an even sample what all pictures become; and say so."""
    sizes: set[tuple[int, int]] = set()
    deep: dict[str, list[Span]] = {}
    grey = True
    places = np.unique(np.linspace(0, len(listing) - 1, min(len(listing), SAMPLED)).astype(int))
    for i in places.tolist():
        try:
            image = images.header(listing.read(i), options.pixel_limit)
            size = image.size
            image.draft(image.mode, (KEPT, KEPT))
            if images.deep(image):
                deep.setdefault(image.mode[0], []).append(images.span(image))
            elif grey and options.channels is None and image.mode not in ("1", "L", "LA"):
                grey = images.is_grey(images.plain(image))
            elif len(sizes) < 2 and all(max(s) <= KEPT for s in sizes):
                image.load()  # so that a torn file has no say in the size
            sizes.add(size)
        except Exception:  # it is met again, and named, when all are decoded
            continue
    size, notes = _size(sizes, options)
    channels = options.channels or (1 if grey else 3)
    if options.channels is None:
        notes += (f"{'grey' if grey else 'colour'} (of {len(places):,} pictures looked at)",)
    spans = _spans(deep, options)
    for kind, (low, high) in spans.items():
        if kind in deep:
            what = {"I": "deep integers", "F": "floats"}[kind]
            notes += (f"{what}: {low:g} to {high:g} become 0 to 255 (value_range sets it)",)
    return images.Policy(size, channels, spans, options.pixel_limit), notes


def _size(sizes: set[tuple[int, int]], options: Options) -> tuple[int, tuple[str, ...]]:
    """The side of the squares, and what is done to get them."""
    one = next(iter(sizes)) if len(sizes) == 1 else None
    if options.size is None and one and max(one) <= KEPT:
        size = min(one)
        cropped = "" if one[0] == one[1] else f": the centres of {one[0]} x {one[1]} pictures"
        return size, (f"{size} x {size} pixels, as they are{cropped}",)
    size = options.size or DEFAULT
    how = "" if one == (size, size) else ": the short side resized, the centre cropped"
    chosen = " (size sets it)" if options.size is None else ""
    return size, (f"{size} x {size} pixels{how}{chosen}",)


def _spans(deep: dict[str, list[Span]], options: Options) -> dict[str, Span]:
    """The range of each kind of deep pixels: what is asked, or known, or spans the sample."""
    if options.value_range:
        return dict.fromkeys("IF", options.value_range)
    seen = {k: (min(lo for lo, _ in v), max(hi for _, hi in v)) for k, v in deep.items()}
    return {**seen, **options.spans}


def _all(listing: Listing, policy: images.Policy, options: Options) -> Iterator[Pixels | Exception]:
    """Every picture in order, decoded by threads, a few ahead of the reader."""
    most = 4 * threads()
    with ThreadPoolExecutor(threads()) as pool:
        ahead: deque[Future[Pixels | Exception]] = deque()
        for i in range(len(listing)):
            early = attempt(listing.read, i) if listing.in_order else None
            ahead.append(pool.submit(decode, listing, policy, i, early))
            if len(ahead) > most:
                yield ahead.popleft().result()
                if options.progress:
                    options.progress(i + 1 - len(ahead), len(listing))
        while ahead:
            yield ahead.popleft().result()
            if options.progress:
                options.progress(len(listing) - len(ahead), len(listing))


def _good(
    results: Iterator[Pixels | Exception],
    listing: Listing,
    options: Options,
    tally: Tally,
    source: str,
) -> Iterator[np.ndarray]:
    """The pixels of what could be decoded; the rest is told to the tally."""
    hopeless = max(PATIENCE, options.allow_bad * len(listing))
    for i, result in enumerate(results):
        if isinstance(result, Exception):
            tally.bad.append((listing.keys[i], images.reason(result)))
            if len(tally.bad) > hopeless:
                judge(tally.bad, len(tally.kept), options.allow_bad, source)
            continue
        row, remarks = result
        tally.kept.append(i)
        tally.remarks.update(remarks)
        yield row
    if not tally.kept:
        judge(tally.bad, 0, options.allow_bad, source)
