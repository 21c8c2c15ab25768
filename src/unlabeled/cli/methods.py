"""`unlabeled methods [NAME]`: the catalogue; one method's page."""

from __future__ import annotations

from json import dumps, loads
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from unlabeled import catalog
from unlabeled.catalog import Card

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
            lines += [f"{question[0].upper()}{question[1:]}", *(_line(card) for card in found), ""]
    return "\n".join([*lines, "One method's page: unlabeled methods simclr"])


def _line(card: Card) -> str:
    return f"  {card.name:<14} {card.idea}"


def page(card: Card) -> str:
    """One method: idea, source, hyperparameters, recipes, and where to read it."""
    wide = max([len(f.flag) for f in card.fields], default=0)
    small = {f.name: f.default for f in card.fields} | card.small.settings
    rows = [
        f"  {f.flag:<{wide}}  {f.default!s:<8} {small[f.name]!s:<8} {f.doc}" for f in card.fields
    ]
    table = [f"  {'':<{wide}}  {'paper':<8} {'small':<8}", *rows] if rows else ["  none"]
    recipes = [f"  {label}: {recipe_line(card, label)}" for label in ("paper", "small")]
    parts = [f"{card.name}: {card.idea}", card.doc, card.paper]
    parts += ["Hyperparameters", "\n".join(table), "Recipes", "\n".join(recipes)]
    found = loads(MEASURED.read_text())
    if lines := found["methods"].get(card.name):
        parts += ["Measured", "\n".join(f"  {line}" for line in [found["how"], *lines])]
    return "\n\n".join([*parts, f"Its code: {card.path}"])


def recipe_line(card: Card, label: str) -> str:
    """A recipe in one line."""
    r = card.recipe if label == "paper" else card.small
    return (
        f"{r.optimizer}, lr {r.lr:g}, batch {r.batch}, {r.epochs:g} epochs, "
        f"weight decay {r.weight_decay:g}, warm-up {r.warmup:g}"
    )


def facts(card: Card) -> dict[str, Any]:
    """One method as plain data."""
    return {
        "name": card.name,
        "question": catalog.QUESTIONS.get(card.family, ""),
        "idea": card.idea,
        "doc": card.doc,
        "paper": card.paper,
        "hyperparameters": [
            {"name": f.name, "type": f.type, "default": f.default, "meaning": f.doc}
            for f in card.fields
        ],
        "path": str(card.path),
    }
