import math

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score, roc_curve

from unlabeled.evaluate.roc import accepted, auroc, equal_error, threshold


def heaps(p=300, n=500, gap=1.0, seed=0):
    chance = torch.Generator().manual_seed(seed)
    return torch.randn(p, generator=chance) + gap, torch.randn(n, generator=chance)


def test_auroc_is_scikit_learns_with_ties_too():
    positive, negative = heaps()
    for p, n in ((positive, negative), ((2 * positive).round(), (2 * negative).round())):
        truth = np.r_[np.ones(len(p)), np.zeros(len(n))]
        assert auroc(p, n) == pytest.approx(roc_auc_score(truth, torch.cat([p, n]).numpy()))
    assert auroc(torch.ones(3), torch.ones(4)) == 0.5


def test_accepted_is_the_curves_point_and_lets_no_more_negatives_pass():
    positive, negative = heaps()
    truth = np.r_[np.ones(300), np.zeros(500)]
    false, true, _ = roc_curve(
        truth, torch.cat([positive, negative]).numpy(), drop_intermediate=False
    )
    for far in (0.0, 0.01, 0.1, 0.5):
        assert accepted(positive, negative, far) == pytest.approx(true[false <= far + 1e-9].max())
    tied = torch.tensor([1.0, 1.0, 0.0, 0.0])
    assert accepted(torch.tensor([1.0, 2.0]), tied, 0.25) == 0.5  # one of two equals cannot pass


def test_two_bells_have_the_textbook_rates():
    positive, negative = heaps(200_000, 200_000, gap=2.0)
    phi = lambda x: (1 + math.erf(x / math.sqrt(2))) / 2
    assert auroc(positive, negative) == pytest.approx(phi(2 / math.sqrt(2)), abs=2e-3)
    assert equal_error(positive, negative) == pytest.approx(phi(-1), abs=2e-3)
    assert accepted(positive, negative, 0.01) == pytest.approx(phi(2 - 2.3263), abs=5e-3)
    assert threshold(positive, negative) == pytest.approx(1, abs=0.1)


def test_perfect_worst_and_blind_scores():
    low, high = torch.arange(5.0), torch.arange(10.0, 14)
    assert (auroc(high, low), equal_error(high, low), accepted(high, low, 0.0)) == (1, 0, 1)
    assert (auroc(low, high), equal_error(low, high), accepted(low, high, 0.1)) == (0, 1, 0)
    assert 4 < threshold(high, low) < 10
    assert equal_error(torch.ones(3), torch.ones(5)) == pytest.approx(0.5)


def test_equal_error_lies_where_both_rates_meet():
    positive, negative = torch.tensor([1.0, 3.0, 4.0, 5.0]), torch.tensor([0.0, 0.5, 2.0, 3.5])
    assert equal_error(positive, negative) == pytest.approx(0.25)
