"""What methods there are, read from their source without running it.

A method's file is its only declaration. Reading it as text takes milliseconds where importing
torch takes seconds, so `--help`, flags and the catalogue answer at once; and a file of the user's
own, `./mine.py`, is read the same way.
"""

from __future__ import annotations

import ast
import dataclasses
import difflib
import importlib
import importlib.util
import math
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlabeled.errors import UsageError
from unlabeled.recipe import Recipe

if TYPE_CHECKING:
    from unlabeled.method import Method

HERE = Path(__file__).parent / "methods"
TOGETHER = Path(__file__).with_name("multitask.py")
QUESTIONS = {
    "transformation": "what was done to it?",
    "reconstruction": "what was there?",
    "invariance": "is it the same thing?",
    "prediction": "what comes next, or beside it?",
    "clustering": "which belong together?",
    "adversarial": "real or made?",
}
SAID = ("paper", "recipe", "small", "exempt", "coloured")  # of itself, besides its settings


@dataclass(frozen=True)
class Field:
    """One hyperparameter, as its `hp` line declares it."""

    name: str
    type: str
    doc: str
    default: Any
    low: float = -math.inf
    high: float = math.inf

    @property
    def flag(self) -> str:
        """The flag on the command line."""
        return "--" + self.name.replace("_", "-")


@dataclass(frozen=True)
class Card:
    """Everything that a method's source says about it."""

    name: str
    family: str
    cls: str
    idea: str
    doc: str
    path: Path
    fields: tuple[Field, ...]
    paper: str = ""
    recipe: Recipe = field(default_factory=Recipe)
    small: Recipe = field(default_factory=Recipe)
    exempt: dict[str, str] = field(default_factory=dict)
    coloured: bool = False
    kind: str = ""  # of encoder that it needs, by its class's name; any if empty
    prefers: str = ""  # likewise, the kind that it is given on a CPU where none is named

    def settings(self, recipe: Recipe) -> dict[str, Any]:
        """Every hyperparameter's value under a recipe."""
        return {f.name: f.default for f in self.fields} | recipe.settings

    @property
    def known_as(self) -> str:
        """What to type for it: its name, or the path of a file of one's own."""
        return str(self.path) if self.family == "yours" else self.name


def read(path: Path) -> Card:
    """Read the card of the one method that a file declares.

    Raises:
        UsageError: Where the file is no Python or declares no method.
    """
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read a method from {path}: {error}") from error
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and any(_is_method(base) for base in node.bases):
            return _card(path, tree, node)
    raise UsageError(
        f"{path} declares no method",
        hint="a method is a class with the base `Method`; CONTRIBUTING.md shows one",
    )


def _is_method(base: ast.expr) -> bool:
    return _name(base.value if isinstance(base, ast.Subscript) else base) == "Method"


def _name(node: ast.expr | None) -> str:
    """The last name of `a.b.name`."""
    return getattr(node, "id", getattr(node, "attr", ""))


def _card(path: Path, tree: ast.Module, node: ast.ClassDef) -> Card:
    said: dict[str, Any] = {}
    fields = []
    for line in node.body:
        target = line.targets[0] if isinstance(line, ast.Assign) else getattr(line, "target", None)
        if not isinstance(line, (ast.Assign, ast.AnnAssign)) or not isinstance(target, ast.Name):
            continue
        try:
            if isinstance(line, ast.AnnAssign) and _calls(line.value, "hp"):
                fields.append(_field(target.id, line))
            elif target.id == "prefers":
                said["prefers"] = _name(line.value)
            elif target.id in SAID:
                said[target.id] = _value(line.value)
        except (ValueError, TypeError, IndexError) as error:
            raise UsageError(
                f"{path}, line {line.lineno}: `{target.id}` cannot be read: {error}",
                hint="the settings of a method are written as plain numbers and words",
            ) from error
    (base,) = (base for base in node.bases if _is_method(base))
    return Card(
        name=path.stem.replace("_", "-"),
        family=path.parent.name if path.parent.parent == HERE else "yours",
        cls=node.name,
        idea=ast.get_docstring(tree) or "",
        doc=ast.get_docstring(node) or "",
        path=path,
        fields=tuple(fields),
        kind=_name(base.slice) if isinstance(base, ast.Subscript) else "",
        **said,
    )


def _field(name: str, line: ast.AnnAssign) -> Field:
    assert isinstance(line.value, ast.Call)
    doc = ast.literal_eval(line.value.args[0])
    return Field(name, ast.unparse(line.annotation), doc, **_keywords(line.value))


def _value(node: ast.expr | None) -> Any:
    """A literal, or a `Recipe(...)` of literals."""
    if isinstance(node, ast.Call) and _calls(node, "Recipe"):
        return Recipe(**_keywords(node))
    return ast.literal_eval(node or "")


def _calls(node: ast.expr | None, name: str) -> bool:
    return isinstance(node, ast.Call) and _name(node.func) == name


def _keywords(call: ast.Call) -> dict[str, Any]:
    return {k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg}


@cache
def cards() -> dict[str, Card]:
    """The card of every method of the library, by name, in the order of the questions."""
    files = [p for family in QUESTIONS for p in sorted((HERE / family).glob("[!_]*.py"))]
    return {card.name: card for card in map(read, files)}


def card(name: str) -> Card:
    """The card of a method, by its name or by the path of a file of one's own.

    Several methods are named together: `rotation+jigsaw`.

    Raises:
        UsageError: Where there is no such method; names the nearest.
    """
    if "+" in name and not Path(name).exists():
        return _joined(name)
    if name.endswith(".py"):
        return read(Path(name))
    known = cards()
    key = name.lower().replace("_", "-")
    if key not in known:
        near = difflib.get_close_matches(key, known, 1, cutoff=0.5)
        hint = f"did you mean `{near[0]}`?" if near else "`unlabeled methods` lists them all"
        raise UsageError(f"no method named `{name}`", hint=hint)
    return known[key]


def parts(name: str) -> dict[str, Card]:
    """The cards of methods named together, by what the names of their settings start with.

    Raises:
        UsageError: Where there is no such method, or one is named twice.
    """
    found = [card(part) for part in name.split("+")]
    named = {c.path.stem.replace("-", "_"): c for c in found}
    if len(named) < len(found):
        raise UsageError(f"`{name}` names a method twice")
    return named


def _joined(name: str) -> Card:
    """The card of methods named together: their settings and a recipe, by the rule of the class."""
    found = parts(name)

    def recipe(which: str) -> Recipe:
        each = {key: getattr(c, which) for key, c in found.items()}
        first, *_ = each.values()
        return dataclasses.replace(
            first.at(min(r.batch for r in each.values())),
            epochs=max(r.epochs for r in each.values()),
            settings={f"{key}_{k}": v for key, r in each.items() for k, v in r.settings.items()},
        )

    whole = read(TOGETHER)
    fields = [
        dataclasses.replace(f, name=f"{key}_{f.name}") for key, c in found.items() for f in c.fields
    ]
    return dataclasses.replace(
        whole,
        name="+".join(c.known_as for c in found.values()),
        family="together",
        cls="+".join(c.cls for c in found.values()),
        fields=(*whole.fields, *fields),
        recipe=recipe("recipe"),
        small=recipe("small"),
        coloured=any(c.coloured for c in found.values()),
        kind=next((c.kind for c in found.values() if c.kind), ""),
        exempt={k: why for c in (*found.values(), whole) for k, why in c.exempt.items()},
    )


def load(name: str) -> type[Method[Any]]:
    """Import a method's class, by its name or by the path of a file of one's own."""
    found = card(name)
    if found.family == "together":
        return importlib.import_module("unlabeled.multitask").together(found.name)
    if found.family in QUESTIONS:
        module = importlib.import_module(f"unlabeled.methods.{found.family}.{found.path.stem}")
    else:
        label = f"unlabeled_user_{found.path.stem}"
        spec = importlib.util.spec_from_file_location(label, found.path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[label] = module  # so that its classes can be pickled and inspected
        spec.loader.exec_module(module)
    return getattr(module, found.cls)
