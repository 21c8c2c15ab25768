"""The catalogue reads methods as text: quickly, truly, and with words for what it cannot read."""

from __future__ import annotations

import subprocess
import sys

import pytest

from unlabeled import catalog
from unlabeled.errors import UsageError
from unlabeled.recipe import Recipe

MINE = '''"""Say nothing."""

import unlabeled
from unlabeled import Recipe, hp


class Helper:
    pass


class Mine(unlabeled.Method):
    """Learn nothing at all, slowly."""

    paper = "Nobody 2020, https://example.org"
    recipe = Recipe(lr=0.5, settings={"depth": 3})
    small: Recipe = Recipe(epochs=2)
    exempt = {"descent": "there is nothing to learn"}
    unrelated = object()

    depth: int = hp("how deep it is", default=2, low=1, high=9)
    slope: float = unlabeled.hp("how steep it is", default=-0.5)
    kind: str = hp("of which kind", default="plain")
'''


@pytest.fixture
def mine(tmp_path):
    def write(source=MINE):
        path = tmp_path / "my_own.py"
        path.write_text(source)
        return str(path)

    return write


def test_every_question_has_its_folder_and_every_method_its_question():
    for card in catalog.cards().values():
        assert card.family in catalog.QUESTIONS
        assert card.path.parent.name == card.family
    assert {"rotation", "autoencoder", "simclr", "byol", "swav", "cpc", "word2vec"} <= set(
        catalog.cards()
    )


def test_a_card_says_all_that_the_source_says(mine):
    card = catalog.card(mine())
    assert (card.name, card.family, card.cls) == ("my-own", "yours", "Mine")
    assert card.idea == "Say nothing."
    assert card.doc == "Learn nothing at all, slowly."
    assert card.paper == "Nobody 2020, https://example.org"
    assert card.recipe == Recipe(lr=0.5, settings={"depth": 3})
    assert card.small == Recipe(epochs=2)
    assert card.exempt == {"descent": "there is nothing to learn"}
    depth, slope, kind = card.fields
    assert (depth.name, depth.type, depth.doc) == ("depth", "int", "how deep it is")
    assert (depth.default, depth.low, depth.high) == (2, 1, 9)
    assert (slope.default, slope.low) == (-0.5, -float("inf"))
    assert kind.default == "plain"
    assert depth.flag == "--depth"
    assert catalog.Field("two_words", "int", "", 1).flag == "--two-words"


def test_reading_runs_nothing(mine):
    assert catalog.card(mine("raise SystemExit\n" + MINE)).cls == "Mine"


def test_the_catalogue_answers_without_torch():
    code = "import sys, unlabeled.catalog as c; c.cards(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ["simclr", "SimCLR", "SIMCLR"])
def test_a_method_is_known_by_any_spelling_of_its_name(name):
    assert catalog.card(name).cls == "SimCLR"


def test_loading_imports_the_class():
    cls = catalog.load("simclr")
    assert cls.__name__ == "SimCLR"
    assert cls.__module__ == "unlabeled.methods.invariance.simclr"
    assert catalog.load("simclr") is cls


def test_loading_a_file_of_ones_own(mine):
    source = catalog.card("rotation").path.read_text().replace("class Rotation", "class Turn")
    cls = catalog.load(mine(source))
    assert cls.__name__ == "Turn"
    assert catalog.load(mine(source.replace("class Turn", "class Spin"))).__name__ == "Spin"
    assert sys.modules[cls.__module__]


# ---- what cannot be read ------------------------------------------------------------------


@pytest.mark.parametrize(("name", "near"), [("simclar", "simclr"), ("rotnet", "rotation")])
def test_an_unknown_name_gets_the_nearest(name, near):
    with pytest.raises(UsageError, match=f"no method named `{name}`") as error:
        catalog.card(name)
    assert error.value.hint == f"did you mean `{near}`?"


def test_a_name_like_no_other_gets_the_list():
    with pytest.raises(UsageError) as error:
        catalog.card("xyzzy")
    assert "unlabeled methods" in error.value.hint


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("default=2,", "default=1 + 2 ** 3,", "line 20: `depth`"),
        ('hp("how deep it is", default=2', 'hp("how deep it is"', "line 20: `depth`"),
        ('hp("how deep it is", default=2', "hp(default=2", "line 20: `depth`"),
        ("recipe = Recipe(lr=0.5", "recipe = Recipe(rate=0.5", "line 15: `recipe`"),
        ('paper = "Nobody', 'paper = "No" + "body', "line 14: `paper`"),
    ],
)
def test_what_is_not_written_plainly_is_refused_with_its_line(mine, old, new, words):
    assert old in MINE
    with pytest.raises(UsageError, match=words) as error:
        catalog.card(mine(MINE.replace(old, new)))
    assert "plain" in error.value.hint


@pytest.mark.parametrize(
    ("source", "words"), [("x = 1\n", "declares no method"), ("class (:\n", "cannot read a method")]
)
def test_a_file_without_a_method_is_refused(mine, source, words):
    with pytest.raises(UsageError, match=words):
        catalog.card(mine(source))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot read a method"):
        catalog.card(str(tmp_path / "nowhere.py"))
