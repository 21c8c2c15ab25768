"""After training: did it work? Numbers and a verdict, without a label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import torch

from unlabeled.data import Store
from unlabeled.diagnose import measures
from unlabeled.diagnose.probe import NEVER, Health, borrowed, vectors_of, views_of
from unlabeled.diagnose.verdict import verdict
from unlabeled.encoders import Encoder
from unlabeled.views import Batch

SAMPLES = 2048


@torch.no_grad()
def diagnose(
    encoder: Encoder,
    store: Store,
    *,
    history: Sequence[Health] = (),
    samples: int = SAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Judge a trained encoder on samples, without labels.

    Args:
        encoder: The encoder, on the device that shall compute; it is left as it was.
        store: The samples, the run's own or others.
        history: The looks of the run that trained it, if there were any: with them, what the
            numbers were before training tells more.
        samples: How many are looked at.
        seed: Of which ones, and of their views.

    Returns:
        "ok", "level", "words" and "advice" of the verdict, and "numbers" by name.
    """
    index = torch.randperm(len(store), generator=torch.Generator().manual_seed(seed))[:samples]
    device = next(encoder.parameters()).device
    rows, there = store.read(index).to(device), index.to(device)
    batch = Batch(rows, there, seed=seed, epoch=NEVER)
    with borrowed(encoder, averages=True):
        h, pair = vectors_of(encoder, batch), views_of(encoder, batch)
    numbers = {
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
    )
    alone = verdict([now])
    found = verdict(history) if history and alone.ok else alone
    return {**asdict(found), "numbers": numbers}
