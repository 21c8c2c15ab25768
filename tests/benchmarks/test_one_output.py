"""Five ways to answer, run whole and small on images with two equally likely right halves."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from benchmarks import common, naive, one_output
from unlabeled.data import open_data


def bars(part):
    """A bar goes on in the right half, at its near end or its far one: the left half cannot say."""
    n = {"train": 256, "test": 64}[part.split(":")[1]]
    images, chance = np.zeros((n, 28, 28), np.uint8), np.random.default_rng(n)
    for image, row, end in zip(images, chance.integers(0, 4, n), np.arange(n) % 2, strict=True):
        image[7 * row : 7 * row + 5, :14] = image[7 * row : 7 * row + 5, 14 + 7 * end :][:, :7] = (
            250
        )
    return open_data(images)


class Pixels(one_output.Answer):
    """Takes the right half that is like the left one."""

    def scores(self, left, right):
        return -torch.cdist(left.flatten(1), right.flatten(1))


def test_only_the_true_half_among_all_is_a_find():
    x = torch.rand(128, 1, 28, 14, generator=torch.Generator().manual_seed(0))
    assert one_output.first(Pixels(), x, x) == 100
    moved = torch.cat([x[:32], x[32:64].roll(1, 0), x[64:]])
    assert one_output.first(Pixels(), x, moved) == 75


@pytest.fixture
def answered(monkeypatch, tmp_path):
    """The answers of a small run, and what was written of it."""
    for name, small in {
        "open_data": bars,
        "BATCH": 16,
        "CODES": 8,
        "FIGURE": tmp_path / "x.png",
    }.items():
        monkeypatch.setattr(one_output, name, small)
    monkeypatch.setattr(common, "RESULTS", tmp_path)
    kept, draw = {}, one_output.draw
    monkeypatch.setattr(one_output, "draw", lambda said, *to: (kept.update(said), draw(said, *to)))
    monkeypatch.setattr("sys.argv", ["one_output", "--steps", "60", "--seeds", "1"])
    one_output.main()
    assert (tmp_path / "x.png").stat().st_size > 1000
    return kept, json.loads((tmp_path / "one-output.json").read_text())


@torch.no_grad()
def test_the_mean_is_nearest_in_squared_error_and_a_blur(answered):
    answers, written = answered
    assert [run["answer"] for run in written["runs"]] == list(answers)
    images = torch.from_numpy(np.asarray(bars("a:test").data[:])) / 255
    left, right = images[..., :14], images[..., 14:]
    drawn = {}
    for name, answer in answers.items():
        shown = answer.shown(left)
        drawn[name] = right[answer.scores(left, right).argmax(1)] if shown is None else shown
    errors = {name: naive.squared(half, right) for name, half in drawn.items()}
    assert min(errors, key=errors.__getitem__) == "the mean"
    # of two equally likely bars the mean is at half the brightness: half the error of either
    assert errors["the mean"] == pytest.approx(errors["codes"] / 2, rel=0.3)
    assert naive.gradient_energy(drawn["the mean"]) < 0.75 * naive.gradient_energy(right)
    assert naive.gradient_energy(drawn["codes"]) > 0.75 * naive.gradient_energy(right)
