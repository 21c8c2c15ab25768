"""The library stays small enough to be read."""

from __future__ import annotations

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


def test_the_library_fits_in_a_day():
    assert sum(map(lines, FILES)) <= 10_000


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(HOME)))
def test_a_file_says_what_it_is_for(path):
    assert path.read_text(encoding="utf-8").startswith('"""')
