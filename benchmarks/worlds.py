"""The labelled images and series that the league is played on, and how each is split.

Sprites: the units of the game Wesnoth, drawn figures of 72 x 72 pixels on grey, shrunk to 32; the
classes are their races. Frames of one unit are near-duplicates, so whole units are held out.

Photographs: patches of 64 pixels, shrunk to 32, of photographs whose short side is 320 pixels. A
class is a folder of UNLABELED_PHOTOGRAPHS; photographs in `unlabeled/` are trained on and never
scored. Whole photographs are held out.

Sprites and photographs have five folds: each holds out every fifth unit or photograph of a class,
none of them twice. They are few, so another seed of a run is also another fold.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from unlabeled.data import open_labeled
from unlabeled.encoders import Shape

SIZE = 32
FEWEST = 40  # samples that make a class
UNITS = Path("/usr/share/games/wesnoth/1.16/data/core/images/units")
GREY = (128, 128, 128, 255)
FOLDS = 5
NONE = -1  # the class of what has none


class Samples(NamedTuple):
    """Samples, the class of each, and, where these are few, which unit or photograph it is of."""

    x: np.ndarray
    y: np.ndarray
    groups: np.ndarray | None = None


def rows(fold: int = 0) -> tuple[Samples, Samples]:
    """Fashion-MNIST as series, `(n, 28 channels, 28 steps)` float32 in [0, 1], down the image.

    Its test set is fixed: every fold is the same.
    """

    def part(name: str) -> Samples:
        store, labels = open_labeled(f"fashion-mnist:{name}", Shape("image", 1, 28))
        images = np.asarray(store.data[:], np.float32).reshape(-1, 28, 28) / 255
        series = np.ascontiguousarray(images.transpose(0, 2, 1))
        return Samples(series, labels.values)

    return part("train"), part("test")


@cache
def sprites(fold: int = 0) -> tuple[Samples, Samples]:
    """Drawn figures, `(n, 32, 32, 3)` uint8, and their race; a fifth of the units is held out."""
    found = Path(os.environ.get("UNLABELED_SPRITES", UNITS))
    if not found.is_dir():
        raise SystemExit(f"{found} does not exist; apt install wesnoth-1.16-data")
    kept = []
    for path in sorted(found.rglob("*.png")):
        race, *within = path.relative_to(found).parts
        unit = within[0] if len(within) > 1 else re.split(r"[-_+\d]", path.stem)[0]
        if within:
            figure = Image.open(path).convert("RGBA")
            figure = ImageOps.pad(figure, (72, 72), color=(0, 0, 0, 0))
            plain = Image.alpha_composite(Image.new("RGBA", figure.size, GREY), figure)
            kept.append((_small(plain), race, f"{race}/{unit}"))
    return _split(kept, fold)


@cache
def photographs(fold: int = 0) -> tuple[Samples, Samples]:
    """Patches, `(n, 32, 32, 3)` uint8, and their photograph's class; a fifth is held out."""
    folder = Path(os.environ.get("UNLABELED_PHOTOGRAPHS", "photographs"))
    if not folder.is_dir():
        raise SystemExit(f"{folder} does not exist; UNLABELED_PHOTOGRAPHS names the folder")
    kept = []
    for path in sorted(p for p in folder.glob("*/*") if p.is_file()):
        label = "" if path.parent.name == "unlabeled" else path.parent.name
        kept += [(patch, label, str(path.relative_to(folder))) for patch in _patches(path)]
    return _split(kept, fold)


def _patches(path: Path) -> Iterator[np.ndarray]:
    photo = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    shrink = 320 / min(photo.size)
    photo = photo.resize([round(side * shrink) for side in photo.size], Image.Resampling.BOX)
    for y in range(0, photo.height - 63, 64):
        for x in range(0, photo.width - 63, 64):
            yield _small(photo.crop((x, y, x + 64, y + 64)))


def _small(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BOX))


def _split(kept: list[tuple[np.ndarray, str, str]], fold: int) -> tuple[Samples, Samples]:
    """Hold out every fifth group of each class, in an order that their names' hashes give.

    A class of few samples, or that lacks a group in some fold, is none.
    """
    images, classes, groups = zip(*kept, strict=True)
    held, names = set[str](), list[str]()
    for each in sorted(set(classes)):
        own = [group for label, group in zip(classes, groups, strict=True) if label == each]
        mixed = sorted(set(own), key=lambda group: hashlib.sha256(group.encode()).digest())
        held.update(mixed[fold % FOLDS :: FOLDS])
        if each and len(own) >= FEWEST and len(mixed) >= FOLDS:
            names.append(each)
    labels = np.array([names.index(label) if label in names else NONE for label in classes])
    every = Samples(np.stack(images), labels, np.unique(groups, return_inverse=True)[1])
    out = np.array([group in held for group in groups])
    return at(every, ~out), at(every, out)


def labelled(samples: Samples) -> Samples:
    """Those that have a class."""
    return at(samples, samples.y != NONE)


def at(samples: Samples, rows: np.ndarray) -> Samples:
    """Some of them."""
    x, y, groups = samples
    return Samples(x[rows], y[rows], None if groups is None else groups[rows])


WORLDS: dict[str, Callable[[int], tuple[Samples, Samples]]] = {
    "rows": rows,
    "sprites": sprites,
    "photographs": photographs,
}
