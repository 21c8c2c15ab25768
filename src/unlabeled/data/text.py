"""Text to rows of word numbers: one line is one row, a long line several."""

from __future__ import annotations

import io
import re
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from unlabeled.data.files import Found, digest, fingerprint, read
from unlabeled.data.labels import Labels, Opened, by_folder, unlabelled
from unlabeled.data.options import Options
from unlabeled.data.store import Store
from unlabeled.encoders import Shape
from unlabeled.errors import DataError

PADDING = "<pad>"  # what word 0 is called; no word looks like this
LENGTH = 32  # words in a row unless told
PIECE = 1 << 20  # characters read at a time, so that a line without end does no harm
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
SUFFIXES = (".txt", ".text")


def words_of(line: str) -> list[str]:
    """The words of a line: letters and digits in lower case, with apostrophes inside."""
    return WORD.findall(line.lower().replace("’", "'"))


def store(lines: Iterable[tuple[str, str]], options: Options, source: str) -> Store:
    """Number the words of lines.

    Args:
        lines: Pairs of a name and a text; neighbours with one name are one line.
        options: `length` words make a row. Without a `vocabulary`, it is the words that occur
            `min_count` times or more, the commonest first; word 0 is the padding. Other words are
            left out, and the gaps closed.
        source: What to call it.

    Returns:
        Rows `(n, length)` int32, padded with 0. Rows are named by their line; further rows of a
        long line are LINE.2, LINE.3 and so on.

    Raises:
        DataError: Where no word is left.
    """
    index = {w: i for i, w in enumerate(options.vocabulary or (PADDING,))}
    given = options.vocabulary is not None
    ids, names, ends, broken, unknown = array("q"), [], array("q"), 0, 0
    for name, line in lines:
        words = words_of(line)
        broken += "\ufffd" in line
        if given:
            known = [i for w in words if (i := index.get(w))]
            unknown += len(words) - len(known)
            ids.extend(known)
        else:
            ids.extend([index.setdefault(w, len(index)) for w in words])
        if names and names[-1] == name:
            ends[-1] = len(ids)
        else:
            names.append(name)
            ends.append(len(ids))
    vocabulary = tuple(index)
    tokens, stops = np.frombuffer(ids, np.int64), np.frombuffer(ends, np.int64)
    notes = ()
    if not given:
        vocabulary, number = _vocabulary(vocabulary, tokens, options.min_count)
        tokens = number[tokens]
        unknown = int((tokens == 0).sum())
    if unknown:
        share = unknown / max(1, len(ids))if not given else unknown / max(1, len(ids) + unknown)
        why = "not in the vocabulary" if given else f"seen fewer than {options.min_count} times"
        notes += (f"{share:.1%} of the words are left out: {why}",)
    if broken:
        notes += (f"{broken:,} lines with bytes that are not UTF-8; words end there",)
    line = np.repeat(np.arange(len(stops)), np.diff(stops, prepend=0))
    data, origin, part = _rows(tokens, line, options.length or LENGTH)
    if not len(data):
        raise DataError(
            f"{source}: {len(names):,} lines, and no word that occurs {options.min_count} times",
            hint="--min-count 1 keeps every word",
        )
    notes += (f"{len(data):,} rows of {data.shape[1]} words, {len(vocabulary):,} words known",)
    keys = [names[o] + (f".{p + 1}" if p else "") for o, p in zip(origin, part, strict=True)]
    shape = Shape("text", 1, data.shape[1], len(vocabulary))
    mark = digest(data, vocabulary)
    return Store(data, shape, keys, source, notes=notes, words=vocabulary, fingerprint=mark)
