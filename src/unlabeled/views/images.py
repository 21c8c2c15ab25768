"""Views of images: whole batches at once, on the device they lie on.

A view is drawn first, as one row of numbers a sample (`draw`), and made after (`render`). So the
same numbers can be rendered by plain tensor operations, anywhere, or by the fused CPU kernel in
`fused.py`, which does all of it in one pass over the pixels.
"""

from __future__ import annotations

import dataclasses
import logging
import math
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from unlabeled.views.dice import Batch, Dice

UNBLURRED = 64  # pixels up to which views are not blurred
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as torchvision's grayscale


@dataclass(frozen=True)
class Look:
    """How a view may differ from its image; the defaults are SimCLR's, without blur.

    Attributes:
        crop: Smallest and largest share of the image's area that is kept.
        ratio: Most a crop's sides may differ: width / height is in [1 / ratio, ratio].
        flip: Probability of a left-right flip.
        jitter: Probability of changing the colours.
        brightness: Brightness is multiplied by 1 plus or minus this.
        contrast: The same for contrast.
        saturation: The same for saturation; nothing on grey images.
        hue: Largest turn of the hue, in turns; nothing on grey images.
        gray: Probability of dropping the colour.
        blur: Probability of a Gaussian blur with a sigma of 0.1 to 2 pixels for 224-pixel images,
            in proportion for others.
        solarize: Probability of inverting all that is brighter than one half.
    """

    crop: tuple[float, float] = (0.2, 1.0)
    ratio: float = 4 / 3
    flip: float = 0.5
    jitter: float = 0.8
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.1
    gray: float = 0.2
    blur: float = 0.0
    solarize: float = 0.0

    @staticmethod
    def strong(crop: tuple[float, float], strength: float) -> Look:
        """SimCLR's colour distortion (appendix A), 1 being its full strength, with blur."""
        most, hue = 0.8 * strength, 0.2 * strength
        return Look(crop, brightness=most, contrast=most, saturation=most, hue=hue, blur=0.5)


@dataclass(frozen=True)
class Drawn:
    """The numbers of one view for each sample, every field `(b,)`.

    The crop's centre and sides are shares of the image; `flip`, `gray` and `solarize` are bool;
    factors are 1 and `hue` is 0 where nothing changes; `sigma` is 0 without blur.
    """

    x: Tensor
    y: Tensor
    width: Tensor
    height: Tensor
    flip: Tensor
    brightness: Tensor
    contrast: Tensor
    saturation: Tensor
    hue: Tensor
    gray: Tensor
    solarize: Tensor
    sigma: Tensor


def draw(dice: Dice, look: Look) -> Drawn:
    """Draw one view for each sample."""
    u = dice.uniform(14).T
    area = look.crop[0] + (look.crop[1] - look.crop[0]) * u[0]
    ratio = ((2 * u[1] - 1) * math.log(look.ratio)).exp()
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    jittered = u[2] < look.jitter
    factor = lambda v, strength: torch.where(jittered, 1 + strength * (2 * v - 1), 1.0)
    return Drawn(
        x=width / 2 + (1 - width) * u[3],
        y=height / 2 + (1 - height) * u[4],
        width=width,
        height=height,
        flip=u[5] < look.flip,
        brightness=factor(u[6], look.brightness),
        contrast=factor(u[7], look.contrast),
        saturation=factor(u[8], look.saturation),
        hue=torch.where(jittered, look.hue * (2 * u[9] - 1), 0.0),
        gray=u[10] < look.gray,
        solarize=u[11] < look.solarize,
        sigma=torch.where(u[12] < look.blur, 0.1 + 1.9 * u[13], 0.0),
    )


def floats(images: Tensor) -> Tensor:
    """uint8 in [0, 255] to float in [0, 1]; floats pass."""
    return images.float() / 255 if images.dtype == torch.uint8 else images


Lines: TypeAlias = tuple[Tensor, Tensor]
"""The centres `(b, size)` of a view's rows or columns, and how far each reaches `(b,)`: pixels."""


def lines(centre: Tensor, length: Tensor, n: int, size: int) -> Lines:
    """Where `size` rows (or columns) of a crop lie among an image's n.

    Args:
        centre: Middle of the crop, `(b,)`, as a share of the image.
        length: Its side, `(b,)`, as a share of the image; negative where it is mirrored.
        n: Rows of the image.
        size: Rows of the view.

    Returns:
        The centre of every row, `(b, size)`, and how far each reaches, `(b,)`, in pixels: one
        pixel where the crop is enlarged, more where it shrinks, so that no pixel is passed over.
    """
    at = (torch.arange(size, device=centre.device) + 0.5) / size - 0.5
    middle = (centre[:, None] + length[:, None] * at) * n - 0.5
    return middle.clamp(0, n - 1), (length.abs() * n / size).clamp(min=1)


def weigh(middle: Tensor, reach: Tensor, n: int) -> Tensor:
    """How much each of n pixels counts for each line: `(b, size, n)` triangles that sum to 1."""
    away = (torch.arange(n, device=middle.device) - middle[..., None]).abs()
    near = (1 - away / reach[:, None, None]).clamp(min=0)
    return near / near.sum(2, keepdim=True)


def place(drawn: Drawn, h: int, w: int, size: int) -> tuple[Lines, Lines]:
    """The lines of a view: its rows, then its columns."""
    width = torch.where(drawn.flip, -drawn.width, drawn.width)
    return lines(drawn.y, drawn.height, h, size), lines(drawn.x, width, w, size)


def cut(x: Tensor, drawn: Drawn, size: int) -> Tensor:
    """Crop, resize (bilinear, antialiased) and flip `(b, c, h, w)` floats to `(b, c, size, size)`.

    All three are one linear map of the rows and one of the columns.
    """
    h, w = x.shape[-2:]
    rows, columns = place(drawn, h, w, size)
    down, across = weigh(*rows, h)[:, None].to(x), weigh(*columns, w)[:, None].to(x)
    return down @ x @ across.mT


def luma(x: Tensor) -> Tensor:
    """Brightness as seen, `(b, 1, h, w)`; the mean of channels that are not three colours."""
    if x.shape[1] != 3:
        return x.mean(1, keepdim=True)
    return (x * x.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)


def colour(x: Tensor, drawn: Drawn) -> Tensor:
    """Change brightness, contrast, saturation and hue in this order; then grey.

    Each is clipped to [0, 1]. torchvision's ColorJitter draws the order too; here it is fixed.
    """
    wide = lambda v: v.view(-1, 1, 1, 1)
    x = (x * wide(drawn.brightness)).clamp(0, 1)
    mean = luma(x).mean((2, 3), keepdim=True)
    x = (mean + (x - mean) * wide(drawn.contrast)).clamp(0, 1)
    if x.shape[1] == 3:
        seen = luma(x)
        x = (seen + (x - seen) * wide(drawn.saturation)).clamp(0, 1)
        x = turn_hue(x, drawn.hue)
        x = torch.where(wide(drawn.gray), luma(x), x)
    return x


def solarize(x: Tensor, where: Tensor) -> Tensor:
    """Invert all that is brighter than one half, in the images `where` says so, `(b,)`."""
    return torch.where(where.view(-1, 1, 1, 1) & (x >= 0.5), 1 - x, x)


def turn_hue(x: Tensor, turns: Tensor) -> Tensor:
    """Turn the hue of RGB `(b, 3, h, w)` in HSV space by `(b,)` turns of the circle."""
    top, low = x.amax(1), x.amin(1)
    span = top - low
    r, g, b = x.unbind(1)
    safe = span.clamp(min=1e-8)
    hue = torch.where(
        top == r,
        (g - b) / safe,
        torch.where(top == g, 2 + (b - r) / safe, 4 + (r - g) / safe),
    )
    hue = hue / 6 + turns.view(-1, 1, 1)
    # each channel of HSV's inverse: v - span * clip(min(k, 4 - k), 0, 1), k = n + 6 hue mod 6
    k = (x.new_tensor([5.0, 3.0, 1.0]).view(1, 3, 1, 1) + 6 * hue[:, None]) % 6
    return top[:, None] - span[:, None] * torch.minimum(k, 4 - k).clamp(0, 1)


def blur(x: Tensor, sigma: Tensor) -> Tensor:
    """Gaussian blur with a sigma of its own for each image, in pixels; 0 leaves it alone."""
    reach = max(1, x.shape[-1] // 20)  # SimCLR: a kernel of a tenth of the image
    at = torch.arange(-reach, reach + 1, device=x.device)
    kernel = (-(at**2) / (2 * sigma.clamp(min=1e-3)[:, None] ** 2)).exp()
    kernel = kernel / kernel.sum(1, keepdim=True)
    b, c, h, w = x.shape
    weight = kernel.repeat_interleave(c, 0)
    y = F.pad(x, (reach,) * 4, mode="reflect").reshape(1, b * c, h + 2 * reach, w + 2 * reach)
    y = F.conv2d(y, weight[:, None, :, None], groups=b * c)
    return F.conv2d(y, weight[:, None, None, :], groups=b * c).view(b, c, h, w)


def render(images: Tensor, drawn: Drawn, size: int) -> Tensor:
    """Make the drawn views: `(b, c, h, w)` uint8 or float to `(b, c, size, size)` in [0, 1].

    The crop first, then the colours, the blur and last solarisation, as BYOL (appendix B).
    """
    if kernel := _kernel_for(images):
        h, w = images.shape[-2:]
        return kernel.render(images, *place(drawn, h, w, size), drawn, size)
    x = colour(cut(floats(images), drawn, size), drawn)
    if bool((drawn.sigma > 0).any()):
        x = torch.where(drawn.sigma.view(-1, 1, 1, 1) > 0, blur(x, drawn.sigma * size / 224), x)
    return solarize(x, drawn.solarize).contiguous(memory_format=torch.channels_last)


def _kernel_for(images: Tensor) -> ModuleType | None:
    """The fused kernel, where it can make views of these images."""
    plain = images.dtype in (torch.uint8, torch.float32) and images.shape[1] in (1, 3)
    if images.is_cpu and plain and not images.requires_grad and not torch.compiler.is_compiling():
        return fused()
    return None


@cache
def fused() -> ModuleType | None:
    """The fused CPU kernel; None, with a line in the log, where numba cannot compile it.

    It is compiled once on a machine, in seconds, and then loaded.
    """
    try:
        from unlabeled.views import fused

        one = torch.ones(1)
        numbers = (one / 2, one / 2, one, one, one < 0, one, one, one, one * 0, one < 0, one < 0)
        drawn = Drawn(*numbers, sigma=one * 0)
        fused.render(one.byte().view(1, 1, 1, 1), *place(drawn, 1, 1, 1), drawn, 1)
    except Exception as error:  # whatever is wrong with it, the tensor operations do the same
        logging.getLogger(__name__).info("views are made without the fused kernel: %s", error)
        return None
    return fused


def augment(batch: Batch, size: int, look: Look = Look()) -> Tensor:
    """A fresh view of every image of a batch, `(b, c, size, size)` in [0, 1].

    Images of 64 pixels or less are not blurred: there is nothing fine to hide (SimCLR, appendix
    B.9).
    """
    look = look if size > UNBLURRED else dataclasses.replace(look, blur=0.0)
    return render(batch.data, draw(batch.dice, look), size)


PLAIN = Look(crop=(0.6, 1.0), jitter=0.0, gray=0.0)


def plain(batch: Batch, size: int) -> Tensor:
    """A weak view: a generous crop and a flip, with the colours as they are."""
    return augment(batch, size, PLAIN)


def whole(batch: Batch, size: int) -> Tensor:
    """The image itself, resized where need be: `(b, c, size, size)` in [0, 1]."""
    x = floats(batch.data)
    if x.shape[-2:] != (size, size):
        x = F.interpolate(x, (size, size), mode="bilinear", antialias=True, align_corners=False)
    return x.contiguous(memory_format=torch.channels_last)
