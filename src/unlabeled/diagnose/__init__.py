"""Without labels: rank, collapse, uniformity and alignment, and a verdict in words."""

from unlabeled.diagnose.after import diagnose
from unlabeled.diagnose.measures import (
    alignment,
    dead,
    effective_rank,
    feature_std,
    rankme,
    retrieval,
    spread,
    stable_rank,
    uniformity,
)
from unlabeled.diagnose.probe import Health, Probe, nothing
from unlabeled.diagnose.verdict import Verdict, verdict

__all__ = [
    "Health", "Probe", "Verdict", "alignment", "dead", "diagnose", "effective_rank",
    "feature_std", "nothing", "rankme", "retrieval", "spread", "stable_rank", "uniformity",
    "verdict",
]  # fmt: skip
