"""Randomness as a function: row i of every draw depends on (seed, epoch, sample i, draw) alone.

A generator's stream depends on who draws before you; a hash does not. So a sample gets the same
view on one process or four, in a batch of 16 or 4,096, on the CPU or a GPU, and resuming a run
needs no generator state.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor

GOLDEN = -7046029254386353131  # 2**64 / golden ratio, as a signed integer
NEVER = 2**31  # an epoch that no run reaches: these views are never trained on


def _shift(x: Tensor, bits: int) -> Tensor:
    """The logical right shift that signed integers lack."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def scramble(x: Tensor) -> Tensor:
    """Mix 64-bit integers (splitmix64's finaliser: Steele, Lea & Flood 2014)."""
    x = (x ^ _shift(x, 30)) * -4658895280553007687
    x = (x ^ _shift(x, 27)) * -7723592293110705685
    return x ^ _shift(x, 31)


def seed_of(*parts: int) -> int:
    """One 63-bit seed from several integers; order matters."""
    key = torch.zeros((), dtype=torch.long)
    for part in parts:
        key = scramble(key + GOLDEN + part)
    return int(key) & (2**63 - 1)


class Dice:
    """Random numbers for the samples of a batch, one row a sample.

    Args:
        seed: The run's seed.
        epoch: Which pass over the data; a sample looks different in each.
        index: Which samples these are, `(b,)` int64, on the device that wants the numbers.
    """

    def __init__(self, seed: int, epoch: int, index: Tensor) -> None:
        self.key = scramble(index * GOLDEN + seed_of(seed, epoch))
        self.draws = 0

    def __len__(self) -> int:
        return len(self.key)

    def bits(self, *shape: int) -> Tensor:
        """Uniform 64-bit integers `(b, *shape)`."""
        self.draws += 1
        place = torch.arange(math.prod(shape), device=self.key.device)
        stream = scramble(self.key ^ seed_of(self.draws))
        return scramble(stream[:, None] + place * GOLDEN).view(-1, *shape)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Floats `(b, *shape)` in [low, high)."""
        return low + (high - low) * (_shift(self.bits(*shape), 40) * 2.0**-24)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal floats `(b, *shape)` (Box & Muller 1958)."""
        radius = (-2 * (1 - self.uniform(*shape)).log()).sqrt()
        return radius * (2 * math.pi * self.uniform(*shape)).cos()

    def integers(self, high: int, *shape: int) -> Tensor:
        """Integers `(b, *shape)` in [0, high)."""
        return _shift(self.bits(*shape), 1) % high

    def coin(self, share: float, *shape: int) -> Tensor:
        """Booleans `(b, *shape)`, true with probability `share`."""
        return self.uniform(*shape) < share

    def order(self, n: int) -> Tensor:
        """A random order of n things for each sample: `(b, n)`."""
        return self.bits(n).argsort(dim=1)

    def repeat(self, times: int) -> Dice:
        """Dice for `times` parts of each sample, sample outermost: row i * times + j."""
        twin = Dice.__new__(Dice)
        twin.key, twin.draws = self.bits(times).flatten(), 0
        return twin


class Samples(Protocol):
    """All samples as stored, read where they are indexed: a tensor, or what fits into no memory."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: slice | Tensor, /) -> Tensor:
        """Those at the positions, in their order."""
        ...


class Batch:
    """What a method sees: samples as stored, which ones they are, and the dice to change them with.

    There is no place for a label in it.

    Attributes:
        data: `(b, c, h, w)` uint8 images, `(b, c, t)` float32 series or `(b, t)` int64 tokens.
        index: `(b,)` int64, the samples' numbers in their store.
        dice: The randomness of their views.
    """

    def __init__(self, data: Tensor, index: Tensor, *, seed: int = 0, epoch: int = 0) -> None:
        self.data, self.index = data, index
        self.dice = Dice(seed, epoch, index)

    def showing(self, data: Tensor) -> Batch:
        """The same samples and dice with other data `(b, ...)` in their place."""
        other = Batch(data, self.index)
        other.dice = self.dice
        return other

    def __len__(self) -> int:
        return len(self.data)
