"""`unlabeled methods [NAME]`: the catalogue; one method's page."""

from __future__ import annotations

from json import dumps, loads
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from unlabeled import catalog
from unlabeled.catalog import Card, Field
from unlabeled.recipe import Recipe

ENCODERS = {  # by the kind that a method's class names: what data it takes, and what reads them
    "": ("images, {colours}", "any"),
    "Halves": ("images, {colours}", "halves"),
    "Sequence": ("images or series", "patches for images, series for series"),
    "Transformer": ("images, {colours}", "a vision transformer: vit, or one of timm's"),
    "Words": ("text", "words"),
}
MEASURED = Path(__file__).with_name("measured.json")  # written by docs/generate.py


def methods(name: str = "", *, json: Annotated[bool, Parameter(negative=())] = False) -> None:
    """List the methods, or show one method's page.

    Parameters
    ----------
    name:
        A method, or a file of your own.
    json:
        Print one JSON object on stdout and nothing else.
    """
    if name:
        card = catalog.card(name)
        print(dumps(facts(card)) if json else page(card))
    elif json:
        print(dumps([facts(card) for card in catalog.cards().values()]))
    else:
        print(listing())


def listing() -> str:
    """All methods, under the question each asks."""
    lines = []
    for family, question in catalog.QUESTIONS.items():
        found = [card for card in catalog.cards().values() if card.family == family]
        if found:
            rows = [f"  {card.name:<14} {card.idea}" for card in found]
            lines += [f"{question[0].upper()}{question[1:]}", *rows, ""]
    return "\n".join([*lines, "One method's page: unlabeled methods simclr"])


def page(card: Card) -> str:
    """One method: idea, source, hyperparameters, recipes, and where to read it."""
    wide = max([len(f.flag) for f in card.fields], default=0)
    rows = [
        f"  {f.flag:<{wide}}  {paper!s:<8} {small!s:<8} {f.doc}" for f, paper, small in knobs(card)
    ]
    table = [f"  {'':<{wide}}  {'paper':<8} {'small':<8}", *rows] if rows else ["  none"]
    recipes = [f"  {label}: {recipe_line(card, label)}" for label in ("paper", "small")]
    parts = [f"{card.name}: {card.idea}", card.doc, card.paper, "\n".join(asked(card))]
    parts += ["Hyperparameters", "\n".join(table), "Recipes", "\n".join(recipes)]
    found = loads(MEASURED.read_text())
    if lines := found["methods"].get(card.name):
        parts += ["Measured", "\n".join(f"  {line}" for line in [found["how"], *lines])]
    return "\n\n".join([*parts, f"Its code: {card.path}"])


def knobs(card: Card) -> list[tuple[Field, Any, Any]]:
    """Each hyperparameter, with its value under the paper's recipe and the small one."""
    paper, small = card.settings(card.recipe), card.settings(card.small)
    return [(f, paper[f.name], small[f.name]) for f in card.fields]


def asked(card: Card) -> list[str]:
    """The question that a method asks, and what it needs: data, an encoder, no labels."""
    question = catalog.QUESTIONS.get(card.family)
    data, encoder = ENCODERS.get(card.kind, ("what its encoder reads", card.kind))
    data = data.format(colours="in colour" if card.coloured else "in colour or grey")
    usual = f", on a CPU {card.prefers.lower()} unless said" if card.prefers else ""
    needs = f"Needs: {data}; encoder: {encoder}{usual}; labels: none."
    return [*([f"The question: {question}"] if question else []), needs]


def recipe_line(card: Card, label: str) -> str:
    """A recipe in one line."""
    r = card.recipe if label == "paper" else card.small
    return (
        f"{r.optimizer}, lr {r.lr:g}, batch {r.batch}, {r.epochs:g} epochs, "
        f"weight decay {r.weight_decay:g}, warm-up {r.warmup:g}, then {course(r)}"
    )


def course(recipe: Recipe) -> str:
    """How the learning rate goes on after its warm-up, in words."""
    parts = [f"x{level:g} from {100 * start:.3g} %" for start, level in recipe.drops or ()]
    said = "a cosine" if recipe.drops is None else ", ".join(parts) or "constant"
    return said + (f", down to x{recipe.final:g}" if recipe.final else "")


def facts(card: Card) -> dict[str, Any]:
    """One method as plain data."""
    return {
        "name": card.name,
        "question": catalog.QUESTIONS.get(card.family, ""),
        "needs": asked(card)[-1],
        "idea": card.idea,
        "doc": card.doc,
        "paper": card.paper,
        "hyperparameters": [
            {"name": f.name, "type": f.type, "default": f.default, "meaning": f.doc}
            for f in card.fields
        ],
        "path": str(card.path),
    }
