"""After training: did it work? Numbers and a verdict, without a label."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from unlabeled.data import Store
from unlabeled.data.batches import spread
from unlabeled.diagnose import clusters, measures, negatives
from unlabeled.diagnose.probe import Health, vectors_of, views_of
from unlabeled.diagnose.verdict import Verdict, healthy, verdict
from unlabeled.encoders import Encoder
from unlabeled.errors import DataError
from unlabeled.losses.kmeans import kmeans
from unlabeled.state import borrowed
from unlabeled.views import Batch
from unlabeled.views.dice import NEVER

SAMPLES = 2048
SEEN, TIMES = 1000, 10  # samples whose views LiDAR compares, and views of each
CLUSTERS = 10
FEWEST = 2 * CLUSTERS  # samples: as many as clusters would each be alone, and fill few directions

CONVENTIONS = {
    "dimensions": "of the encoder's output, as all that follows is; not of the projector's",
    "effective rank": "centred, natural log, exact shares",
    "RankMe": "not centred, natural log, 1e-7 on each share; grows with the samples",
    "stable rank": "centred",
    "alpha (alpha-ReQ)": "centred; eigenvalues 11 to 100, weighted by 1 / rank",
    "LiDAR": f"up to {SEEN:,} samples x {TIMES} weak views, delta 1e-4; the paper takes 50 views",
    "uniformity": "t = 2, natural log",
    "alignment": f"squared distance of two weak views of up to {SEEN:,} samples",
    "retrieval@1": f"two weak views, among up to {SEEN:,} samples",
    "silhouette": f"k-means with {CLUSTERS} centres, unit vectors",
    "tolerance": f"mean cosine within these {CLUSTERS} clusters",
    "cluster learnability": "nearest of those before it, one by one",
    "expected false negatives": f"of an anchor in a batch, if these {CLUSTERS} clusters were right",
    "clusters in a batch": f"share of these {CLUSTERS}, by expectation",
    "intrinsic dimension": "TwoNN, no outliers discarded",
}


def drawn(encoder: Encoder, store: Store, samples: int = SAMPLES, seed: int = 0) -> Batch:
    """The samples that are looked at, at most so many in a random order, where the encoder is."""
    device = next(encoder.parameters()).device
    index = spread(len(store), samples, seed)
    return Batch(store.read(index).to(device), index.to(device), seed=seed, epoch=NEVER)


@torch.no_grad()
def seen(encoder: Encoder, batch: Batch, *, step: int = 1, seed: int = 0) -> tuple[Health, Tensor]:
    """A look at an encoder as it will be used: in evaluation mode, at thousands of samples.

    Args:
        encoder: The encoder; it is left as it was.
        batch: The samples, as `drawn` gives them; up to a thousand of them show two weak views.
        step: Steps that it was trained for; 0 of an untrained network.
        seed: Of the views.

    Returns:
        The look, which knows of no loss and of no space but the encoder's; and `(n, d)` vectors.
    """
    with borrowed(encoder):
        h, pair = vectors_of(encoder, batch), views_of(encoder, _few(batch, seed))
    return Health.of(h, h, pair, step=step), h


def _few(batch: Batch, seed: int) -> Batch:
    """The samples of which views are drawn, with dice that nothing has thrown yet."""
    return Batch(batch.data[:SEEN], batch.index[:SEEN], seed=seed, epoch=NEVER)


def concluded(now: Health, then: Health | None = None, history: Sequence[Health] = ()) -> Verdict:
    """The verdict on a run that has ended.

    Args:
        now: A look at the encoder as it will be used.
        then: The same look at the same network untrained, if there is one to compare with.
        history: The looks of the run, if `now` is of its own data. What a loss and the space that
            it compares can tell is known to them alone; the numbers in words are those of `now`.
    """
    alone, run = verdict([now]), verdict(history, steps=history[-1].step) if history else None
    if not alone.ok or run is None or run.ok:
        return healthy(then or now, now, history[-1] if history else None) if alone.ok else alone
    return run


@torch.no_grad()
def diagnose(
    encoder: Encoder,
    store: Store,
    *,
    untrained: Encoder | None = None,
    history: Sequence[Health] = (),
    contrasted: int | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Judge a trained encoder on samples, without labels.

    Args:
        encoder: The encoder, on the device that shall compute; it is left as it was.
        store: The samples, the run's own or others.
        untrained: The same network with the weights that training began from: the same numbers of
            it tell what training did.
        history: The looks of the run that trained it, if these are its own samples.
        contrasted: How many samples a batch of the run held, if its loss contrasted them with one
            another: what such a batch holds is counted, not judged (see docs/over-under.md).
        samples: How many are looked at.
        seed: Of which ones, and of their views.

    Returns:
        "ok", "level", "words" and "advice" of the verdict; "numbers" by name, by the same names
        those of the network "untrained", and the "conventions" of those that others compute
        differently.

    Raises:
        DataError: Where there is nothing to judge by: fewer than `FEWEST` samples (of text: words),
            as its clusters need two each; or samples that are all equal.
    """
    batch = drawn(encoder, store, samples, seed)
    (now, h), then, before = seen(encoder, batch, seed=seed), None, {}
    _check(encoder, batch.data, h)
    numbers = _numbers(now, h)
    if all(map(math.isfinite, numbers.values())):
        few = _few(batch, seed + 1)
        with borrowed(encoder):
            views = [z for _ in range(TIMES // 2) for z in views_of(encoder, few) or ()]
        numbers |= _shape(h, views, contrasted)
    if untrained is not None:
        then, h = seen(untrained, batch, step=0, seed=seed)
        before = _numbers(then, h)
    found = concluded(now, then, history)
    said = {name: CONVENTIONS[name] for name in numbers if name in CONVENTIONS}
    return {**asdict(found), "numbers": numbers, "untrained": before, "conventions": said}


def _numbers(look: Health, h: Tensor) -> dict[str, Any]:
    """What a look found, by the names of the literature."""
    numbers = {
        "samples": len(h),
        "dimensions": h.shape[1],
        "std of unit vectors": look.std,
        "1 / sqrt(dimensions)": h.shape[1] ** -0.5,
        "spread": look.spread,
        "effective rank": look.rank,
        "RankMe": look.rankme,
        "stable rank": measures.stable_rank(h) if h.isfinite().all() else math.nan,
        "dead dimensions": measures.dead(h),
        "uniformity": look.uniformity,
        "alignment": look.alignment,
        "retrieval@1": look.retrieval,
    }
    return {name: value for name, value in numbers.items() if value is not None}


def _check(encoder: Encoder, rows: Tensor, h: Tensor) -> None:
    """Refuse what would look like a collapse, and is none of the encoder's."""
    words = encoder.modality == "text"
    if len(h) < FEWEST:
        raise DataError(
            f"{len(h)} {'words' if words else 'samples'} are too few to judge an encoder by: "
            f"{FEWEST} are needed",
            hint="name more data: unlabeled diagnose RUN DATA",
        )
    if not words and bool((rows == rows[:1]).all()):
        raise DataError(
            f"all {len(rows):,} samples that were looked at are equal: no encoder could tell them "
            "apart",
            hint="name other data: unlabeled diagnose RUN DATA",
        )


def _shape(h: Tensor, seen: list[Tensor], contrasted: int | None) -> dict[str, float]:
    """Slower numbers, of vectors that are finite: the spectrum's tail, views, clusters."""
    found = {"alpha (alpha-ReQ)": measures.alpha_req(h)}
    if seen:
        found["LiDAR"] = measures.lidar(torch.stack(seen, 1))
    found["intrinsic dimension"] = measures.intrinsic_dimension(h)
    _, own, _ = kmeans(F.normalize(h, dim=1), CLUSTERS)
    if len(own.unique()) > 1:
        found["silhouette"] = clusters.silhouette(h, own)
        found["tolerance"] = clusters.tolerance(h, own)
        found["cluster learnability"] = clusters.learnability(h, own)
        if contrasted:
            found["expected false negatives"] = negatives.false_negatives(own, contrasted - 1)
            found["clusters in a batch"] = negatives.coverage(own, contrasted)
    return {name: value for name, value in found.items() if math.isfinite(value)}
