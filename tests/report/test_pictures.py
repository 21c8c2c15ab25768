import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from unlabeled.errors import UsageError
from unlabeled.report import pictures
from unlabeled.report.pictures import fitted, gallery, pixels, resampled, sparkline, strip, thing
from unlabeled.report.things import kind

chance = np.random.default_rng(0)


def opened(uri: str) -> Image.Image:
    assert uri.startswith("data:image/")
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def sources(markup: str) -> list[str]:
    return re.findall(r'src="([^"]*)"', markup)


@pytest.mark.parametrize(
    ("channels", "mode", "shown"), [(1, "L", 1), (2, "L", 1), (3, "RGB", 3), (5, "RGB", 3)]
)
def test_pixels_are_the_array(channels, mode, shown):
    image = chance.integers(0, 256, (channels, 5, 7), dtype=np.uint8)
    drawn = pixels(image)
    assert (drawn.mode, drawn.size) == (mode, (7, 5))
    expected = image[:shown].transpose(1, 2, 0).squeeze()
    assert np.array_equal(np.asarray(drawn), expected)


def test_floats_are_shares_of_white():
    drawn = np.asarray(pixels(np.array([[[0.0, 0.5, 1.0, 2.0, -1.0, np.nan, 0.1]]])))
    assert drawn.tolist() == [[0, 128, 255, 255, 0, 0, 26]]


def test_small_images_keep_square_pixels():
    image = chance.integers(0, 256, (3, 28, 28), dtype=np.uint8)
    drawn = np.asarray(fitted(image, 84))
    assert np.array_equal(drawn, image.transpose(1, 2, 0).repeat(3, 0).repeat(3, 1))


def test_large_images_are_resampled_in_proportion():
    assert fitted(np.zeros((3, 100, 400), np.uint8), 128).size == (128, 32)


@pytest.mark.parametrize("webp", [True, False])
def test_strip_lines_up_exactly(webp, monkeypatch):
    monkeypatch.setattr(pictures.features, "check", lambda name: webp)
    images = chance.integers(0, 256, (3, 1, 12, 12), dtype=np.uint8)
    uri = strip({0: images[0], 2: images[2]}, columns=4)
    assert uri.startswith("data:image/webp" if webp else "data:image/png")
    sheet = np.asarray(opened(uri).convert("RGBA"))
    side, gap = 84, 7
    assert sheet.shape == (side, 4 * (side + gap) - gap, 4)
    for i in range(4):
        cell = sheet[:, i * (side + gap) : i * (side + gap) + side]
        if i in (1, 3):
            assert (cell[..., 3] == 0).all()
        else:
            assert np.array_equal(cell[..., 0], images[i][0].repeat(7, 0).repeat(7, 1))
            assert (cell[..., 3] == 255).all()
    assert (sheet[:, side : side + gap, 3] == 0).all()


def test_nothing_but_pixels_travels():
    drawn = opened(sources(thing(chance.random((3, 200, 200))))[0])
    assert drawn.size == (96, 96)
    assert not drawn.getexif()
    assert not {"exif", "icc_profile", "xmp", "comment"} & set(drawn.info)


def test_rows_of_different_lengths_line_up_by_sample():
    """Two images above four turns of each: in columns 0 and 4."""
    images = chance.integers(0, 256, (2, 1, 12, 12), dtype=np.uint8)
    one, four = sources(gallery([("image", images), ("turned", images.repeat(4, 0))]))
    few, many = (np.asarray(opened(uri).convert("RGBA")) for uri in (one, four))
    assert few.shape == many.shape
    at = lambda sheet, i: sheet[:, i * 91 : i * 91 + 84]
    for i in range(8):
        assert (at(many, i)[..., 3] == 255).all()
        assert (at(few, i)[..., 3] == (255 if i in (0, 4) else 0)).all()
    assert np.array_equal(at(few, 4), at(many, 4))


def test_rows_of_other_samples_are_not_spread_out():
    images = chance.integers(0, 256, (8, 1, 12, 12), dtype=np.uint8)
    rows = sources(gallery([("eight", images), ("two", images[:2])], same=False))
    eight, two = (np.asarray(opened(uri).convert("RGBA")) for uri in rows)
    assert eight.shape == two.shape
    assert np.array_equal(two[:, :175], eight[:, :175])
    assert (two[:, 182:, 3] == 0).all()


def test_middling_images_fill_their_cells():
    image = chance.random((3, 96, 96))
    sheet = np.asarray(opened(strip({0: image}, columns=2)).convert("RGBA"))
    assert sheet.shape == (96, 96 + 8 + 96, 4)
    assert (sheet[:, :96, 3] == 255).all()


def test_long_rows_wrap_into_few_bands():
    images = np.zeros((100, 1, 12, 12), np.uint8)
    assert len(sources(gallery([("a", images), ("b", images)]))) == 2 * 3
    assert gallery([("a", images[:0])]) == ""


def test_images_and_their_captions_each_have_rows():
    shown = gallery([("image", np.zeros((2, 3, 8, 8))), ("caption", ["a cat", "a <dog>"])])
    assert "a &lt;dog&gt;" in shown
    assert len(sources(shown)) == 1


def test_resampling_keeps_peaks():
    series = np.zeros(10_000)
    series[[17, 5_000]] = 3, -2
    few = resampled(series, 60)
    assert len(few) <= 60
    assert (few.max(), few.min()) == (3, -2)
    assert np.argmax(few) < np.argmin(few)
    assert resampled(np.array([1.0, np.nan, np.inf, 2.0]), 60).tolist() == [1, 2]


def test_sparkline_stays_in_its_box():
    drawn = sparkline(
        np.stack([1e6 * chance.standard_normal(500), np.full(500, 7.0), np.full(500, np.nan)])
    )
    assert drawn.count("<path") == 3
    for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)(?=[L\"])", drawn):
        assert 0 <= float(x) <= 120
        assert 0 <= float(y) <= 44


def test_other_shapes_are_refused():
    with pytest.raises(UsageError, match=r"shape \(3, 4\)"):
        kind(np.zeros((3, 4)))
