"""`unlabeled check` speaks as it goes."""

import json

import pytest

from unlabeled import check as suite
from unlabeled.check import CHECKS
from unlabeled.cli.check import Broken, check


@pytest.fixture
def three(monkeypatch, capsys):
    """A suite of three checks of a real method; what was printed when each began."""
    printed = []

    def passes(case):
        """Pass."""
        printed.append(capsys.readouterr().out)

    def fails(case):
        """Fail."""
        printed.append(capsys.readouterr().out)
        raise suite.behaviour.Failed("mend it")

    for name in [*CHECKS]:
        monkeypatch.delitem(CHECKS, name)
    for name, function in {"first": passes, "second": fails, "third": passes}.items():
        monkeypatch.setitem(CHECKS, name, function)
    return printed


def test_each_outcome_is_printed_before_the_next_check_begins(three, capsys):
    with pytest.raises(Broken, match="1 of 3 checks failed") as caught:
        check("rotation")
    assert caught.value.code == 1
    said = [*three, capsys.readouterr().out]
    assert [part.split() for part in said] == [
        [],
        ["ok", "first"],
        ["FAILED", "second", "mend", "it"],
        ["ok", "third"],
    ]


def test_json_is_printed_once(three, capsys):
    with pytest.raises(Broken):
        check("rotation", json=True)
    assert three == ["", "", ""]
    found = json.loads(capsys.readouterr().out)
    assert [(r["name"], r["passed"]) for r in found] == [
        ("first", True),
        ("second", False),
        ("third", True),
    ]
