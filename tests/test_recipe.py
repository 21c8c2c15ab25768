"""Learning rates over a run and over batch sizes."""

from __future__ import annotations

import math

import pytest

from unlabeled.recipe import Recipe


def rates(recipe, steps):
    return [recipe.rate(t, steps) for t in range(steps)]


def test_the_rate_rises_in_a_line_and_falls_along_a_cosine():
    recipe = Recipe(lr=2.0, warmup=0.1, final=0.0)
    found = rates(recipe, 100)
    assert found[:10] == pytest.approx([2 * (t + 1) / 11 for t in range(10)])
    assert found[10] == 2.0
    assert found[55] == pytest.approx(1.0)
    expected = [1 + math.cos(math.pi * (t - 10) / 90) for t in range(10, 100)]
    assert found[10:] == pytest.approx(expected)


def test_without_warmup_it_starts_at_its_peak():
    assert Recipe(lr=0.3, warmup=0).rate(0, 10) == 0.3


def test_it_ends_at_the_share_asked_for():
    recipe = Recipe(lr=1.0, warmup=0, final=0.25)
    assert recipe.rate(999_999, 1_000_000) == pytest.approx(0.25, abs=1e-6)
    assert min(rates(recipe, 50)) >= 0.25


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 37])
@pytest.mark.parametrize("warmup", [0.0, 0.05, 0.5, 1.0])
def test_it_is_positive_and_never_above_its_peak(steps, warmup):
    assert all(0 < rate <= 1 for rate in rates(Recipe(lr=1.0, warmup=warmup), steps))


@pytest.mark.parametrize(
    ("optimizer", "lr"), [("sgd", 0.4), ("lars", 0.4), ("adam", 0.2), ("adamw", 0.2)]
)
def test_a_larger_batch_gets_a_higher_rate(optimizer, lr):
    """Four times the batch: four times the rate, and for Adam and AdamW twice."""
    recipe = Recipe(optimizer=optimizer, lr=0.1, batch=128, epochs=3)
    larger = recipe.at(512)
    assert larger.lr == pytest.approx(lr)
    assert (larger.batch, larger.epochs) == (512, 3)
    assert larger.at(128).lr == pytest.approx(0.1)


def test_recipes_are_values():
    assert Recipe(lr=1.0) == Recipe(lr=1.0)
    with pytest.raises(AttributeError):
        Recipe().lr = 2.0
