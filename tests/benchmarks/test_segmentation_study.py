"""The study of gains over random weights, on scores whose answer is known."""

import numpy as np
import pytest
from scipy import stats

from benchmarks import segmentation


def run(weights, seed, *draws):
    return {"weights": weights, "seed": seed, "scores": {"linear": {"draws": list(draws)}}}


RUNS = [
    run("inpainting", 0, 23.0, 25.0),
    run(segmentation.RANDOM, 0, 20.0, 21.0),
    run("inpainting", 1, 22.0, 28.0),
    run(segmentation.RANDOM, 1, 21.0, 22.0),
    run("simclr", 0, 20.0, 21.0),
    run("inpainting", 2, 99.0, 99.0),  # whose random weights have not been judged yet
]


def test_gains_are_of_pairs_of_one_seed_and_one_draw():
    rows = {row["weights"]: row for row in segmentation.study(RUNS)}
    assert set(rows) == {"inpainting", "simclr"}
    row = rows["inpainting"]
    gains = np.array([3.0, 4.0, 1.0, 6.0])
    assert (row["mean"], row["pairs"], row["by seed"]) == (3.5, 4, [3.5, 3.5])
    known = stats.ttest_1samp(gains, 0).confidence_interval(0.95)
    assert row["interval"] == pytest.approx([known.low, known.high], rel=1e-12)
    assert rows["simclr"]["interval"] == [0, 0]


def test_one_pair_has_no_interval():
    (row,) = segmentation.study([run("inpainting", 0, 5.0), run(segmentation.RANDOM, 0, 4.0)])
    assert (row["mean"], row["interval"]) == (1.0, None)
