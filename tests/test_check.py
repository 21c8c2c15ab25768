"""Every method passes every check, and every check can fail. A new method needs no line here."""

from __future__ import annotations

import re
import runpy
from functools import cache
from pathlib import Path

import pytest

from unlabeled import catalog
from unlabeled.check import CHECKS, Case, check, examine, share

MUTANTS = runpy.run_path(str(Path(__file__).with_name("mutants.py")))["MUTANTS"]
METHODS = list(catalog.cards())


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """The case of a method or a mutant, made once; one pair of processes serves all."""
    folder = tmp_path_factory.mktemp("mutants")

    @cache
    def case(of) -> Case:
        return Case(of if isinstance(of, str) else of.write(folder))

    share([case(of) for of in (*METHODS, *(m for m in MUTANTS if m.check == "two_processes"))])
    return case


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("asked", CHECKS)
def test_every_method_passes_every_check(case, name, asked):
    result = examine(case(name), asked)
    assert result.passed, f"{name} should {result.asks}\n{result.message}"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.bug)
def test_every_mutant_is_caught_for_its_bug(case, mutant):
    result = examine(case(mutant), mutant.check)
    assert not result.passed, f"{mutant.check} does not see it"
    assert mutant.says in result.message


def test_every_check_catches_a_mutant():
    assert {mutant.check for mutant in MUTANTS} == set(CHECKS)


def test_every_check_says_what_it_asks():
    for function in CHECKS.values():
        assert re.fullmatch(r"[A-Z][^.]+\.", function.__doc__), function.__name__


def test_every_exemption_names_a_check_and_gives_a_reason():
    for card in catalog.cards().values():
        assert card.exempt.keys() <= CHECKS.keys(), card.name
        assert all(len(reason.split()) > 3 for reason in card.exempt.values()), card.name


def test_an_exempt_check_is_not_run_and_says_why(tmp_path):
    path = tmp_path / "mine.py"
    source = catalog.card("rotation").path.read_text()
    reason = 'exempt = {"constant_encoder": "its closed form is not known to me"}'
    source = source.replace("math.log(len(self.moves))", "1 / 0").replace(
        "    recipe =", f"    {reason}\n    recipe ="
    )
    path.write_text(source)
    result = examine(Case(str(path)), "constant_encoder")
    assert result.passed
    assert result.exempt == "its closed form is not known to me"
    assert result.seconds == 0


def test_check_runs_all_of_them_on_a_file_of_ones_own(tmp_path, monkeypatch):
    path = tmp_path / "mine.py"
    path.write_text(catalog.card("rotation").path.read_text())
    monkeypatch.setitem(CHECKS, "two_processes", lambda case: None)
    monkeypatch.setitem(CHECKS, "compiles", lambda case: None)
    results = check(str(path))
    assert [result.name for result in results] == list(CHECKS)
    assert all(result.passed for result in results), [r for r in results if not r.passed]
