"""What is said while work goes on: seldom, on stderr, by one process."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from unlabeled import log
from unlabeled.log import Log


@pytest.fixture
def told(monkeypatch):
    """Decode 100 pictures at so many seconds each; what a terminal or a file gets to see."""

    def tell(each, *, terminal, quiet=False):
        now = [0.0]
        monkeypatch.setattr(log.time, "monotonic", lambda: now[0])
        out = Log(quiet=quiet)
        out.console = Console(file=io.StringIO(), force_terminal=terminal, color_system=None)
        for done in range(1, 101):
            out.decoding(done, 100)
            now[0] += each
        return out.console.file.getvalue()

    return tell


def test_what_is_quick_is_not_told(told):
    assert told(0.015, terminal=True) == ""
    assert told(0.015, terminal=False) == ""


def test_a_terminal_has_one_line_that_is_written_over(told):
    said = told(0.5, terminal=True)
    assert said.count("\n") == 1
    passing = said.split("\r")
    assert len(passing) > 20
    assert "decoded 51 of 100 pictures, 24 s left" in said
    assert passing[-1].startswith("  decoded 100 of 100 pictures, 50 s")
    assert len({len(line.rstrip("\n")) for line in passing}) == 1  # nothing of a line shows through


def test_a_file_has_a_line_now_and_then(told):
    lines = told(0.5, terminal=False).splitlines()
    assert 3 <= len(lines) <= 10
    assert lines[-1].strip() == "decoded 100 of 100 pictures, 50 s"


def test_quiet_is_quiet_on_a_terminal_too(told):
    assert told(0.5, terminal=True, quiet=True) == ""


@pytest.fixture
def progressing(monkeypatch):
    """A line of progress, halfway through 200 steps of 256 samples, a hundred of them in 50 s."""

    def tell(*, width, known=None, terminal=True):
        now = [0.0]
        monkeypatch.setattr(log.time, "monotonic", lambda: now[0])
        out = Log()
        out.console = Console(
            file=io.StringIO(), force_terminal=terminal, color_system=None, width=width
        )
        out.resume(0)
        now[0] = 50.0
        out.progress(100, 200, 1.25, 2.5, batch=256, rank=41.4, known=known)
        return out.console.file.getvalue().strip("\r\n")

    return tell


def test_progress_says_how_far_how_fast_and_how_well(progressing):
    line = "  100/200  50 s left  loss 1.250 (learned nothing: 2.500)  {}RankMe 41  512 samples/s"
    assert progressing(width=200) == line.format("").ljust(log.WIDE)
    assert progressing(width=200, known=61.04) == line.format("kNN 61.0%  ")
    assert progressing(width=200, known=61.04, terminal=False) == line.format("kNN 61.0%  ")


@pytest.mark.parametrize("width", [40, 60, 80])
def test_what_does_not_fit_is_left_out_last_things_first(progressing, width):
    line = progressing(width=width, known=61.04)
    assert len(line.rstrip()) < width
    assert line.startswith("  100/200  50 s left")
    assert ("kNN" in line) == (width >= 80)
