"""A test that fails midway leaves the next one a clean start."""

import os

import pytest


def test_a_run_that_nobody_waited_for_is_killed_before_the_next(zygote, tmp_path, until):
    for name in ("left", "next"):
        (tmp_path / name).mkdir()
    left = zygote.start(tmp_path / "left", steps=10**6, pause=0.01)
    until((tmp_path / "left" / "at").exists)
    later = zygote.start(tmp_path / "next", steps=2)
    assert later != left
    assert zygote.end() == 0
    assert (tmp_path / "next" / "end.pt").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(left, 0)
