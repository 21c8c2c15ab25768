"""From an encoded picture to plain pixels: one policy, in one place.

The header is read before anything is decoded; whatever cannot be decoded whole raises, and the
caller leaves the file out. Every pixel format has a stated meaning, so that nothing is clipped to
white or turned grey in silence.
"""

from __future__ import annotations

import contextlib
import os
import threading
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO

import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageStat, UnidentifiedImageError

from unlabeled.data.options import Span

# Those whose decoders neither run programs (EPS) nor guess without a signature (TGA).
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "TIFF", "BMP", "PPM", "JPEG2000", "AVIF")
SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif", ".tif", ".tiff", ".bmp",
    ".pgm", ".ppm", ".pnm", ".pbm", ".jp2", ".j2k", ".avif", ".mpo",
)  # fmt: skip
LARGE = 1 << 25  # pixels above which pictures are decoded one at a time, so that memory is bounded
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_one_large = threading.Lock()


@dataclass(frozen=True)
class Policy:
    """What every picture of a data set becomes.

    Attributes:
        size: Side in pixels.
        channels: 1 (grey) or 3.
        spans: The values that become 0 and 255 in pictures deeper than eight bits: "I" for
            integers, "F" for floats. A kind that is missing uses each picture's own.
        pixel_limit: Pictures with more pixels are refused.
    """

    size: int
    channels: int
    spans: Mapping[str, Span] = field(default_factory=dict)
    pixel_limit: int = 178_000_000


@contextlib.contextmanager
def careful(pixel_limit: int) -> Iterator[None]:
    """Set Pillow's switches, which are global, for as long as pictures are decoded."""
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd metadata is no news; bombs are refused below
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = pixel_limit, False
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = before


def stay_careful(pixel_limit: int) -> None:
    """Set Pillow's switches for good: for threads that decode now and then, behind any context."""
    Image.MAX_IMAGE_PIXELS = max(pixel_limit, Image.MAX_IMAGE_PIXELS or 0)
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    warnings.filterwarnings("ignore", module=r"PIL\.|unlabeled\.data\.images")


@cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(f for f in FORMATS if f in Image.OPEN)


def header(data: bytes | Image.Image, pixel_limit: int) -> Image.Image:
    """A picture of which only the header has been read.

    Raises:
        ValueError: Where it is none, or too large.
    """
    if isinstance(data, Image.Image):
        return data
    if not data:
        raise ValueError("an empty file")
    try:
        image = Image.open(BytesIO(data), formats=_formats())
    except UnidentifiedImageError:
        text = data[:256].lstrip()[:1] == b"<"
        raise ValueError("markup, not a picture" if text else "not a picture we read") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError(f"more pixels than the limit of {pixel_limit:,}") from None
    width, height = image.size
    if width * height > pixel_limit:
        raise ValueError(f"{width} x {height} pixels, the limit is {pixel_limit:,}")
    return image


def pixels(data: bytes | Image.Image, policy: Policy) -> tuple[np.ndarray, tuple[str, ...]]:
    """Decode a picture: `(channels, size, size)` uint8, and remarks on what was done to it.

    Args:
        data: The encoded bytes, or a picture that Pillow holds.
        policy: What it becomes.

    Raises:
        Exception: Of any kind, where the bytes are no whole picture; see `reason`.
    """
    image = header(data, policy.pixel_limit)
    remarks = ["only the first frame is used"] if getattr(image, "is_animated", False) else []
    large = image.width * image.height > LARGE
    with _one_large if large else contextlib.nullcontext():
        # JPEG can be decoded at a half, quarter or eighth; twice the size wanted is left
        image.draft(image.mode, (2 * policy.size, 2 * policy.size))
        image.load()
        image, broken = upright(image)
        if broken:
            remarks.append("broken EXIF data is ignored")
        if deep(image):
            kind = image.mode[0]
            if kind not in policy.spans:
                remarks.append("a value range of its own, as no sampled file is as deep")
            image = eight_bits(image, policy.spans.get(kind) or span(image))
        image = square(plain(image), policy.size)
    if policy.channels == 1 and image.mode == "RGB" and not is_grey(image):
        remarks.append("colour is dropped")
    rows = np.asarray(image.convert("L" if policy.channels == 1 else "RGB"))
    return np.ascontiguousarray(np.atleast_3d(rows).transpose(2, 0, 1)), tuple(remarks)


def upright(image: Image.Image) -> tuple[Image.Image, bool]:
    """The picture as its EXIF orientation says to hold it; and whether that could not be read."""
    try:
        exif = image.getexif()
        if not exif and (raw := image.info.get("exif")):
            Image.Exif().load(raw)  # Pillow raises at the first reading alone, and may hide it
        turn = TURNS.get(exif.get(ExifTags.Base.Orientation, 1))
    except Exception:  # metadata of any brokenness must not cost the picture
        return image, True
    return (image.transpose(turn) if turn is not None else image), False


def deep(image: Image.Image) -> bool:
    """Whether its values need a range to become eight bits: 16 or 32-bit integers, or floats."""
    return image.mode[0] in "IF"


def span(image: Image.Image) -> Span:
    """The 0.1 and 99.9 percentile of a deep picture's finite values."""
    values = np.asarray(image).ravel()
    values = values[:: max(1, len(values) >> 20)].astype(np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        raise ValueError("no finite value in it")
    low, high = np.percentile(values, (0.1, 99.9))
    return float(low), float(high)


def eight_bits(image: Image.Image, span: Span) -> Image.Image:
    """A deep picture in grey of eight bits: the range goes to [0, 255], what is not finite to 0."""
    values = scaled(np.asarray(image), span)
    return Image.fromarray(values)


def scaled(values: np.ndarray, span: Span) -> np.ndarray:
    """Map [low, high] to [0, 255], rounded and clipped, as uint8; NaN becomes 0."""
    low, high = span
    out = values.astype(np.float32)
    out -= low
    out *= 255 / max(high - low, 1e-30)
    np.nan_to_num(out, copy=False, nan=0.0)
    return np.rint(out.clip(0, 255, out=out), out=out).astype(np.uint8)


def plain(image: Image.Image) -> Image.Image:
    """Any mode of eight bits as "L" or "RGB"; transparency shows the mean opaque colour."""
    mode = image.mode
    if image.has_transparency_data:
        grey = mode in ("1", "L", "LA", "La")
        return _composited(image.convert("LA" if grey else "RGBA"))
    if mode in ("L", "RGB"):
        return image
    if mode == "1":
        return image.convert("L")
    if mode in ("P", "PA", "CMYK", "YCbCr", "HSV", "RGBX"):
        return image.convert("RGB")
    raise ValueError(f"pixels of mode {mode} have no agreed colour")


def _composited(image: Image.Image) -> Image.Image:
    """An "LA" or "RGBA" picture on a ground of the mean colour of its opaque half."""
    alpha = image.getchannel("A")
    colour = image.convert(image.mode[:-1])
    opaque = alpha.point([0] * 128 + [255] * 128)
    ground = 0
    if opaque.getbbox():
        mean = [round(v) for v in ImageStat.Stat(colour, opaque).mean]
        ground = tuple(mean) if len(mean) == 3 else mean[0]
    flat = Image.new(colour.mode, colour.size, ground)
    flat.paste(colour, mask=alpha)
    return flat


def square(image: Image.Image, size: int) -> Image.Image:
    """The centre of the picture, its short side resized to `size` (Lanczos, antialiased)."""
    width, height = image.size
    if (width, height) == (size, size):
        return image
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    centre = image.crop((left, top, left + side, top + side))
    return centre.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0)


def is_grey(image: Image.Image) -> bool:
    """Whether an "L" or "RGB" picture has no colour."""
    if image.mode == "L":
        return True
    rows = np.asarray(image)
    return bool((rows[..., :1] == rows).all())


def reason(error: Exception) -> str:
    """Why a file cannot be used, in one line that is the same in every run."""
    if isinstance(error, OSError) and error.strerror:
        return os.strerror(error.errno) if error.errno else error.strerror
    words = " ".join(str(error).split())
    return words[:200] if words else type(error).__name__
