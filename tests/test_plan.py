"""Settings follow from what is said by stated rules."""

import dataclasses

import pytest

from unlabeled import catalog
from unlabeled.errors import UsageError
from unlabeled.plan import CPU_BUDGET, checked, duration, resolve

SIMCLR = catalog.card("simclr")


def settle(given=None, **said):
    facts = {"samples": 60_000, "size": 28, "device": "cpu", "backbone": "convnet"}
    return resolve(SIMCLR, given or {}, **{**facts, **said})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("10m", 600),
        ("1h30m", 5400),
        ("2d", 172_800),
        (45, 45),
        ("1.5h", 5400),
    ],
)
def test_durations(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["ten", "10x", "m10", "", "10m5"])
def test_what_is_no_duration(text):
    with pytest.raises(UsageError, match="write 90s, 10m or 1h30m"):
        duration(text)


def test_small_data_gets_the_small_recipe():
    plan = settle()
    assert plan.recipe.optimizer == SIMCLR.small.optimizer
    assert plan.settings["temperature"] == SIMCLR.small.settings["temperature"]
    assert any("small recipe" in rule for rule in plan.rules)


def test_large_data_on_a_gpu_gets_the_papers():
    plan = settle(samples=1_281_167, size=224, device="cuda")
    assert plan.recipe.optimizer == "lars"
    assert plan.recipe.lr == SIMCLR.recipe.lr
    assert plan.settings["temperature"] == 0.1
    assert plan.seconds is None


def test_the_papers_recipe_when_asked_scales_with_the_batch():
    plan = settle(named="paper", batch=512)
    assert plan.recipe.lr == pytest.approx(4.8 * 512 / 4096)


def test_adamw_scales_with_the_root():
    plan = settle(batch=64)
    assert plan.recipe.lr == pytest.approx(SIMCLR.small.lr * (64 / SIMCLR.small.batch) ** 0.5)


def test_what_is_said_wins():
    plan = settle({"temperature": "0.3"}, lr=0.5, weight_decay=0.1, epochs=7)
    assert plan.settings["temperature"] == 0.3
    assert (plan.recipe.lr, plan.recipe.weight_decay, plan.recipe.epochs) == (0.5, 0.1, 7)
    assert plan.seconds is None


def test_a_cpu_has_a_budget_unless_told():
    assert settle().seconds == CPU_BUDGET
    assert settle(steps=10).seconds is None
    assert settle(time="2m").seconds == 120


def test_few_samples_make_small_batches():
    assert settle(samples=100).recipe.batch == 8
    assert settle(samples=1000).recipe.batch == 64


@pytest.mark.parametrize(
    ("given", "said", "words"),
    [
        ({"temprature": 1}, {}, "did you mean `temperature`"),
        ({"temperature": -1}, {}, r"temperature must be in \[0.001, 10\], got -1.0"),
        ({"hidden": "many"}, {}, "hidden: `many` is no int"),
        ({}, {"named": "best"}, "--recipe is auto, paper or small"),
        ({}, {"epochs": 1, "steps": 2}, "one of --epochs, --time and --steps"),
    ],
)
def test_errors(given, said, words):
    with pytest.raises(UsageError, match=words):
        settle(given, **said)


@pytest.mark.parametrize(
    ("said", "meant"), [("true", True), (True, True), ("False", False), ("no", False), (0, False)]
)
def test_a_switch_is_on_or_off(said, meant):
    card = dataclasses.replace(SIMCLR, fields=(catalog.Field("flip", "bool", "", default=True),))
    assert checked(card, {"flip": said}) == {"flip": meant}
    with pytest.raises(UsageError, match="flip: `maybe` is no bool"):
        checked(card, {"flip": "maybe"})
