"""The study of numbers without labels, on checkpoints whose order is known."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from benchmarks import choosing


def checkpoints(**flip):
    """Three looks at each of four runs; RankMe follows accuracy but where a run flips it."""
    found = []
    for start, name in enumerate(("rotation", "vae", "simclr", "simclr, too warm")):
        for step in range(6):
            right = 10 * start + step
            rank = -right if name in flip.get("off", ()) and step > flip.get("after", 0) else right
            more = {"alignment": -right, "silhouette": 0.3}
            more |= {"cluster learnability": right**0.5, "intrinsic dimension": right / 7}
            numbers = {"RankMe": rank, "stable rank": -right, "samples": 9, **more}
            accuracy = {"linear": float(right), "kNN": -float(right)}
            found.append({"name": name, "step": step, "numbers": numbers, **accuracy})
    return found


def study(found):
    return {row["number"]: row for row in choosing.study(found)}


@pytest.mark.parametrize("values", [5, 1000], ids=["ties", "none"])
def test_tau_of_draws_is_scipys_of_the_values_written_out(values):
    chance = np.random.default_rng(0)
    a, b = chance.integers(0, values, (2, 20))
    weights = chance.integers(0, 4, (6, 20))
    expected = [kendalltau(a.repeat(w), b.repeat(w)).statistic for w in weights]
    assert choosing.kendall(a, b, weights.astype(float)) == pytest.approx(expected)


def test_tau_of_what_never_varies_is_0():
    assert choosing.kendall(np.ones(4), np.arange(4.0), np.ones((2, 4))).tolist() == [0, 0]
    both = np.array([-np.inf, 0.0, np.inf])
    assert choosing.kendall(both, both, np.ones((1, 3))).tolist() == [1]


def test_a_number_that_follows_accuracy_has_tau_1_and_its_opposite_less():
    found = study(checkpoints())
    for name in ("RankMe", "alignment"):  # of alignment less is better
        own = found[name]["linear"]
        assert {own[k] for k in own if k.startswith("tau")} == {1.0}
        assert own["interval, late"] == [1, 1]
        assert found[name]["kNN"]["tau, late"] == -1
    assert found["stable rank"]["linear"]["tau, late, healthy"] == -1
    assert found["silhouette"]["linear"]["tau"] == 0
    assert "samples" not in found


def test_the_healthy_are_judged_without_the_spoilt():
    own = study(checkpoints(off=("simclr, too warm",)))["RankMe"]["linear"]
    assert own["tau, late, healthy"] == own["tau, ends, healthy"] == 1
    assert own["interval, late, healthy"] == [1, 1]
    assert own["tau, late"] < 0.5
    low, high = own["interval, late"]
    assert low < own["tau, late"] < high == 1  # a draw may leave out the spoilt


def test_late_are_the_last_looks_alone():
    part = choosing.parts(checkpoints())
    assert part["late"] == [i for i in range(24) if i % 6 > 1]
    assert part["late, healthy"] == [i for i in part["late"] if i < 18]
    assert part["ends, healthy"] == [5, 11, 17]
    assert part["all"] == [i for i in range(24) if i % 6]


def test_an_interval_draws_runs_and_not_checkpoints():
    drawn = choosing.redrawn(checkpoints(), list(range(2, 12)))
    assert drawn.shape == (choosing.DRAWS, 10)
    assert set(map(tuple, drawn)) == {(2,) * 4 + (0,) * 6, (1,) * 10, (0,) * 4 + (2,) * 6}


def test_a_lead_is_measured_on_the_same_draws():
    more, (low, high) = choosing.lead(checkpoints(), "RankMe", "stable rank", "late")
    assert (more, low, high) == (2, 2, 2)
    one, _ = choosing.lead(checkpoints(off=("vae",)), "RankMe", "RankMe", "all")
    assert one == 0
