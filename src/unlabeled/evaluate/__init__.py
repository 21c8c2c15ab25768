"""With labels: kNN, linear probe, few labels, words; always beside the baselines."""

from unlabeled.evaluate.embed import embed
from unlabeled.evaluate.judge import BASELINES, evaluate, table
from unlabeled.evaluate.knn import knn
from unlabeled.evaluate.linear import linear
from unlabeled.evaluate.words import evaluate_words

__all__ = ["BASELINES", "embed", "evaluate", "evaluate_words", "knn", "linear", "table"]
