"""Pictures to put into folders, archives and tables; and a cache that is not the user's."""

import io

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def shelf(tmp_path_factory, monkeypatch):
    """The cache's folder for one test."""
    place = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("UNLABELED_CACHE", str(place))
    monkeypatch.delenv("UNLABELED_DATA", raising=False)
    monkeypatch.delenv("UNLABELED_DOWNLOAD", raising=False)
    return place


@pytest.fixture(scope="session")
def picture():
    """Makes pictures of smooth noise, which JPEG hardly changes."""

    def make(seed=0, width=40, height=40, mode="RGB"):
        bands = {"L": 1, "RGB": 3, "RGBA": 4, "LA": 2}[mode]
        small = np.random.default_rng(seed).integers(0, 256, (4, 4, bands), np.uint8)
        planes = [Image.fromarray(small[..., i]).resize((width, height)) for i in range(bands)]
        return Image.merge(mode, planes) if bands > 1 else planes[0]

    return make


@pytest.fixture(scope="session")
def encode():
    """Gives the bytes of a picture."""

    def make(image, kind="PNG", **settings):
        file = io.BytesIO()
        image.save(file, kind, **settings)
        return file.getvalue()

    return make


@pytest.fixture
def photos(tmp_path, picture, encode):
    """A folder of 12 pictures of 40 x 40 in two class folders."""
    root = tmp_path / "photos"
    for i in range(12):
        place = root / ("cat" if i % 2 else "dog") / f"{i:02}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(encode(picture(i)))
    return root
