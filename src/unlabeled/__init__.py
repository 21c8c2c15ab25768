"""Every way of learning without labels, in one place.

    import unlabeled

    run = unlabeled.pretrain("simclr", "photos/", epochs=100)
    run.embed("photos/")
    run.evaluate(train="labeled/train", test="labeled/test")

Importing this is instant: torch is imported when it is first needed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from unlabeled.version import __version__ as __version__

if TYPE_CHECKING:
    from unlabeled import losses as losses
    from unlabeled.catalog import cards as methods
    from unlabeled.fields import hp
    from unlabeled.method import Method
    from unlabeled.pretraining import pretrain, resume
    from unlabeled.recipe import Recipe
    from unlabeled.report.compare import compare
    from unlabeled.run import Run, load

__all__ = [
    "Method", "Recipe", "Run", "compare", "hp", "load", "losses", "methods", "pretrain", "resume",
]  # fmt: skip

_HOMES = {
    "Method": "unlabeled.method:Method",
    "Recipe": "unlabeled.recipe:Recipe",
    "Run": "unlabeled.run:Run",
    "compare": "unlabeled.report.compare:compare",
    "hp": "unlabeled.fields:hp",
    "load": "unlabeled.run:load",
    "methods": "unlabeled.catalog:cards",
    "resume": "unlabeled.pretraining:resume",
    "pretrain": "unlabeled.pretraining:pretrain",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        module, _, attribute = _HOMES[name].partition(":")
        return getattr(importlib.import_module(module), attribute)
    if name in {"losses", "views", "diagnose", "evaluate"}:
        return importlib.import_module(f"unlabeled.{name}")
    raise AttributeError(f"module 'unlabeled' has no attribute {name!r}")
