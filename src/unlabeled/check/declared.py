"""Checks of what a method says about itself."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import math
import re

import torch

from unlabeled.check.case import Case, need
from unlabeled.method import Method
from unlabeled.recipe import Recipe

LINES = 80  # of a method's file
RESERVED = {
    *(field.name for field in dataclasses.fields(Recipe)),
    *("method", "data", "backbone", "encoder", "time", "steps", "batch_size", "accumulate"),
    *("recipe", "small", "size", "out", "resume", "seed", "device", "precision", "compile"),
    *("download", "allow_bad", "report", "dry_run", "json", "quiet", "help", "progress", "index"),
}
BLIND = ("unlabeled.data", "unlabeled.evaluate", "unlabeled.run", "unlabeled.pretrain")


def documented(case: Case) -> None:
    """Say what it does, where it comes from, and what each setting means."""
    idea, doc, cls = case.card.idea, case.card.doc, case.cls
    need(
        bool(re.fullmatch(r"[A-Z][^.\n]{10,98}\.", idea)),
        f"the file must open with one sentence on one line, as `Name the turn.`; it has {idea!r}",
    )
    verb = idea.split()[0]
    told = verb in ("The", "A", "An", "This", "It") or re.fullmatch(r".*[^s]s", verb)
    need(not told, f"the file's sentence must be an order, as `Say` or `Guess`, not `{verb}`")
    first = re.split(r"(?<=[.!?])\s", " ".join(doc.split()))[0]
    need(
        bool(re.fullmatch(r"[A-Z].{20,150}\.", first)),
        f"the class docstring must open with a sentence that says what it does; it has {first!r}",
    )
    need(
        bool(re.search(r"\b(19|20)\d\d, https://\S+$", cls.paper)),
        f"`paper` must read `Authors year, https://...`; it is {cls.paper!r}",
    )
    for name in ("recipe", "small"):
        need(isinstance(vars(cls).get(name), Recipe), f"`{name} = Recipe(...)` is missing")
        unknown = getattr(cls, name).settings.keys() - {f.name for f in cls.hyperparameters()}
        need(not unknown, f"`{name}` sets {unknown}, which it does not declare")
    for field in cls.hyperparameters():
        doc = field.metadata["doc"]
        need(
            len(doc.split()) > 1 and not doc.endswith("."), f"`{field.name}` must say what it means"
        )
        taken = field.name in RESERVED or hasattr(Method, field.name)
        need(not taken, f"`{field.name}` means something else already; rename it")


def short_and_final(case: Case) -> None:
    """Stay within 80 lines, and inherit from `Method` alone."""
    lines = len(case.card.path.read_text(encoding="utf-8").splitlines())
    need(lines <= LINES, f"the file has {lines} lines; {LINES} are enough")
    bases = [base.__name__ for base in case.cls.__bases__]
    need(case.cls.__bases__ == (Method,), f"a method inherits from Method alone, not from {bases}")


def card(case: Case) -> None:
    """Read the same as text as it does as a class, so that flags and help are true."""
    card, cls = case.card, case.cls
    declared = {
        f.name: (f.metadata["doc"], f.default, f.metadata["low"], f.metadata["high"])
        for f in cls.hyperparameters()
    }
    read = {f.name: (f.doc, f.default, f.low, f.high) for f in card.fields}
    need(
        list(read.items()) == list(declared.items()),
        f"hyperparameters must be plain `name: type = hp(...)` lines of the class with literal "
        f"values: read {read}, declared {declared}",
    )
    for name in ("paper", "recipe", "small", "exempt"):
        was, true = getattr(card, name), getattr(cls, name)
        need(was == true, f"`{name}` must be written with literals: read {was}, it is {true}")
    need(card.doc == inspect.getdoc(cls), "the docstring must be a literal")


def spec(case: Case) -> None:
    """Rebuild from its settings, and refuse settings out of range."""
    method = case.build()
    twin = case.cls(case.encoder(), **method.spec())
    need(twin.spec() == method.spec(), f"rebuilt from {method.spec()} it has {twin.spec()}")
    twin.prepare(case.store)
    twin.load_state_dict(method.state_dict())
    for field in case.cls.hyperparameters():
        for edge in (field.metadata["low"], field.metadata["high"]):
            if math.isfinite(edge):
                beyond = edge - 1 if edge == field.metadata["low"] else edge + 1
                try:
                    case.cls(case.encoder(), **{**method.spec(), field.name: beyond})
                except ValueError:
                    continue
                need(False, f"{field.name}={beyond} lies outside its range and was accepted")


def labels(case: Case) -> None:
    """Have no way to a label: `views` sees a Batch, which holds none, and nothing else."""
    need(
        set(vars(case.batch())) == {"data", "index", "dice"},
        "a Batch must hold data, index and dice, and nothing else",
    )
    given = list(inspect.signature(case.cls.views).parameters)
    need(len(given) == 2, f"`views` takes the batch alone, not {given[1:]}")
    for node in ast.walk(ast.parse(case.card.path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        seeing = [name for name in names if name.startswith(BLIND)]
        need(not seeing, f"a method must not read data by itself: it imports {', '.join(seeing)}")


def export(case: Case) -> None:
    """Leave an encoder that holds nothing of the method and works without it."""
    method, fresh = case.method().eval(), case.encoder().eval()
    state = method.encoder.state_dict()
    extra = sorted(state.keys() ^ fresh.state_dict().keys())
    need(not extra, f"the encoder must come out as it went in; these came or went: {extra[:4]}")
    fresh.load_state_dict(state)
    size, channels = case.shape.size, case.shape.channels
    with torch.no_grad(), torch.random.fork_rng():
        x = torch.rand(
            {"image": (2, channels, size, size)}.get(case.shape.modality, (2, channels, size))
        )
        x = torch.arange(2 * size).view(2, size) if case.shape.modality == "text" else x
        need(
            torch.allclose(fresh(x), method.encoder(x), 1e-4, 1e-5),
            "a fresh encoder with these weights gives other vectors than the trained one",
        )
