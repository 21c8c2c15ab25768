"""With labels: kNN, linear probe, few labels, words and more; always beside the baselines."""

from unlabeled.evaluate.basis import basis
from unlabeled.evaluate.critic import critic_features
from unlabeled.evaluate.embed import embed
from unlabeled.evaluate.finetune import finetune
from unlabeled.evaluate.future import future
from unlabeled.evaluate.judge import BASELINES, PROTOCOLS, USUAL, evaluate, headline, table
from unlabeled.evaluate.knn import knn
from unlabeled.evaluate.linear import linear
from unlabeled.evaluate.segmentation import segmentation
from unlabeled.evaluate.words import evaluate_words
from unlabeled.evaluate.zero_shot import zero_shot

__all__ = [
    "BASELINES", "PROTOCOLS", "USUAL", "basis", "critic_features", "embed", "evaluate",
    "evaluate_words", "finetune", "future", "headline", "knn", "linear", "segmentation", "table",
    "zero_shot",
]  # fmt: skip
