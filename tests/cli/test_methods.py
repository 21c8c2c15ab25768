"""`unlabeled methods` and the method pages: what they print is what a run takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from unlabeled import catalog
from unlabeled.cli.methods import page
from unlabeled.encoders import Encoder
from unlabeled.plan import resolve

DOCS = Path(__file__).parents[2] / "docs/methods"
NAMES = [*catalog.cards(), "rotation+jigsaw"]
LOAD = [*catalog.cards(), "rotation+mae", "rotation+colorization"]


def taken(card, named):
    """The settings that a run of this recipe takes, as words."""
    said = {"samples": 10**6, "size": 224, "device": "cuda", "backbone": "any"}
    settings = resolve(card, {}, named=named, **said).settings
    return {name: str(value) for name, value in settings.items()}


@pytest.mark.parametrize("name", NAMES)
def test_a_page_shows_the_settings_that_a_run_takes(name):
    card = catalog.card(name)
    rows = re.findall(r"^  --(\S+) +(\S+) +(\S+) +\S", page(card), re.M)
    shown = [dict(zip(("flag", "paper", "small"), row, strict=True)) for row in rows]
    assert len(shown) == len(card.fields)
    for recipe in ("paper", "small"):
        assert {r["flag"].replace("-", "_"): r[recipe] for r in shown} == taken(card, recipe)


@pytest.mark.parametrize("name", catalog.cards())
def test_a_written_page_shows_the_settings_that_a_run_takes(name):
    card = catalog.card(name)
    rows = re.findall(
        r"^\| `--(\S+)` \| (.*?) \| (.*?) \| ", (DOCS / f"{name}.md").read_text(), re.M
    )
    for i, recipe in ((1, "paper"), (2, "small")):
        assert {row[0].replace("-", "_"): row[i] for row in rows} == taken(card, recipe)


def test_the_papers_settings_are_not_the_defaults():
    assert dict(re.findall(r"--(orders|published) +(\S+)", page(catalog.card("jigsaw")))) == {
        "orders": "1000",
        "published": "True",
    }


@pytest.mark.parametrize(
    ("name", "course"),
    [
        ("rotation", "then x0.2 from 30 %, x0.04 from 60 %, x0.008 from 80 %"),
        ("inpainting", "then constant"),
        ("bigan", "then x1 from 50 %, down to x0.01"),
        ("swav", "then a cosine, down to x0.001"),
        ("mae", "then a cosine"),
    ],
)
def test_a_page_tells_how_the_rate_goes_on(name, course):
    assert re.search(rf"^  paper: .*, {re.escape(course)}$", page(catalog.card(name)), re.M)
    assert f", {course}\n" in (DOCS / f"{name}.md").read_text()


@pytest.mark.parametrize("name", LOAD)
def test_what_the_source_says_a_method_needs_is_what_its_class_needs(name):
    card, cls = catalog.card(name), catalog.load(name)
    assert (card.kind or Encoder.__name__) == cls.needs().__name__
    assert card.prefers == ("" if cls.prefers is None else cls.prefers.__name__)
    if "+" not in name:
        assert card.coloured == cls.coloured


@pytest.mark.parametrize(
    ("name", "question", "needs"),
    [
        ("rotation", "what was done to it?", "images, in colour or grey; encoder: any;"),
        ("jigsaw", "what was done to it?", "encoder: any, on a CPU patches unless said;"),
        ("colorization", "what was there?", "images, in colour; encoder: any;"),
        ("mae", "what was there?", "encoder: a vision transformer: vit, or one of timm's;"),
        ("cpc", "what comes next, or beside it?", "images or series; encoder: patches for images"),
        ("word2vec", "what comes next, or beside it?", "text; encoder: words; labels: none."),
    ],
)
def test_a_page_says_what_is_asked_and_what_is_needed(name, question, needs):
    for text in (page(catalog.card(name)), (DOCS / f"{name}.md").read_text()):
        assert f"The question: {question}" in text
        assert needs in text
        assert "labels: none." in text


def test_the_index_tells_how_to_name_several_methods():
    assert "unlabeled pretrain rotation+jigsaw" in (DOCS / "README.md").read_text()
