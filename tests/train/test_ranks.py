"""Two processes with half the batch each are one process with all of it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import ranks
import torch
from specimens import Tiny, differing

import unlabeled

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """What each of two processes made of everything in `ranks.py`."""
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "stop").mkdir()
    ranks.begin(folder / "begun")
    paths = [str(Path(unlabeled.__file__).parents[1]), str(HERE)]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, HERE / "ranks.py", folder]
    with subprocess.Popen(words, env=env, start_new_session=True) as process:
        try:
            assert process.wait(240) == 0
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    made = [torch.load(folder / f"{rank}.pt") for rank in range(2)]
    errors = {n: x for one in made for n, x in one.items() if "Traceback" in str(x)[:20]}
    assert not errors, "\n".join(errors.values())
    return made


def close(one, two, tolerance):
    """Names under which two processes' values are not those of one, in float64."""
    assert one.keys() == two.keys()
    return [n for n, x in one.items() if not torch.allclose(x, two[n], tolerance, tolerance)]


@pytest.mark.parametrize("name", ranks.METHODS)
def test_the_loss_and_the_gradient_are_those_of_one_process(pair, name):
    one = ranks.loss_and_gradient(name)
    assert one["the loss"].dtype == torch.float64
    assert len(one) > 2
    for two in pair:
        assert close(one, two[f"gradient {name}"], 1e-10) == []


@pytest.mark.parametrize("name", ranks.METHODS)
def test_three_steps_leave_what_one_process_leaves(pair, name):
    one = ranks.three_steps(Tiny(name))
    for two in pair:
        assert close(one, two[f"steps {name}"], 1e-8) == []
    assert not differing(*(two[f"steps {name}"] for two in pair))


def test_parts_are_added_up_before_they_are_averaged(pair):
    one = ranks.in_parts()
    for two in pair:
        assert close(one, two["parts"], 1e-8) == []
    assert not differing(*(two["parts"] for two in pair))


def test_a_parameter_may_be_unused(pair):
    one = ranks.an_unused_parameter()
    for two in pair:
        assert two["unused"] == pytest.approx(one, rel=1e-4)


def test_what_is_no_number_on_one_process_is_skipped_on_all(pair):
    for two in pair:
        assert two["bad"]["skipped"] == [False, True, False, False]
        assert all(x.isfinite().all() for x in two["bad"]["state"].values())
    states = [two["bad"]["state"] for two in pair]
    for state in states:
        del state["samples"]
    assert not differing(*states)


def test_one_process_that_is_asked_to_stop_stops_all_at_the_same_step(pair):
    for two in pair:
        assert two["stop"] == {"step": 4, "saved": ["step-00000004"]}


def test_a_save_that_fails_fails_on_all(pair):
    assert "cannot save a checkpoint" in pair[0]["failed"]
    assert "the first process failed" in pair[1]["failed"]


def test_a_folder_is_made_by_one_process_for_all(pair):
    assert [two["folder"][0] for two in pair] == ["{'a': 1}"] * 2
    assert "UsageError" in pair[0]["folder"][1]
    assert "holds a run already" in pair[0]["folder"][1]
    assert "the first process failed" in pair[1]["folder"][1]


def test_processes_that_stand_at_different_steps_do_not_start(pair):
    for two in pair:
        assert "one process would start at step 0, another at step 1" in two["apart"]


def test_two_processes_go_on_with_what_one_began(pair, tmp_path):
    ranks.begin(tmp_path)
    one = ranks.going_on(tmp_path)
    assert len(one) == 3
    for two in pair:
        assert two["on"] == pytest.approx(one, rel=1e-9)


def test_every_norm_sees_the_global_batch_and_keeps_its_activation(pair):
    one = ranks.norms()
    assert (one["outs"] == one["outs"].relu()).float().mean() < 1  # the second norm has no ReLU
    for two in pair:
        assert close(one, two["norms"], 1e-9) == []


def test_no_wrapper_outlives_its_run(pair):
    assert [two["left"] for two in pair] == [0, 0]


def test_the_first_process_names_the_run_for_all(pair):
    assert pair[0]["fresh"] == pair[1]["fresh"]
