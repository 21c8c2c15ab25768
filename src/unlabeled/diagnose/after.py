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
from unlabeled.diagnose import clusters, measures, negatives
from unlabeled.diagnose.probe import Health, vectors_of, views_of
from unlabeled.diagnose.verdict import verdict
from unlabeled.encoders import Encoder
from unlabeled.losses.kmeans import kmeans
from unlabeled.state import borrowed
from unlabeled.views import Batch
from unlabeled.views.dice import NEVER

SAMPLES = 2048
SEEN, TIMES = 1000, 10  # samples whose views LiDAR compares, and views of each
CLUSTERS = 10

CONVENTIONS = {
    "effective rank": "centred, natural log, exact shares",
    "RankMe": "not centred, natural log, 1e-7 on each share; grows with the samples",
    "stable rank": "centred",
    "alpha (alpha-ReQ)": "centred; eigenvalues 11 to 100, weighted by 1 / rank",
    "LiDAR": f"up to {SEEN:,} samples x {TIMES} weak views, delta 1e-4; the paper takes 50 views",
    "uniformity": "t = 2, natural log",
    "alignment": "squared distance of two weak views",
    "retrieval@1": "two weak views, among all the samples",
    "silhouette": f"k-means with {CLUSTERS} centres, unit vectors",
    "tolerance": f"mean cosine within these {CLUSTERS} clusters",
    "cluster learnability": "nearest of those before it, one by one",
    "expected false negatives": f"of an anchor in a batch, if these {CLUSTERS} clusters were right",
    "clusters in a batch": f"share of these {CLUSTERS}, by expectation",
    "intrinsic dimension": "TwoNN, no outliers discarded",
}


@torch.no_grad()
def diagnose(
    encoder: Encoder,
    store: Store,
    *,
    history: Sequence[Health] = (),
    contrasted: int | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Judge a trained encoder on samples, without labels.

    Args:
        encoder: The encoder, on the device that shall compute; it is left as it was.
        store: The samples, the run's own or others.
        history: The looks of the run that trained it, if there were any: with them, what the
            numbers were before training tells more.
        contrasted: How many samples a batch of the run held, if its loss contrasted them with one
            another: what such a batch holds is counted, not judged (see docs/over-under.md).
        samples: How many are looked at.
        seed: Of which ones, and of their views.

    Returns:
        "ok", "level", "words" and "advice" of the verdict; "numbers" by name, and by the same
        names the "conventions" of those that others compute differently.
    """
    index = torch.randperm(len(store), generator=torch.Generator().manual_seed(seed))[:samples]
    device = next(encoder.parameters()).device
    rows, there = store.read(index).to(device), index.to(device)
    batch = Batch(rows, there, seed=seed, epoch=NEVER)
    few = Batch(rows[:SEEN], there[:SEEN], seed=seed + 1, epoch=NEVER)
    with borrowed(encoder):
        h, pair = vectors_of(encoder, batch), views_of(encoder, batch)
        seen = [z for _ in range(TIMES // 2) for z in views_of(encoder, few) or ()]
    numbers: dict[str, Any] = {
        "samples": len(h),
        "dimensions": h.shape[1],
        "std of unit vectors": measures.feature_std(h),
        "1 / sqrt(dimensions)": h.shape[1] ** -0.5,
        "spread": measures.spread(h),
        "effective rank": measures.effective_rank(h),
        "RankMe": measures.rankme(h),
        "stable rank": measures.stable_rank(h),
        "dead dimensions": measures.dead(h),
        "uniformity": measures.uniformity(h),
    }
    if pair:
        numbers["alignment"] = measures.alignment(*pair)
        numbers["retrieval@1"] = measures.retrieval(*pair)
    if all(map(math.isfinite, numbers.values())):
        numbers |= _shape(h, seen, contrasted)
    now = Health(
        step=history[-1].step if history else 1,
        loss=None,
        learned_nothing=None,
        std=numbers["std of unit vectors"],
        spread=numbers["spread"],
        rank=numbers["effective rank"],
        dim=h.shape[1],
        embed_spread=numbers["spread"],
        embed_rank=numbers["effective rank"],
        embed_dim=h.shape[1],
        alignment=numbers.get("alignment"),
        uniformity=numbers["uniformity"],
        retrieval=numbers.get("retrieval@1"),
        usage=None,
        rankme=numbers["RankMe"],
    )
    alone = verdict([now])
    found = verdict(history) if history and alone.ok else alone
    said = {name: CONVENTIONS[name] for name in numbers if name in CONVENTIONS}
    return {**asdict(found), "numbers": numbers, "conventions": said}


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
