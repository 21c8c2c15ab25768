"""How well a trained method does its own task on held-out images, beside the naive answer.

Each measure takes a trained method in evaluation mode, training images and test images, and
returns numbers by name. Errors are mean squares of pixels in [0, 1] where nothing else is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.naive import decibels, gradient_energy, principal, smooth_fill, squared
from benchmarks.shortcuts import RIGHT, solved
from unlabeled.data import Store
from unlabeled.evaluate.embed import inputs
from unlabeled.losses import regress
from unlabeled.method import Method
from unlabeled.methods.reconstruction.super_resolution import resized
from unlabeled.methods.reconstruction.vae import divergence
from unlabeled.views import Batch, colours, whole

ACTIVE = 0.01  # nats that a number of a code must tell to be in use

Found: TypeAlias = dict[str, Any]
Measure: TypeAlias = Callable[[Any, Store, Store, np.ndarray], Found]
"""Of a method, training images, test images and the classes of these."""


def batches(store: Store) -> Iterator[Batch]:
    """All samples, in order."""
    for rows in torch.arange(len(store)).split(250):
        yield Batch(store.read(rows), rows)


def images(method: Method[Any], store: Store) -> Tensor:
    """All images as they are, at the method's size, in [0, 1]."""
    return torch.cat([*inputs(method.encoder, store)])


def percent(right: Tensor) -> float:
    """Share of what is true."""
    return 100 * float(right.double().mean())


def named(right: Tensor, classes: np.ndarray) -> dict[str, float]:
    """Percent right `(n, ...)` in each class."""
    of = torch.from_numpy(classes)
    return {str(c): percent(right[of == c]) for c in of.unique().tolist()}


def guessed(method: Any, test: Store) -> Tensor:
    """Which move it takes each of the moves of each image for, `(n, moves)`."""
    moved = (method.views(batch)[0] for batch in batches(test))
    guess = torch.cat([method.head(method.encoder(x)).argmax(1) for x in moved])
    return guess.view(len(test), -1)


def turns(method: Any, _: Store, test: Store, classes: np.ndarray) -> Found:
    """Rotation: percent of turns that it names, and by class."""
    right = guessed(method, test) == torch.arange(4)
    return {"accuracy": percent(right), "by class": named(right, classes)}


def flips(method: Any, _: Store, test: Store, classes: np.ndarray) -> Found:
    """Flips: percent that it names; whether up-down and left-right are told, and by class."""
    guess, move = guessed(method, test), torch.arange(4)  # none, left-right, up-down, both
    sides, ways = guess % 2 == move % 2, guess // 2 == move // 2
    return {
        "accuracy": percent(guess == move),
        "by move": [percent(guess[:, k] == k) for k in range(4)],
        "left-right": percent(sides),
        "up-down": percent(ways),
        "left-right by class": named(sides, classes),
        "up-down by class": named(ways, classes),
    }


def puzzles(name: str) -> Measure:
    """Relative position and jigsaw: percent of puzzles solved, as many answers as there are."""

    def measure(method: Any, _: Store, test: Store, __: np.ndarray) -> Found:
        ways = 8 if name == "relative-position" else method.orders
        return {"accuracy": solved(method, name, test, {}), "chance": 100 / ways}

    assert name in RIGHT
    return measure


def colour(method: Any, train: Store, test: Store, _: np.ndarray) -> Found:
    """Colorization: squared error in a and b of the image's parts, and how strong the colours."""

    def parts(x: Tensor) -> tuple[Tensor, Tensor]:
        lab = colours.to_lab(x)
        return colours.grey(lab), colours.coarse(lab[:, 1:], method.side).view(len(x), -1, 2)

    made, true = [], []
    for batch in batches(test):
        grey, ab = parts(whole(batch, method.encoder.size))
        guess = method.guess(grey)
        bins = method.answer == "bins"
        said = colours.annealed_mean(guess) if bins else guess * colours.RANGE
        made.append(said.view_as(ab))
        true.append(ab)
    guess, ab = torch.cat(made), torch.cat(true)
    usual = parts(images(method, train))[1].mean(0)
    chroma = lambda x: float(x.square().sum(-1).sqrt().mean())
    return {
        "error": squared(guess, ab),
        "error of the mean": squared(usual.expand_as(ab), ab),
        "error of grey": squared(torch.zeros_like(ab), ab),
        "chroma": chroma(guess),
        "true chroma": chroma(ab),
    }


def halves(method: Any, train: Store, test: Store, _: np.ndarray) -> Found:
    """Split-brain: squared error of each half's places, halves in [0, 1], beside their means."""
    side, names = method.side, method.encoder.names
    place = lambda half, n: colours.coarse(half, side).view(n, side * side, -1)
    seen = images(method, train)
    usual = [place(half, len(seen)).mean(0) for half in method.encoder.halves(seen)]
    found = {name: {"error": 0.0, "error of the mean": 0.0} for name in names}
    for batch in batches(test):
        x = whole(batch, method.encoder.size)
        both = zip(names, method.guesses(x), method.encoder.halves(x), usual, strict=True)
        for name, scores, half, mean in both:
            true, share = place(half, len(x)), len(x) / len(test)
            levels = torch.linspace(0, 1, scores.shape[1])[:, None]
            made = (
                colours.annealed_mean(scores, 1) / (2 * colours.RANGE) + 0.5
                if true.shape[2] == 2
                else scores.softmax(1) @ levels
            )
            found[name]["error"] += share * squared(made.view_as(true), true)
            found[name]["error of the mean"] += share * squared(mean.expand_as(true), true)
    return found


def told(method: Any, real: Tensor, made: Tensor) -> Found:
    """Percent of real and of made images that a method's critic, if it has one, takes for such."""
    if not method.adversary:
        return {}
    says = [torch.cat([method.critic(part) > 0 for part in x.split(250)]) for x in (real, made)]
    return {"critic": (percent(says[0]) + percent(~says[1])) / 2}


def hole(method: Any, train: Store, test: Store, _: np.ndarray) -> Found:
    """Inpainting: error in a centre hole; beside the mean image and the border, smoothly drawn."""
    size = method.encoder.size
    gone = method.holes(Batch(torch.zeros(1), torch.zeros(1, dtype=torch.long)).dice, size)[0, 0]
    real, usual = images(method, test), images(method, train).mean(0)
    seen = torch.where(gone, method.colour, real)
    painted = torch.cat([method.decoder(method.encoder(x)) for x in seen.split(250)])
    side = slice(size // 4, size // 4 + size // 2)
    within = lambda x: x[..., side, side]
    filled = torch.where(gone, painted, real)
    return {
        "error": squared(within(painted), within(real)),
        "error of the mean": squared(within(usual.expand_as(real)), within(real)),
        "error of the border": squared(within(smooth_fill(seen, gone)), within(real)),
        "gradient energy": gradient_energy(within(painted)),
        "true gradient energy": gradient_energy(within(real)),
        **told(method, real, filled),
    }


def enlargement(method: Any, _: Store, test: Store, __: np.ndarray) -> Found:
    """Super-resolution: decibels of the whole image, beside bicubic enlargement."""
    size, real = method.encoder.size, images(method, test)
    enlarged = resized(resized(real, size // method.factor), size)
    made = torch.cat([method.rebuild(x) for x in enlarged.split(250)])
    return {
        "decibels": decibels(made.clamp(0, 1), real),
        "decibels of bicubic": decibels(enlarged, real),
        "gradient energy": gradient_energy(made),
        "gradient energy of bicubic": gradient_energy(enlarged),
        "true gradient energy": gradient_energy(real),
        **told(method, real, made),
    }


def rebuilding(method: Any, train: Store, test: Store, _: np.ndarray) -> Found:
    """Autoencoder: error beside PCA of as many numbers; with noise, beside the noisy image."""
    seen, real = images(method, train), images(method, test)
    noisy = torch.cat([method.views(batch)[0] for batch in batches(test)])
    made = torch.cat([method.rebuild(x) for x in noisy.split(250)])
    kept = principal(seen.flatten(1), real.flatten(1), method.code)
    return {
        "error": squared(made, real),
        "error of PCA": squared(kept, real.flatten(1)),
        "error of what it sees": squared(noisy, real),
        "error of the mean": squared(seen.mean(0).expand_as(real), real),
        "code": method.code,
    }


def evidence(method: Any, train: Store, test: Store, _: np.ndarray) -> Found:
    """VAE: minus the evidence lower bound in nats an image, and what it draws from the prior."""
    real, usual = images(method, test), images(method, train).mean(0).clamp(1e-4, 1 - 1e-4)
    terms, told_, drawn, rebuilt = [], [], [], []
    for batch in batches(test):
        x, noise = method.views(batch)
        terms.append(sum(method.loss(x, noise).values()))
        mean, spread = method.posterior(x)
        told_.append(
            torch.stack([divergence(mean[:, [k]], spread[:, [k]]) for k in range(mean.shape[1])], 1)
        )
        drawn.append(method.decoder(noise).sigmoid())
        rebuilt.append(method.decoder(mean).sigmoid())
    each = torch.cat(told_).mean(0)
    constant = F.binary_cross_entropy(usual.expand_as(real), real, reduction="none")
    return {
        "nats": float(torch.cat(terms).mean()),
        "nats of the mean": float(constant.flatten(1).sum(1).mean()),
        "divergence": float(each.sum()),
        "active": int((each > ACTIVE).sum()),
        "code": method.code,
        "gradient energy": gradient_energy(torch.cat(drawn)),
        "gradient energy of rebuilt": gradient_energy(torch.cat(rebuilt)),
        "true gradient energy": gradient_energy(real),
    }


def hidden_patches(method: Any, train: Store, test: Store, _: np.ndarray) -> Found:
    """MAE and SimMIM: error on hidden patches, as each counts it, beside the usual patch there.

    The usual patch is the mean over training images at each place, or the median where the error is
    absolute.
    """
    mae = hasattr(method, "painter")
    seen = images(method, train)
    power, patches = getattr(method, "power", 2.0), method.asked(seen)
    usual = patches.mean(0) if power == 2 else patches.median(0).values
    sums = torch.zeros(2)
    for batch in batches(test):
        x, cover = whole(batch, method.encoder.size), method.views(batch)[1]
        guess = (
            method.painter(method.encoder.tokens(x, cover), cover)
            if mae
            else method.guess(x, cover)
        )
        asked = method.asked(x)
        covered = (method.hidden(cover) if mae else cover)[..., None]
        for k, answer in enumerate((guess, usual.expand_as(asked))):
            sums[k] += regress(answer, asked, covered, p=power).sum()
    made, mean = (sums / len(test)).tolist()
    return {"error": made, "error of the mean": mean}
