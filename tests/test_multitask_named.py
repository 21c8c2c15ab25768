"""Several methods on one encoder, by name: its card, its recipe, its command line."""

from __future__ import annotations

import json

import pytest

from unlabeled import catalog
from unlabeled.cli import run
from unlabeled.errors import UsageError

BOTH = "rotation+jigsaw"


def test_the_recipe_is_the_first_parts_at_the_smallest_batch_for_the_most_epochs():
    card, one, two = catalog.card(BOTH), catalog.card("rotation"), catalog.card("jigsaw")
    for whole, first, other in (
        (card.recipe, one.recipe, two.recipe),
        (card.small, one.small, two.small),
    ):
        small = min(first.batch, other.batch)
        assert whole.batch == small
        assert whole.lr == first.at(small).lr
        assert whole.epochs == max(first.epochs, other.epochs)
        assert (whole.optimizer, whole.weight_decay) == (first.optimizer, first.weight_decay)
        assert whole.settings == {f"jigsaw_{k}": v for k, v in other.settings.items()}


def test_it_is_known_by_any_spelling_and_is_one_class():
    assert catalog.card("Rotation+relative_position").name == "rotation+relative-position"
    assert catalog.load(BOTH) is catalog.load("Rotation+Jigsaw")
    flags = [f.flag for f in catalog.card("rotation+relative-position").fields]
    assert "--relative-position-gap" in flags


@pytest.mark.parametrize(
    ("name", "words", "hint"),
    [
        ("rotation+jigsw", "no method named `jigsw`", "did you mean `jigsaw`?"),
        ("rotation+", "no method named ``", "unlabeled methods"),
        ("rotation+rotation", "names a method twice", ""),
    ],
)
def test_what_is_no_method_is_refused(name, words, hint):
    with pytest.raises(UsageError, match=words) as error:
        catalog.card(name)
    assert hint in error.value.hint


def call(*words):
    try:
        return run(list(words))
    except SystemExit as left:
        return left.code or 0


def test_the_command_line_knows_it(capsys):
    assert call("methods", BOTH) == 0
    assert "--jigsaw-orders" in capsys.readouterr().out
    words = ["pretrain", BOTH, "sample", "--dry-run", "--json", "--steps", "2", "--batch-size", "8"]
    assert call(*words, "--jigsaw-orders", "32") == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["method"], plan["settings"]["jigsaw_orders"]) == (BOTH, 32)
    assert "--jigsaw-orders 32" in plan["command"]
    assert call(*words, "--jigsaw-order", "32") == 2
    assert "--jigsaw-orders" in capsys.readouterr().err
