"""From what the user said to every setting of a run, by stated rules."""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
from dataclasses import dataclass, field
from typing import Any

from unlabeled.catalog import Card, Field
from unlabeled.errors import UsageError
from unlabeled.recipe import Recipe

MANY = 200_000  # samples from which a paper's recipe applies as it stands
LARGE = 96  # pixels, likewise
CPU_BUDGET = 300.0  # seconds a run may take on a CPU when nothing is said
PASSES = 400  # most passes over the data that a time budget buys
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
SWITCH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
TYPES = {"int": int, "float": float, "str": str, "bool": bool}


@dataclass(frozen=True)
class Plan:
    """Every setting of a run but its number of steps, which a time budget may still decide.

    Attributes:
        method: The method's name or file.
        settings: Its hyperparameters, every one.
        recipe: How to train.
        backbone: The encoder's name.
        seconds: A time budget, or None where epochs or steps decide.
        steps: Optimiser steps, or None where epochs or time decide.
        rules: What was decided on the user's behalf and why, in words.
    """

    method: str
    settings: dict[str, Any]
    recipe: Recipe
    backbone: str
    seconds: float | None = None
    steps: int | None = None
    rules: tuple[str, ...] = field(default_factory=tuple)


def duration(text: str | float) -> float:
    """Seconds of "90", "90s", "10m", "1h30m" or "2d".

    Raises:
        UsageError: Where it is no duration.
    """
    if isinstance(text, (int, float)):
        return float(text)
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum(float(number) * UNITS[unit] for number, unit in parts)
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"`{text}` is no duration", hint="write 90s, 10m or 1h30m") from None


def resolve(
    card: Card,
    given: dict[str, Any],
    *,
    samples: int,
    size: int,
    device: str,
    backbone: str,
    named: str = "auto",
    epochs: float | None = None,
    time: str | float | None = None,
    steps: int | None = None,
    **overrides: Any,
) -> Plan:
    """Settle every setting.

    Args:
        card: The method.
        given: Hyperparameters that the user set; names and ranges are checked here.
        samples: Size of the data.
        size: Side of an image, length of a series or a row of text.
        device: "cpu" or "cuda".
        backbone: The encoder's name.
        named: "paper", "small" or "auto".
        epochs: Passes over the data.
        time: A budget instead.
        steps: Optimiser steps instead.
        overrides: Fields of the recipe that the user set; None for those he did not.

    Raises:
        UsageError: For an unknown name, a value out of range, or two lengths at once.
    """
    if sum(x is not None for x in (epochs, time, steps)) > 1:
        raise UsageError("give one of --epochs, --time and --steps, not several")
    rules = []
    recipe, why = _recipe(card, named, samples, size, device)
    rules.append(why)
    settings = card.settings(recipe) | checked(card, given)

    said = {key: value for key, value in overrides.items() if value is not None}
    batch = said.pop("batch", None)
    if batch is None:
        batch = _batch(recipe.batch, samples)
        if batch != recipe.batch:
            rules.append(
                f"batches of {batch}: the recipe's {recipe.batch} do not suit {samples:,} samples"
            )
    recipe = dataclasses.replace(recipe.at(batch), settings={}, **said)
    seconds = None if time is None else duration(time)
    if epochs is None and time is None and steps is None and device == "cpu":
        seconds = CPU_BUDGET
        rules.append(
            f"{CPU_BUDGET / 60:.0f} minutes, as this is a CPU; --time or --epochs say otherwise"
        )
    if epochs is not None:
        recipe = dataclasses.replace(recipe, epochs=epochs)
    return Plan(card.known_as, settings, recipe, backbone, seconds, steps, tuple(rules))


def _recipe(card: Card, named: str, samples: int, size: int, device: str) -> tuple[Recipe, str]:
    """The method's recipe by its name, or the one that suits the data."""
    if named not in ("auto", "paper", "small"):
        raise UsageError(f"no recipe named `{named}`", hint="--recipe is auto, paper or small")
    if named != "auto":
        return (card.recipe if named == "paper" else card.small), f"the {named} recipe, as asked"
    if samples < MANY or size <= LARGE or device == "cpu":
        return card.small, f"the small recipe: {samples:,} samples of size {size} on a {device}"
    return card.recipe, f"the paper's recipe: {samples:,} samples of size {size} on a {device}"


def _batch(wanted: int, samples: int) -> int:
    """The recipe's batch, or the largest power of two that leaves eight steps a pass."""
    most = max(8, samples // 8)
    return wanted if wanted <= most else 2 ** int(math.log2(most))


def checked(card: Card, given: dict[str, Any]) -> dict[str, Any]:
    """The given hyperparameters, of the declared type and in the declared range."""
    fields = {f.name: f for f in card.fields}
    for name in given:
        if name not in fields:
            near = difflib.get_close_matches(name, fields, 1)
            hint = (
                f"did you mean `{near[0]}`?"
                if near
                else f"`unlabeled methods {card.name}` lists them"
            )
            raise UsageError(f"{card.name} has no hyperparameter named `{name}`", hint=hint)
    return {name: _typed(fields[name], value) for name, value in given.items()}


def _typed(declared: Field, value: Any) -> Any:
    kind = TYPES.get(declared.type, str)
    try:
        typed = SWITCH[str(value).lower()] if kind is bool else kind(value)
    except (KeyError, TypeError, ValueError):
        raise UsageError(f"{declared.name}: `{value}` is no {declared.type}") from None
    if isinstance(typed, (int, float)) and not declared.low <= typed <= declared.high:
        raise UsageError(
            f"{declared.name} must be in [{declared.low}, {declared.high}], got {typed}"
        )
    return typed
