"""Word2vec's views follow the laws of its reference code, by measurement."""

from __future__ import annotations

import math

import pytest
import torch

from unlabeled.views import Batch, Dice
from unlabeled.views.words import neighbours, noise_words, subsample


def dice(n, seed=0):
    return Dice(seed, 0, torch.arange(n))


# ---- subsampling --------------------------------------------------------------------------


def test_a_frequent_word_stays_as_often_as_the_reference_code_keeps_it():
    """f = 0.01 and t = 1e-3: sqrt(t / f) + t / f = 0.416, where the paper's formula has 0.316."""
    counts = torch.tensor([0.0, 1.0, 99.0])
    tokens = torch.ones(4000, 25, dtype=torch.long)
    kept = (subsample(Batch(tokens, torch.arange(4000)), counts, 1e-3) > 0).double().mean().item()
    assert kept == pytest.approx(0.416228, abs=4 * math.sqrt(0.25 / 1e5))


def test_a_rare_word_always_stays():
    counts = torch.tensor([0.0, 1.0, 9999.0])
    tokens = torch.ones(100, 10, dtype=torch.long)
    batch = Batch(tokens, torch.arange(100))
    assert torch.equal(subsample(batch, counts, 1e-3), tokens)


def test_gaps_are_closed_so_that_windows_reach_further():
    counts = torch.tensor([0.0, 1e9, 1, 1, 1, 1])
    tokens = torch.tensor([[2, 1, 1, 3, 0, 4, 1, 5]])
    thin = subsample(Batch(tokens, torch.arange(1)), counts, 1e-12 * 1e9)
    assert [t for t in thin[0].tolist() if t != 1][:4] == [2, 3, 4, 5]
    assert thin[0].tolist().index(0) == (thin[0] > 0).sum()  # zeros come last


# ---- the window ---------------------------------------------------------------------------


def test_near_neighbours_count_more():
    """At distance d of a window of 5: (5 - d + 1) / 5."""
    n, t, window = 4000, 24, 5
    tokens = torch.arange(1, t + 1).repeat(n, 1)
    inner = neighbours(tokens, dice(n), window)[:, window : t - window].double().mean(0)
    shares = [inner.diagonal(window + d).mean().item() for d in (1, 2, 3, 4, 5)]
    assert shares == pytest.approx(
        [inner.diagonal(window - d).mean().item() for d in (1, 2, 3, 4, 5)], abs=0.01
    )
    assert shares == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2], abs=0.01)
    assert inner.sum(1).mean().item() == pytest.approx(6.0, abs=0.05)


def test_pairs_are_those_of_plain_loops():
    tokens = torch.tensor([[3, 1, 4, 0, 5, 9], [2, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]])
    window = 2
    near = neighbours(tokens, dice(3), window)
    reach = 1 + dice(3).integers(window, 6, 1)
    for row in range(3):
        for i in range(6):
            for j in range(6):
                meets = 0 < abs(i - j) <= reach[row, i] and tokens[row, i] > 0 < tokens[row, j]
                assert near[row, i, j] == bool(meets)


# ---- noise --------------------------------------------------------------------------------


def test_noise_follows_the_counts_to_the_three_quarters():
    counts = torch.tensor([0.0, 100, 10, 1])
    drawn = noise_words(dice(2000), counts, 0.75, 100)
    assert drawn.shape == (2000, 100)
    shares = torch.bincount(drawn.flatten(), minlength=4).double() / drawn.numel()
    expected = torch.tensor([0.0, 0.8268, 0.1470, 0.0261], dtype=torch.float64)
    torch.testing.assert_close(shares, expected, rtol=0, atol=4 * 0.5 / math.sqrt(drawn.numel()))


@pytest.mark.parametrize("power", [0.0, 0.75, 1.0])
def test_words_that_never_occur_are_never_noise(power):
    counts = torch.tensor([0.0, 3, 0, 5, 0])
    drawn = noise_words(dice(500), counts, power, 50)
    assert set(drawn.unique().tolist()) == {1, 3}


def test_power_zero_is_uniform_over_the_words_that_occur():
    drawn = noise_words(dice(2000), torch.tensor([0.0, 1000, 1]), 0.0, 50)
    assert (drawn == 1).double().mean().item() == pytest.approx(0.5, abs=0.01)
