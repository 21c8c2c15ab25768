"""Without labels: rank, collapse, uniformity and alignment, and a verdict in words."""

from unlabeled.diagnose.after import concluded, diagnose, drawn, seen
from unlabeled.diagnose.clusters import clid, learnability, silhouette, tolerance
from unlabeled.diagnose.measures import (
    alignment,
    alpha_req,
    dead,
    effective_rank,
    feature_std,
    intrinsic_dimension,
    lidar,
    rankme,
    retrieval,
    spread,
    stable_rank,
    uniformity,
)
from unlabeled.diagnose.negatives import coverage, false_negatives
from unlabeled.diagnose.probe import Health, Probe, looks, nothing
from unlabeled.diagnose.verdict import Verdict, verdict

__all__ = [
    "Health", "Probe", "Verdict", "alignment", "alpha_req", "clid",
    "concluded", "coverage", "dead", "diagnose", "drawn", "effective_rank", "false_negatives",
    "feature_std", "intrinsic_dimension", "learnability", "lidar", "looks", "nothing",
    "rankme", "retrieval", "seen", "silhouette", "spread", "stable_rank", "tolerance",
    "uniformity", "verdict",
]  # fmt: skip
