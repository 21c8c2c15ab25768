"""Segmentation transfer: what are pretrained weights worth, against random ones, pixel by pixel?"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import asdict, field
from itertools import product
from typing import Any, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unlabeled.data import Store, open_data
from unlabeled.encoders import Encoder, Shape
from unlabeled.encoders import Sequence as Parts
from unlabeled.encoders.convnet import conv
from unlabeled.errors import DataError
from unlabeled.evaluate.baselines import learn, recompute_norms, untrained
from unlabeled.evaluate.collages import PASTED, THRESHOLD, collages
from unlabeled.evaluate.embed import home, inputs
from unlabeled.evaluate.few import over
from unlabeled.losses import choose
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.state import borrowed
from unlabeled.views import Batch
from unlabeled.views.sequences import preprocess

COUNTS = (16, 64, 256)  # labelled images
STEPS = 200
DRAWS = 3
TESTS = 256  # synthetic canvases that score
MAPS = 4  # of the encoder's maps, the last ones, that a head reads
WIDTH = 64  # channels of the decoder
NUMBERS = 2**26  # that the kept maps of a frozen encoder may hold: 256 MiB
VOID = 255  # pixels of this class are neither learnt nor scored
HASTE = 5.0  # times the encoder's learning rate: a head's, as it begins with nothing
RECIPE = Recipe(optimizer="adamw", lr=2e-3, weight_decay=0.05, batch=16, warmup=0.1)

SYNTHETIC = {  # what `on_collages` is run with, for the record
    "data": f"synthetic: collages of {PASTED[0]} to {PASTED[1]} samples on black",
    "threshold": THRESHOLD, "labelled": COUNTS, "tests": TESTS, "steps": STEPS, "draws": DRAWS,
    "norms": "averages of the training canvases", "maps": MAPS, "width": WIDTH, "haste": HASTE,
    "recipe": asdict(RECIPE),
}  # fmt: skip

Samples: TypeAlias = tuple[Store, np.ndarray]
Masked: TypeAlias = tuple[np.ndarray, np.ndarray]
"""Images `(n, h, w, c)` uint8 and the class of every pixel, `(n, h, w)` integers."""


class Head(nn.Module):
    """Names the class of every pixel, from the encoder's last map back to its first.

    All maps are standardised, led through a 1x1 convolution, upsampled bilinearly and added up.
    That is linear: a classifier of pixels by all maps joined. The decoder has 3x3 convolutions
    after each sum.

    Source: Long, Shelhamer & Darrell 2015, sec. 4.2, https://arxiv.org/abs/1411.4038; the decoder
    is that of Lin et al. 2017, https://arxiv.org/abs/1612.03144.

    Args:
        widths: Channels of the maps, the first one first.
        classes: How many there are.
        deep: Whether it is a decoder.
    """

    def __init__(self, widths: Sequence[int], classes: int, *, deep: bool) -> None:
        super().__init__()
        out = WIDTH if deep else classes
        norm = lambda width: nn.BatchNorm2d(width, affine=False)
        enter = lambda width: nn.Sequential(norm(width), nn.Conv2d(width, out, 1))
        self.enter = nn.ModuleList(map(enter, widths))
        self.mix = nn.ModuleList(conv(out, out) if deep else nn.Identity() for _ in widths)
        self.leave = nn.Conv2d(out, classes, 1) if deep else nn.Identity()

    def forward(self, maps: Sequence[Tensor], side: Sequence[int]) -> Tensor:
        """Maps `(b, c, h, w)` to scores `(b, classes, *side)`."""
        found = None
        for x, enter, mix in reversed([*zip(maps, self.enter, self.mix, strict=True)]):
            here = enter(x)
            found = mix(here if found is None else here + upsample(found, here.shape[2:]))
        return upsample(self.leave(found), side)


def upsample(x: Tensor, side: Sequence[int]) -> Tensor:
    """Bilinearly."""
    return F.interpolate(x, tuple(side), mode="bilinear", align_corners=False)


class Segmenter(Method):
    """Learn the class of every pixel, on top of the encoder's weights or with them."""

    masks: Tensor = field()
    classes: int = field()
    deep: bool = field()
    frozen: bool = field()

    def setup(self) -> None:
        self.seen: list[Tensor] = []  # maps `(2, n, c, h, w)` of the images and their mirror images
        self.truth, side = nn.Buffer(self.masks), self.encoder.size
        self.encoder.requires_grad_(not self.frozen)
        x = torch.zeros(1, self.encoder.channels, side, side, device=home(self.encoder))
        with borrowed(self.encoder):
            self.top = Head([y.shape[1] for y in self.maps(x)], self.classes, deep=self.deep)

    def maps(self, x: Tensor) -> list[Tensor]:
        """The encoder's last maps, `(b, c, h, w)`; those of a frozen one as in evaluation."""
        with borrowed(self.encoder if self.frozen else nn.Module()):
            return [y for y in self.encoder.features(x).values() if y.ndim == 4][-MAPS:]

    @torch.no_grad()
    def look(self, store: Store) -> None:
        """Keep a frozen encoder's maps of all images and of their mirror images, if they fit."""
        if not self.frozen:
            return
        some = self.maps(next(inputs(self.encoder, store, 1)))
        if 2 * len(store) * sum(y.numel() for y in some) <= NUMBERS:
            parts = [self.maps(torch.cat([x, x.flip(3)])) for x in inputs(self.encoder, store, 64)]
            both = [[y.unflatten(0, (2, -1)) for y in level] for level in zip(*parts, strict=True)]
            self.seen = [torch.cat(level, 1) for level in both]

    def groups(self) -> list[dict[str, Any]]:
        return [{"params": list(self.top.parameters()), "scale": HASTE}]

    def views(self, batch: Batch) -> tuple[Tensor, ...]:
        """The classes of pixels, and the image, or a frozen encoder's maps of it."""
        flip = batch.dice.coin(0.5)
        truth = self.truth[batch.index].long()
        truth = torch.where(flip[:, None, None], truth.flip(2), truth)
        if self.seen:
            return truth, *(y[flip.long(), batch.index] for y in self.seen)
        x = preprocess(self.encoder, batch.data)
        x = torch.where(flip[:, None, None, None], x.flip(3), x)
        return truth, *(self.maps(x) if self.frozen else [x])

    def loss(self, truth: Tensor, *found: Tensor) -> Tensor:
        scores = self.top(found if self.frozen else self.maps(*found), truth.shape[1:])
        counts = truth != VOID
        return choose(scores, truth.where(counts, 0))[counts]

    def scores(self, x: Tensor) -> Tensor:
        """What each class is said to be, pixel by pixel: `(b, classes, side, side)`."""
        return self.top(self.maps(x), self.truth.shape[1:])


def mean_iou(truth: Tensor, guess: Tensor) -> float:
    """The mean over classes, in percent, of intersection over union.

    Pixels are counted over the whole test set, not image by image. The background is a class as
    any other. Classes that are neither there nor named do not count.

    Args:
        truth: Classes of pixels, any shape, int64; those of class 255 are left out.
        guess: What they were called.

    Source: Long, Shelhamer & Darrell 2015, sec. 5, https://arxiv.org/abs/1411.4038.
    """
    truth, guess = truth[truth != VOID], guess[truth != VOID]
    k = int(torch.cat([truth, guess]).max()) + 1
    table = (truth * k + guess).bincount(minlength=k * k).view(k, k).double()
    both, either = table.diagonal(), table.sum(0) + table.sum(1) - table.diagonal()
    return 100 * float((both / either)[either > 0].mean())


def segmentation(
    encoder: Encoder,
    train: Masked,
    test: Masked,
    *,
    counts: Sequence[int] = COUNTS,
    steps: int = STEPS,
    draws: int = DRAWS,
    seed: int = 0,
    beside: bool = True,
    called: str = "images",
) -> dict[str, dict[str, dict[str, Any]]]:
    """Learn to segment from few labelled images: with the encoder's weights, and from random ones.

    Two heads, "linear" and a small "decoder", each on the frozen encoder and with all weights
    "tuned". Random weights are treated alike: the same heads at first, the same images and flips,
    as many steps at the same rate; and the batch norm of both has the averages of these images.

    Args:
        encoder: The encoder as pretraining left it; it stays as it is.
        train: Images and masks to draw from. Pixels of class 255 do not count.
        test: The same, to score.
        counts: How many labelled images; only as many as there are.
        steps: Of the optimiser.
        draws: How many times they are drawn.
        seed: Of the random weights.
        beside: Whether random weights are scored too; those of one seed are always the same.
        called: What the columns call the images.

    Returns:
        "encoder" and, where `beside`, "untrained": by column, the "mIoU" over the draws, as
        `mean_iou`, their "deviation", and the "draws".

    Raises:
        DataError: Where a pixel has no class: the images must be square, and the masks of their
            size.

    Source: the claim is that of Pathak et al. 2016, sec. 5.2.3, https://arxiv.org/abs/1604.07379.
    """
    stores, side = [], train[0].shape[1]
    for images, masks in (train, test):
        stores.append(open_data(images, like=Shape("image", encoder.channels, side)))
        if images.shape[:3] != masks.shape or masks.shape[1:] != (side, side):
            raise DataError(
                f"masks {masks.shape} do not give every pixel of images {images.shape} a class",
                hint=f"both must be (n, {side}, {side}), the images with their channels last",
            )
    net = copy.deepcopy(encoder)
    if not isinstance(net, Parts):  # which sees images of its own size only
        net.size = side
    recompute_norms(net, stores[0])  # canvases are darker than what pretraining saw
    starts = {"encoder": net}
    if beside:
        starts["untrained"] = untrained(net, stores[0], seed)
    classes = 1 + max(int(masks[masks != VOID].max()) for _, masks in (train, test))

    def score(start: Encoder, n: int, draw: int, **given: Any) -> float:
        rows = np.random.default_rng(draw).permutation(len(train[0]))[:n]
        with torch.random.fork_rng():
            torch.manual_seed(draw)
            masks = torch.from_numpy(train[1][rows])
            method = Segmenter(copy.deepcopy(start), masks=masks, classes=classes, **given)
            own = stores[0].subset(rows)
            method.look(own)
            learn(method, own, RECIPE, steps=steps, seed=draw)
        with torch.no_grad():
            parts = [
                method.eval().scores(x).argmax(1) for x in inputs(method.encoder, stores[1], 64)
            ]
        return mean_iou(torch.from_numpy(test[1]).long(), torch.cat(parts).cpu())

    found: dict[str, dict[str, dict[str, Any]]] = {who: {} for who in starts}
    enough = [n for n in counts if n <= len(train[0])]
    for who, head, how, n in product(starts, ("linear", "decoder"), ("frozen", "tuned"), enough):
        given = {"deep": head == "decoder", "frozen": how == "frozen"}
        scores = [score(starts[who], n, draw, **given) for draw in range(draws)]
        found[who][f"{head} {how}, {n} {called}"] = over(scores, "mIoU")
    return found


def on_collages(
    encoder: Encoder, train: Samples, test: Samples, *, seed: int = 0, beside: bool = True
) -> dict[str, dict[str, dict[str, Any]]]:
    """`segmentation` of synthetic collages: of training samples to learn, of test samples to score.

    Args:
        encoder: The encoder as pretraining left it; it stays as it is.
        train: Images on black and their classes.
        test: The same.
        seed: Of the collages and the random weights.
        beside: Whether random weights are scored too.
    """
    parts = collages(train, max(COUNTS) * DRAWS, seed=seed), collages(test, TESTS, seed=seed)
    given: dict[str, Any] = {"counts": COUNTS, "steps": STEPS, "draws": DRAWS, "seed": seed}
    return segmentation(encoder, *parts, beside=beside, called="synthetic collages", **given)
