"""Losses by their names in the literature: pure functions of tensors, one energy per example."""

from unlabeled.losses.adversary import doubt, reverse
from unlabeled.losses.assignment import sinkhorn
from unlabeled.losses.contrastive import (
    barlow_twins,
    byol_distance,
    info_nce,
    nt_xent,
    standardize,
)
from unlabeled.losses.kernels import choose, decorrelate, rank, regress, tell
from unlabeled.losses.tiled import choose_among

__all__ = [
    "barlow_twins",
    "byol_distance",
    "choose",
    "choose_among",
    "decorrelate",
    "doubt",
    "info_nce",
    "nt_xent",
    "rank",
    "regress",
    "reverse",
    "sinkhorn",
    "standardize",
    "tell",
]
