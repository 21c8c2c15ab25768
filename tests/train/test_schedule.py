"""The learning rate in closed form: linear warm-up, then a cosine or drops; and the papers'."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math

import pytest

from unlabeled import catalog
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


def test_the_rate_drops_where_it_is_told_to_after_the_warm_up():
    recipe = Recipe(lr=2.0, warmup=0.1, drops=((0.3, 0.5), (0.8, 0.01)))
    rates = [recipe.rate(t, 100) for t in range(100)]
    assert rates[:10] == pytest.approx([2.0 * (t + 1) / 11 for t in range(10)])
    assert rates[10:] == pytest.approx([2.0] * 20 + [1.0] * 50 + [0.02] * 20)


def test_without_drops_it_is_constant():
    assert {Recipe(lr=0.7, warmup=0, drops=()).rate(t, 50) for t in range(50)} == {0.7}


def test_it_may_fall_by_a_steady_factor_from_the_last_drop_on():
    recipe = Recipe(lr=3.0, warmup=0, drops=((0.25, 0.5), (0.5, 0.2)), final=0.002)
    rates = [recipe.rate(t, 200) for t in range(200)]
    assert rates[:100] == [3.0] * 50 + [1.5] * 50
    factors = [after / before for before, after in itertools.pairwise(rates[100:])]
    assert rates[100] == pytest.approx(0.6)
    assert factors == pytest.approx([0.01 ** (1 / 100)] * 99)
    assert rates[199] * factors[0] == pytest.approx(3.0 * 0.002)


def test_a_schedule_survives_json_and_an_older_one_is_a_cosine():
    recipe = catalog.card("rotation").recipe
    read = Recipe(**json.loads(json.dumps(dataclasses.asdict(recipe))))
    assert [read.rate(t, 90) for t in range(90)] == [recipe.rate(t, 90) for t in range(90)]
    old = {k: v for k, v in dataclasses.asdict(recipe).items() if k not in ("drops", "beta2")}
    assert Recipe(**old).rate(45, 90) == pytest.approx(recipe.lr / 2)
    assert Recipe(**old).beta2 == 0.999


PAPERS = {  # the unit's first number is that of the whole run; then where each rate ends
    "rotation": (200, [(60, 0.1), (120, 0.02), (160, 0.004), (200, 0.0008)]),  # epochs
    "jigsaw": (350, [(100, 0.01), (200, 1e-3), (300, 1e-4), (350, 1e-5)]),  # thousands of steps
    "relative-position": (35, [(15, 0.1), (25, 0.01), (35, 0.001)]),  # epochs, 5 of warm-up
    "colorization": (450, [(200, 3e-5), (375, 1e-5), (450, 3e-6)]),  # thousands of steps
    "super-resolution": (1000, [(1000, 1e-4)]),  # thousands of steps, of SRResNet
    "inpainting": (500, [(500, 2e-3)]),
}


@pytest.mark.parametrize("name", PAPERS)
def test_the_papers_rates_are_the_papers(name):
    recipe, (units, ends) = catalog.card(name).recipe, PAPERS[name]
    begin = 5 if name == "relative-position" else 0
    assert recipe.rate(begin, units) == pytest.approx(ends[0][1], rel=1e-3)
    for (end, rate), start in zip(ends, [begin, *(end for end, _ in ends)], strict=False):
        for t in (start, end - 1):
            assert recipe.rate(t, units) == pytest.approx(rate, rel=1e-3), t


def test_bigan_keeps_its_rate_for_half_its_epochs_and_ends_at_a_hundredth():
    """Their code: 200 epochs, then 200 over which the rate falls by a steady factor."""
    recipe = catalog.card("bigan").recipe
    assert {recipe.rate(t, 400) for t in range(200)} == {2e-4}
    for t in (200, 300, 399):
        assert recipe.rate(t, 400) == pytest.approx(2e-4 * 0.01 ** ((t - 200) / 200))
