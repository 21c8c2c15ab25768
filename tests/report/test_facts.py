"""When, how long and on what a run was made: what it wrote down then, not where it is shown."""

from __future__ import annotations

from unlabeled.report.gather import facts

CONFIG = {
    "processes": 1,
    "device": "cpu",
    "precision": "bf16",
    "unlabeled": "0.1",
    "versions": {"torch": "2.10.0", "python": "3.12.1"},
    "hardware": {"processor": "Abacus 9000", "cores": 3, "gpu": None},
}
TIMES = {"began": "2026-03-05T07:08:09+00:00", "seconds": 3723.4}


def test_the_facts_are_the_runs_own():
    assert facts(CONFIG, TIMES) == {
        "began": "05 March 2026, 07:08 UTC",
        "trained for": "1 h 2 min 3 s",
        "processor": "Abacus 9000, 3 cores",
        "device": "cpu bf16",
        "unlabeled": "0.1",
        "torch": "2.10.0",
        "python": "3.12.1",
    }


def test_a_gpu_and_several_processes_are_named():
    hardware = {**CONFIG["hardware"], "gpu": "Slide Rule X"}
    found = facts({**CONFIG, "hardware": hardware, "processes": 4}, {**TIMES, "seconds": 0.2})
    assert found["GPU"] == "Slide Rule X"
    assert found["processes"] == "4"
    assert found["trained for"] == "0 s"


def test_a_run_that_wrote_none_of_it_has_a_page_still():
    found = facts({k: v for k, v in CONFIG.items() if k != "hardware"}, {})
    assert set(found) == {"device", "unlabeled", "torch", "python"}
