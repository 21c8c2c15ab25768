"""The library stays small enough to be read."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import unlabeled

HOME = Path(unlabeled.__file__).parent
FILES = sorted(HOME.rglob("*.py"))


def lines(path):
    return len(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(HOME)))
def test_a_file_fits_in_a_head(path):
    most = 80 if HOME / "methods" in path.parents else 300
    assert lines(path) <= most


def code(path):
    """Lines that do something: no blank line, no comment, no docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    said = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            said.update(range(node.lineno, node.end_lineno + 1))
    text = path.read_text(encoding="utf-8").splitlines()
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and i not in said
        for i, line in enumerate(text, 1)
    )


def test_the_house_fits_in_a_day():
    """Each method is a page of its own; what they all live in is counted."""
    house = [path for path in FILES if HOME / "methods" not in path.parents]
    assert sum(map(code, house)) <= 11_700


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(HOME)))
def test_a_file_says_what_it_is_for(path):
    assert path.read_text(encoding="utf-8").startswith('"""')
