"""Text to rows of word numbers: one line is one row, a long line several."""

from __future__ import annotations

import io
import re
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from unlabeled.data.files import Found, fingerprint
from unlabeled.data.labels import Labels, Opened, by_folder, unlabelled
from unlabeled.data.options import Options
from unlabeled.data.store import Store
from unlabeled.encoders import PAD, Shape
from unlabeled.errors import DataError

PADDING = "<pad>"  # what word 0 is called; no word looks like this
LENGTH = 32  # words in a row unless told
PIECE = 1 << 20  # characters read at a time: a line without end does no harm, but may lose a word
WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
SUFFIXES = (".txt", ".text")


def words_of(line: str) -> list[str]:
    """The words of a line: letters and digits in lower case, with apostrophes inside."""
    return WORD.findall(line.lower().replace("’", "'"))


def rows(
    lines: Iterable[tuple[str, str]], options: Options, source: str
) -> tuple[Store, np.ndarray]:
    """Number the words of lines.

    Args:
        lines: Pairs of a name and a text; neighbours with one name are one line.
        options: `length` words make a row. Without a `vocabulary`, it is the words that occur
            `min_count` times or more, the commonest first; word 0 is the padding. Other words are
            left out, and the gaps closed.
        source: What to call it.

    Returns:
        A store of rows `(n, length)` int32, and which line each came from, `(n,)`. Rows are named
        by their line; further rows of a long line are LINE.2, LINE.3 and so on.

    Raises:
        DataError: Where no word is left, or no text is asked for.
    """
    options.check("text", source)
    given = options.vocabulary
    index = {word: i for i, word in enumerate(given or (PADDING,))}
    flat, stops, names, broken = array("i"), array("q"), [], 0
    for name, line in lines:
        words = words_of(line)
        broken += "\ufffd" in line
        if given:
            flat.extend([index.get(word, PAD) for word in words])
        else:
            flat.extend([index.setdefault(word, len(index)) for word in words])
        if names and names[-1] == name:
            stops[-1] = len(flat)
        else:
            names.append(name)
            stops.append(len(flat))
    vocabulary, tokens = tuple(index), np.array(flat, np.int32)
    if not given:
        vocabulary, tokens = _by_count(vocabulary, tokens, options.min_count)
    line = np.repeat(np.arange(len(stops)), np.diff(np.array(stops, np.int64), prepend=0))
    data, origin, part = _laid_out(tokens, line, options.length or LENGTH)
    why = "in the run's vocabulary" if given else f"found {options.min_count} times"
    if not len(data):
        hint = "" if given else "min_count=1 keeps every word"
        raise DataError(f"{source}: {len(names):,} lines, and no word that is {why}", hint=hint)
    notes = (f"{len(data):,} rows of {data.shape[1]} words; {len(vocabulary):,} words are known",)
    if lost := (tokens == PAD).mean():
        notes += (f"{lost:.1%} of the text is left out: words not {why}",)
    if broken:
        notes += (f"{broken:,} lines have bytes that are not UTF-8; a word ends there",)
    keys = [names[o] + (f".{p + 1}" if p else "") for o, p in zip(origin, part, strict=True)]
    shape = Shape("text", 1, data.shape[1], len(vocabulary))
    store = Store(data, shape, keys, source, notes=notes, words=vocabulary, origin=origin)
    return store, origin


def _by_count(
    words: tuple[str, ...], tokens: np.ndarray, least: int
) -> tuple[tuple[str, ...], np.ndarray]:
    """Words by falling count, equals by alphabet, and the tokens renumbered; rare ones are 0."""
    counts = np.bincount(tokens, minlength=len(words)).tolist()
    order = [i for i in range(1, len(words)) if counts[i] >= least]
    order.sort(key=lambda i: (-counts[i], words[i]))
    number = np.zeros(len(words), np.int32)
    number[order] = np.arange(1, len(order) + 1)
    return (PADDING, *(words[i] for i in order)), number[tokens]


def _laid_out(
    tokens: np.ndarray, line: np.ndarray, length: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Known words in rows of `length`, each row's line, and which part of the line it is."""
    tokens, line = tokens[tokens != PAD], line[tokens != PAD]
    place = np.arange(len(tokens))
    opens = np.diff(line, prepend=-1) > 0
    place -= np.maximum.accumulate(np.where(opens, place, 0))  # the word's place in its line
    first = place % length == 0
    data = np.zeros((int(first.sum()), length), np.int32)
    data[np.cumsum(first) - 1, place % length] = tokens
    return data, line[first], place[first] // length


def file(path: Path, options: Options, source: str) -> Opened:
    """A text file: its lines are named by their numbers, from 1."""
    store, _ = rows(_lines(path), options, source)
    store.fingerprint = fingerprint(path)
    return Opened(store, unlabelled(source, "a folder for each class; one file has none"))


def folder(root: Path, found: Found, options: Options, source: str) -> Opened:
    """The text files of a folder: lines are PATH:NUMBER, classes are sub-folders."""
    bad = list(found.bad)

    def lines() -> Iterator[tuple[str, str]]:
        for key in found.keys:
            try:
                yield from ((f"{key}:{number}", line) for number, line in _lines(root / key))
            except OSError as error:
                bad.append((key, error.strerror or "cannot be read"))

    store, _ = rows(lines(), options, source)
    store.bad, store.fingerprint = bad, found.fingerprint
    if len(bad) > options.allow_bad * (len(found.keys) + len(found.bad)):
        raise DataError(
            f"{source}: {len(bad):,} text files cannot be read, first {bad[0][0]!r}: {bad[0][1]}",
            hint="mend or remove them, or go on without them: --allow-bad 0.05",
        )
    paths = [key.rpartition(":")[0] for key in store.keys]
    return Opened(store, lambda: Labels.of(by_folder(paths, source)))


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    with path.open("rb") as raw:
        wide = raw.peek(2)[:2] in (b"\xff\xfe", b"\xfe\xff")
        stream = io.TextIOWrapper(raw, "utf-16" if wide else "utf-8-sig", errors="replace")
        number = 1
        while piece := stream.readline(PIECE):
            yield str(number), piece
            number += piece.endswith("\n")
