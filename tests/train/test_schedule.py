"""The learning rate in closed form: linear warm-up, then a cosine."""

from __future__ import annotations

import math

import pytest

from unlabeled.recipe import Recipe


def test_the_warm_up_is_linear_and_meets_the_cosine_at_the_peak():
    recipe = Recipe(lr=2.0, warmup=0.1)
    rates = [recipe.rate(t, 100) for t in range(100)]
    assert rates[:10] == pytest.approx([2.0 * (t + 1) / 11 for t in range(10)])
    assert rates[10] == 2.0 == max(rates)
    assert rates == rates[:11] + sorted(rates[11:], reverse=True)


@pytest.mark.parametrize("final", [0.0, 1e-3, 0.5, 1.0])
def test_the_cosine_passes_through_its_half_way_and_ends_at_its_final_share(final):
    recipe = Recipe(lr=3.0, warmup=0.2, final=final)
    assert recipe.rate(600, 1000) == pytest.approx(3.0 * (1 + final) / 2)
    assert recipe.rate(400, 1000) == pytest.approx(
        3.0 * (final + (1 - final) * (1 + math.sqrt(0.5)) / 2)
    )
    assert recipe.rate(1000, 1000) == pytest.approx(3.0 * final)
    assert recipe.rate(999, 1000) == pytest.approx(3.0 * final, abs=2e-5)


def test_without_warm_up_it_starts_at_the_peak():
    assert Recipe(lr=0.7, warmup=0).rate(0, 50) == 0.7
    assert Recipe(lr=0.7, warmup=0).rate(0, 1) == 0.7
    assert Recipe(lr=0.7).rate(0, 1) == 0.7  # the only step is no warm-up


def test_no_step_has_a_rate_of_zero():
    recipe = Recipe(lr=1.0, warmup=0.05)
    assert all(recipe.rate(t, n) > 0 for n in (1, 2, 3, 19, 20, 21, 300) for t in range(n))
