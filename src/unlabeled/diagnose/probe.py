"""Looks at the encoder while it trains, without labels and without leaving a trace."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from unlabeled.data import Store
from unlabeled.data.batches import spread
from unlabeled.diagnose import measures
from unlabeled.encoders import Encoder
from unlabeled.method import Method
from unlabeled.state import Prototypes, borrowed
from unlabeled.views import Batch
from unlabeled.views.dice import NEVER
from unlabeled.views.sequences import plain_sequence, preprocess

SAMPLES = 256


@dataclass(frozen=True)
class Health:
    """What one look found. Every number is of the same samples.

    Attributes:
        step: Steps done.
        loss: The training loss, or None before the first step.
        learned_nothing: The loss of a constant encoder, or None where unknown.
        std: Mean deviation of a dimension of the encoder's unit vectors.
        spread: Distance of those unit vectors from their mean, in [0, 1].
        rank: Effective rank of the encoder's vectors.
        dim: Their width.
        embed_spread: The spread in the space that the loss compares.
        embed_rank: The effective rank there.
        embed_dim: The width there.
        alignment: Squared distance of two views of a sample; None where there are no views.
        uniformity: How evenly the vectors fill the sphere; lower is more even.
        retrieval: Share of samples whose other view is the nearest.
        usage: Entropy of the prototypes' use, as a share of its most; None without prototypes.
        rankme: RankMe of the encoder's vectors; not a number in runs of before it was looked at.
        samples: How many were looked at.
    """

    step: int
    loss: float | None
    learned_nothing: float | None
    std: float
    spread: float
    rank: float
    dim: int
    embed_spread: float
    embed_rank: float
    embed_dim: int
    alignment: float | None
    uniformity: float
    retrieval: float | None
    usage: float | None
    rankme: float = math.nan
    samples: int = SAMPLES

    @classmethod
    def of(
        cls, h: Tensor, z: Tensor, pair: tuple[Tensor, Tensor] | None, *, step: int,
        loss: float | None = None, nothing: float | None = None, usage: float | None = None,
    ) -> Health:  # fmt: skip
        """Measure vectors.

        Args:
            h: `(n, d)`, samples in the encoder's space.
            z: `(n, e)`, the same in the space that the loss compares.
            pair: What the encoder makes of two views of each sample, if there are any.
            step: Steps done.
            loss: The training loss.
            nothing: That of a constant encoder.
            usage: Entropy of the prototypes' use.
        """
        finite = bool(z.isfinite().all() and h.isfinite().all())
        alone = lambda measure, x: measure(x) if finite else math.nan
        return cls(
            step=step,
            loss=loss,
            learned_nothing=nothing,
            std=alone(measures.feature_std, h),
            spread=alone(measures.spread, h),
            rank=alone(measures.effective_rank, h),
            dim=h.shape[1],
            embed_spread=alone(measures.spread, z),
            embed_rank=alone(measures.effective_rank, z),
            embed_dim=z.shape[1],
            alignment=pair and measures.alignment(*pair),
            uniformity=alone(measures.uniformity, h),
            retrieval=pair and measures.retrieval(*pair),
            usage=usage,
            rankme=alone(measures.rankme, h),
            samples=len(h),
        )

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Health:
        """A look as metrics.jsonl has it, where null also stands for what was no number."""
        numbers = {f.name for f in fields(cls) if f.type == "float"}
        look: dict[str, Any] = dict(said)
        look |= {name: math.nan for name in numbers if look.get(name) is None}
        return cls(**look)


def looks(metrics: Sequence[Mapping[str, Any]]) -> list[Health]:
    """The looks among the lines of metrics.jsonl, in their order."""
    return [Health.read(line["health"]) for line in metrics if line.get("health")]


class Probe:
    """Measures a method on fixed samples: `probe(step, loss)`.

    Batch norm uses the samples' own statistics, as in training, and its running averages stay as
    they are, so a look changes nothing of the run.

    Args:
        method: The method.
        store: Its data.
        samples: How many are looked at.
        seed: The run's seed.
        nothing: The loss of a constant encoder on a batch of the run; None where unknown.
    """

    def __init__(
        self,
        method: Method[Any],
        store: Store,
        *,
        samples: int = SAMPLES,
        seed: int = 0,
        nothing: float | None = None,
    ) -> None:
        self.method, self.nothing = method, nothing
        self.index, self.seed = spread(len(store), samples, seed), seed
        self.rows = store.read(self.index)

    def batch(self) -> Batch:
        """The samples, with the same dice at every look."""
        device = next(self.method.parameters()).device
        there = self.index.to(device)
        return Batch(self.rows.to(device), there, seed=self.seed, epoch=NEVER)

    @torch.no_grad()
    def __call__(self, step: int, loss: float | None) -> Health:
        """Measure now."""
        method, encoder = self.method, self.method.encoder
        with borrowed(method, averages=False):
            z, h = _vectors(method, self.batch())
            pair = views_of(encoder, self.batch())
            usage = _usage(method, z)
            return Health.of(h, z, pair, step=step, loss=loss, nothing=self.nothing, usage=usage)


@torch.no_grad()
def nothing(method: Method[Any], batch: Batch) -> float | None:
    """The loss of a constant encoder on a batch like this one."""
    with borrowed(method, averages=False):
        return method.learned_nothing(*method.views(batch))


def vectors_of(encoder: Encoder, batch: Batch) -> Tensor:
    """What the encoder makes of the samples as they are; of a table of words, its rows."""
    if encoder.modality == "text":
        words = batch.data.unique()  # not averages of words: it is the words that are learnt
        return encoder.features(words[words > 0][:SAMPLES, None])["out"].float()
    return encoder(preprocess(encoder, batch.data)).float()


def views_of(encoder: Encoder, batch: Batch) -> tuple[Tensor, Tensor] | None:
    """What it makes of two weak views of each sample; text has none."""
    if encoder.modality == "text":
        return None
    return tuple(encoder(plain_sequence(batch, encoder)).float() for _ in range(2))  # pyright: ignore


def _vectors(method: Method[Any], batch: Batch) -> tuple[Tensor, Tensor]:
    """The samples in the space that the loss compares, and in the encoder's own."""
    encoder = method.encoder
    h = vectors_of(encoder, batch)
    if type(method).embed is Method.embed or encoder.modality == "text":
        return h, h
    return method.embed(preprocess(encoder, batch.data)).float(), h


def _usage(method: Method[Any], z: Tensor) -> float | None:
    """Entropy of how often each prototype is the nearest, as a share of its most."""
    for part in method.modules():
        if isinstance(part, Prototypes):
            nearest = part(torch.nn.functional.normalize(z, dim=1)).argmax(1)
            p = torch.bincount(nearest, minlength=len(part.weight)).double() / len(z)
            most = math.log(max(2, min(len(z), len(part.weight))))  # of a single one, none is used
            return max(0.0, float(-(p * p.clamp(min=1e-300).log()).sum() / most))
    return None
