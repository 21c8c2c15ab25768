"""The study of sides, on sweeps whose answer is known."""

import itertools
import math

import pytest

from benchmarks import sides

SHAKEN = {0.1: 1, 0.2: 0, 0.5: -1}  # at which temperatures seeds differ, and which way


def sweep(seeds=2, noise=0.0, apart=0.0, peak=16):
    """Runs best at so many negatives and at temperature 0.2; one number knows, another does not."""
    runs = []
    for k, t, seed in itertools.product((1, 4, 16, 64, 256), (0.1, 0.2, 0.5), range(seeds)):
        far = math.log(k / peak, 4)
        score = 80 - far**2 - 5 * abs(math.log(t / 0.2)) + apart * seed
        score += noise * (seed - 0.5) * SHAKEN[t]
        numbers = {"retrieval@1": far, "silhouette": 0.3, "tolerance": math.nan}
        runs.append(
            {"negatives": k, "temperature": t, "seed": seed, "kNN": score, "linear": score}
            | {"homogeneity": score, "completeness": score}
            | {"numbers": numbers, "verdict": "under"}
        )
    return runs


def rows(runs, **about):
    found = sides.study(runs)
    return {
        row["rule"]: row
        for row in found
        if all(row[k] == v for k, v in {"judge": "kNN", "knob": "negatives", **about}.items())
    }


def test_labels_put_each_value_on_its_side():
    line = [run for run in sweep() if run["temperature"] == 0.2]
    said = {r["negatives"]: side for r, side in sides.sided(line, "negatives", "kNN", 0.0)}
    assert said == {1: "under", 4: "under", 16: "balanced", 64: "over", 256: "over"}
    line = [run for run in sweep() if run["negatives"] == 16]
    said = {r["temperature"]: side for r, side in sides.sided(line, "temperature", "kNN", 0.0)}
    assert said == {0.5: "under", 0.2: "balanced", 0.1: "over"}  # a cold softmax splits


def test_what_is_as_good_within_the_noise_is_balanced():
    runs = sweep(noise=1.0)
    deviation = sides.noise(runs, "kNN")
    assert deviation == pytest.approx((5 / 14) ** 0.5)  # of 30 runs, 15 settings and a seed
    line = [run for run in runs if run["temperature"] == 0.2]
    said = {r["negatives"]: side for r, side in sides.sided(line, "negatives", "kNN", deviation)}
    assert said == {1: "under", 4: "balanced", 16: "balanced", 64: "balanced", 256: "over"}
    assert sides.noise(sweep(seeds=1), "kNN") == 0


def test_what_a_seed_adds_to_all_alike_is_no_noise():
    assert sides.noise(sweep(apart=3.0), "kNN") == pytest.approx(0, abs=1e-9)
    assert sides.noise(sweep(apart=3.0, noise=1.0), "kNN") == pytest.approx((5 / 14) ** 0.5)


def test_the_v_measure_is_the_harmonic_mean():
    run = {"homogeneity": 50.0, "completeness": 100.0, "kNN": 7.0}
    assert sides.score(run, "V-measure") == pytest.approx(200 / 3)
    assert sides.score(run, "kNN") == 7


def test_a_number_that_knows_is_always_right_and_one_that_does_not_is_the_commonest():
    found = rows(sweep())
    assert found["retrieval@1"]["right"] == found["the setting itself"]["right"] == 100
    assert (found["retrieval@1"]["under"], found["retrieval@1"]["over"]) == (12, 12)
    assert found["clustering_verdict"]["right"] == found["clustering_verdict"]["opposite"] == 40
    for blind in ("silhouette", "tolerance"):
        assert found[blind]["right"] <= found["always the commonest"]["right"] == 40


def test_cuts_are_never_fitted_to_the_line_they_judge():
    runs = sweep()
    for run in runs:  # on each line of its own scale, so that other lines' cuts do not serve
        run["numbers"]["retrieval@1"] += {0.1: -100, 0.2: 0, 0.5: 100}[run["temperature"]]
    assert rows(runs)["retrieval@1"]["right"] < 60


def test_a_line_alone_is_no_study():
    assert sides.study([run for run in sweep() if run["temperature"] == 0.2]) == []


@pytest.mark.parametrize(
    ("cases", "said"),
    [
        ([(1, "under"), (2, "balanced"), (3, "over")], ["under", "balanced", "over"]),
        ([(1, "under"), (2, "over")], ["under", "over"]),
        ([(1, "balanced"), (2, "balanced")], ["balanced", "balanced"]),
        (  # equal numbers are on one side: a cut between them would seem to be as good
            [(1, "balanced"), (1, "balanced"), (1, "over"), (2, "balanced")],
            ["balanced", "balanced"],
        ),
    ],
)
def test_cuts_put_most_cases_on_their_side(cases, said):
    low, high = sides.cuts([(float(x), side) for x, side in cases])
    assert [sides.told(x, low, high) for x in (1.0, 2.0, 3.0)][: len(said)] == said
