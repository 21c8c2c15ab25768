"""What must be refused: torn files, bombs, markup, programs, and any hostile bytes."""

import io
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from unlabeled.data import images
from unlabeled.data.images import Policy, careful, pixels

RGB, GREY = Policy(size=32, channels=3), Policy(size=32, channels=1)


def decode(data, policy=RGB):
    with careful(policy.pixel_limit):
        return pixels(data, policy)[0]


def refusal(data, policy=RGB):
    with pytest.raises(Exception) as caught:  # noqa: PT011
        decode(data, policy)
    return images.reason(caught.value)


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(width, height, *extra, body=b""):
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [chunk(b"IHDR", head), *extra, chunk(b"IDAT", zlib.compress(body)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_what_is_no_picture_says_why(picture, encode):
    jpeg, whole = encode(picture(0, 400, 400), "JPEG"), encode(picture())
    assert refusal(b"") == "an empty file"
    assert refusal(b"\n<!DOCTYPE html><html>404</html>") == "markup, not a picture"
    assert refusal(b"not at all") == "not a picture we read"
    assert "truncated" in refusal(jpeg[: len(jpeg) // 2])
    assert refusal(whole[: len(whole) // 2])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
def test_truncated_files_never_decode(kind, picture, encode):
    """Half a file must raise: what a lenient decoder fills in is grey, or black."""
    data = encode(picture(5, 64, 64), kind)
    for share in (0.1, 0.5, 0.9):
        assert refusal(data[: int(len(data) * share)])


def test_a_program_that_wants_truncated_images_cannot_let_them_in(picture, encode, monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    jpeg = encode(picture(5, 400, 400), "JPEG")
    assert "truncated" in refusal(jpeg[: len(jpeg) // 2])
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True  # and its own setting is left as it was


def test_bombs_are_refused_before_they_are_decoded():
    assert "more pixels than the limit of 178,000,000" in refusal(png(60_000, 60_000))
    small = Policy(32, 1, pixel_limit=1000)
    assert refusal(png(40, 40), small) == "more pixels than the limit of 1,000"
    text = chunk(b"zTXt", b"k\0\0" + zlib.compress(b"x" * (1 << 23)))
    assert "too large" in refusal(png(8, 8, text, body=bytes(72))).lower()


def test_the_limit_can_be_raised_above_pillows_own(encode, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert decode(encode(Image.new("L", (40, 40), 5)), GREY).shape == (1, 32, 32)
    assert Image.MAX_IMAGE_PIXELS == 100


def test_a_long_animation_costs_one_frame(encode):
    one = Image.new("P", (8, 8), 3)
    data = encode(one, "GIF")
    head, frame = data[: data.index(b"\x2c")], data[data.index(b"\x2c") : -1]
    many = head + frame * 100_000 + b";"
    assert decode(many, GREY).shape == (1, 32, 32)


def test_postscript_is_never_run():
    assert refusal(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage") == (
        "not a picture we read"
    )


def test_reasons_are_the_same_in_every_run():
    assert "0x" not in refusal(b"\x89PNG\r\n\x1a\n" + b"junk" * 9)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_hostile_bytes_are_refused_or_decoded_whole(data):
    """Flipped, cut and repeated bytes either raise an Exception or give a whole square."""
    whole = SEEDS[data.draw(st.sampled_from(sorted(SEEDS)))]
    body = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 8))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)))
    try:
        seen = decode(bytes(body[:cut]), Policy(16, 3, pixel_limit=1_000_000))
    except Exception as error:
        assert images.reason(error)  # noqa: PT017
    else:
        assert seen.shape == (3, 16, 16)


def _seeds():
    out = {}
    for kind in ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"):
        file = io.BytesIO()
        Image.effect_noise((24, 24), 90).save(file, kind)
        out[kind] = file.getvalue()
    return out


SEEDS = _seeds()
