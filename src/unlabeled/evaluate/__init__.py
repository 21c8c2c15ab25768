"""With labels: kNN, linear probe, few labels, words; always beside the baselines."""

from unlabeled.evaluate.embed import embed
from unlabeled.evaluate.judge import evaluate, table
from unlabeled.evaluate.knn import knn
from unlabeled.evaluate.linear import linear
from unlabeled.evaluate.words import evaluate_words

__all__ = ["embed", "evaluate", "evaluate_words", "knn", "linear", "table"]
