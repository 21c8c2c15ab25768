"""One policy from bytes to pixels: modes, orientation and size."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from unlabeled.data import images
from unlabeled.data.images import Policy, careful, pixels

RGB, GREY = Policy(size=32, channels=3), Policy(size=32, channels=1)


def decode(data, policy=RGB):
    with careful(policy.pixel_limit):
        return pixels(data, policy)[0]


def remarks(data, policy=RGB):
    with careful(policy.pixel_limit):
        return pixels(data, policy)[1]


def refusal(data, policy=RGB):
    with pytest.raises(Exception) as caught:  # noqa: PT011
        decode(data, policy)
    return images.reason(caught.value)


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


# ---- orientation -----------------------------------------------------------------------------

STORED = {  # how the upright picture's rows and columns lie in a file of each orientation
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a.swapaxes(0, 1)[::-1],
    7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
    8: lambda a: a.swapaxes(0, 1)[:, ::-1],
}


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_orientation_is_undone(turn, kind, picture, encode):
    upright = np.asarray(picture(3, 32, 32))
    exif = Image.Exif()
    exif[0x0112] = turn
    stored = Image.fromarray(np.ascontiguousarray(STORED[turn](upright)))
    how = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}.get(kind, {})
    seen = decode(encode(stored, kind, exif=exif, **how)).transpose(1, 2, 0)
    assert np.abs(seen.astype(int) - upright).max() <= (6 if kind == "JPEG" else 0)


def test_broken_exif_is_ignored_and_told(picture, encode):
    data = encode(picture(), "JPEG", exif=b"Exif\0\0no such header" + b"\xff" * 30)
    data_zero = encode(picture(), "JPEG", exif=zero_denominator())
    assert decode(data).shape == (3, 32, 32)
    assert decode(data_zero).shape == (3, 32, 32)
    assert remarks(data) == ("broken EXIF data is ignored",)
    nothing = b"Exif\0\0MM\0*" + struct.pack(">IHI", 8, 0, 0)  # no entries is no fault
    assert remarks(encode(picture(), "JPEG", exif=nothing)) == ()


def zero_denominator():
    # one entry: tag 282 (XResolution), a rational at offset 26, with the value 72/0
    entry = struct.pack(">HHII", 282, 5, 1, 26)
    return b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + entry + struct.pack(">III", 0, 72, 0)


# ---- modes -----------------------------------------------------------------------------------


def ramp(dtype, low, high):
    """A grey ramp from left to right and down, 64 x 64, that reaches from low to high."""
    return np.linspace(low, high, 64 * 64).reshape(64, 64).astype(dtype)


@pytest.mark.parametrize(
    ("dtype", "low", "high", "kind"),
    [
        (np.uint16, 0, 65535, "PNG"),
        (np.uint16, 0, 65535, "TIFF"),
        (np.uint16, 300, 4095, "PNG"),  # 12 bits in 16
        (np.int32, -70_000, 900_000, "TIFF"),
        (np.float32, 0, 1, "TIFF"),
        (np.float32, -1e6, 5.0, "TIFF"),
    ],
)
def test_deep_pictures_keep_their_histogram(dtype, low, high, kind, encode):
    image = Image.fromarray(ramp(dtype, low, high))
    policy = Policy(64, 1, {image.mode[0]: images.span(image)})
    seen = decode(encode(image, kind), policy)[0]
    assert ((seen == 0) | (seen == 255)).mean() < 0.01  # convert("RGB") saturates 99.6 %
    exact = np.linspace(0, 255, 64 * 64).reshape(64, 64)
    assert np.abs(seen - exact).max() < 1.5


def test_scaling_rounds_and_clips():
    values = np.array([-9, 0, 0.49, 0.51, 1.5, 254.6, 300, np.nan])
    assert images.scaled(values, (0, 255)).tolist() == [0, 0, 0, 1, 2, 255, 255, 0]
    assert images.scaled(np.array([5, 5]), (5, 5)).tolist() == [0, 0]


def test_deep_picture_without_a_known_range_takes_its_own_and_says_so(encode):
    data = encode(Image.fromarray(ramp(np.uint16, 100, 200)))
    assert decode(data, GREY).std() > 60
    assert "value range of its own" in remarks(data, GREY)[0]


def test_sixteen_bit_colour_keeps_its_high_byte():
    rows = np.zeros((32, 32, 3), ">u2")
    rows[...] = np.linspace(0, 65535, 32).astype(int)[None, :, None]
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", 32, 32, 16, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw))
    seen = decode(data + chunk(b"IEND", b""))
    assert np.abs(seen[0, 0] - np.linspace(0, 255, 32)).max() < 1.01


def test_constant_and_infinite_values_are_no_error(encode):
    flat = Image.fromarray(np.full((32, 32), 7, np.uint16))
    assert len(np.unique(decode(encode(flat), GREY))) == 1
    values = ramp(np.float32, 0, 1)
    values[0, :3] = np.nan, np.inf, -np.inf
    seen = decode(encode(Image.fromarray(values), "TIFF"), Policy(64, 1, {"F": (0.0, 1.0)}))[0]
    assert seen[0, :3].tolist() == [0, 255, 0]
    nothing = Image.fromarray(np.full((32, 32), np.nan, np.float32))
    assert refusal(encode(nothing, "TIFF"), GREY) == "no finite value in it"


def test_grey_colour_binary_and_luma(picture, encode):
    grey = picture(1, 32, 32, "L")
    assert np.array_equal(decode(encode(grey), GREY)[0], np.asarray(grey))
    assert all(np.array_equal(band, np.asarray(grey)) for band in decode(encode(grey)))
    binary = grey.convert("1")
    assert set(np.unique(decode(encode(binary), GREY))) == {0, 255}
    colour = np.asarray(picture(2, 32, 32)).astype(float)
    luma = colour @ np.array([0.299, 0.587, 0.114])
    data = encode(picture(2, 32, 32))
    assert np.abs(decode(data, GREY)[0] - luma).max() <= 1
    assert remarks(data, GREY) == ("colour is dropped",)
    assert remarks(encode(grey.convert("RGB")), GREY) == ()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_shows_the_mean_opaque_colour(mode, encode):
    rows = np.zeros((32, 32, 4), np.uint8)
    rows[:, :8] = (200, 200, 200, 255)
    rows[:, 8:16] = (100, 100, 100, 255)
    rows[:, 16:] = (255, 255, 255, 0)  # hidden white must not shine through
    image = Image.fromarray(rows)
    if mode == "P":
        image = image.convert("RGB").quantize(8)
        hidden = image.getpixel((31, 0))
        data = encode(image, transparency=hidden)
    else:
        data = encode(image.convert(mode))
    seen = decode(data)
    assert (seen[:, :, :8] == 200).all()
    assert (seen[:, :, 8:16] == 100).all()
    assert (seen[:, :, 16:] == 150).all()


def test_half_transparent_pixels_blend(encode):
    rows = np.full((32, 32, 4), (0, 0, 0, 128), np.uint8)
    rows[:16] = (240, 0, 0, 255)
    below = decode(encode(Image.fromarray(rows)))[:, 31, 0]
    ground = np.array([120, 0, 0])  # the mean of both halves, as both are at least half opaque
    assert np.abs(below - ground * (1 - 128 / 255)).max() <= 1


def test_wholly_transparent_is_black(encode):
    assert decode(encode(Image.new("RGBA", (32, 32), (9, 9, 9, 0)))).max() == 0


def test_grey_png_with_a_transparent_level(picture, encode):
    grey = np.full((32, 32), 50, np.uint8)
    grey[16:] = 77
    data = encode(Image.fromarray(grey), transparency=77)
    assert (decode(data, GREY) == 50).all()


def test_cmyk_and_ycbcr(encode):
    red = Image.new("RGB", (32, 32), (250, 10, 10))
    for data in (
        encode(red.convert("CMYK"), "TIFF"),
        encode(red.convert("CMYK"), "JPEG", quality=100),
        encode(red.convert("YCbCr"), "TIFF"),
    ):
        assert np.abs(decode(data).mean((1, 2)) - (250, 10, 10)).max() < 4


def test_lab_has_no_agreed_colour(encode):
    lab = Image.new("LAB", (32, 32))
    assert "mode LAB" in refusal(encode(lab, "TIFF"))


@pytest.mark.parametrize("bands", [4, 13])
def test_many_channel_tiff_is_defined(bands):
    """4 samples of unspecified kind read as RGB and one more; 13 are refused, with a reason."""
    data = many_channel_tiff(np.full((16, 16, bands), 90, np.uint8))
    if bands == 4:
        assert (decode(data) == 90).all()
    else:
        assert refusal(data)


def many_channel_tiff(rows):
    height, width, bands = rows.shape
    depths = struct.pack(f"<{bands}H", *[8] * bands)
    tags = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, bands, "depths"), (259, 3, 1, 1),
        (262, 3, 1, 2), (273, 4, 1, "data"), (277, 3, 1, bands), (278, 4, 1, height),
        (279, 4, 1, rows.nbytes), (338, 3, 1, 0),
    ]  # fmt: skip
    place = {"depths": 8 + 2 + 12 * len(tags) + 4}
    place["data"] = place["depths"] + len(depths)
    body = struct.pack("<H", len(tags))
    for tag, kind, count, value in tags:
        body += struct.pack("<HHII", tag, kind, count, place.get(value, value))
    return b"II*\0" + struct.pack("<I", 8) + body + struct.pack("<I", 0) + depths + rows.tobytes()


# ---- size ------------------------------------------------------------------------------------


def test_the_centre_is_cut_and_resized(encode):
    wide = np.zeros((40, 100), np.uint8)
    wide[:, 30:70] = 200  # the central square
    seen = decode(encode(Image.fromarray(wide)), Policy(20, 1))[0]
    assert seen.shape == (20, 20)
    assert (seen == 200).all()
    kept = decode(encode(Image.fromarray(wide)), Policy(40, 1))[0]
    assert np.array_equal(kept, wide[:, 30:70])


def test_resizing_does_not_alias(encode):
    stripes = np.zeros((200, 200), np.uint8)
    stripes[:, ::2] = 255
    seen = decode(encode(Image.fromarray(stripes)), Policy(50, 1))[0]
    assert np.abs(seen[5:-5, 5:-5].astype(int) - 128).max() < 12


def test_large_jpeg_is_decoded_small_and_looks_the_same(picture, encode):
    large = picture(4, 800, 600)
    seen = decode(encode(large, "JPEG", quality=95))
    exact = np.asarray(images.square(large, 32)).transpose(2, 0, 1)
    assert np.abs(seen.astype(int) - exact).mean() < 2


def test_only_the_first_frame_of_an_animation(picture, encode):
    frames = [Image.new("L", (32, 32), v) for v in (10, 200, 90)]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (decode(data, GREY) == 10).all()
    assert remarks(data, GREY) == ("only the first frame is used",)
