"""The study of what features keep: known patches have known facts, and known features tell them."""

import numpy as np
import pytest
from benchmarks.detail import explained, facts


def wave(period, size=32, strength=50):
    """A patch of stripes."""
    stripes = 128 + strength * np.sin(2 * np.pi * np.arange(size) / period)
    return np.broadcast_to(stripes[None, :, None], (size, size, 3)).astype(np.uint8)


@pytest.mark.parametrize(("period", "band"), [(16, "coarse"), (8, "middle"), (3, "fine")])
def test_stripes_lie_in_the_band_of_their_period(period, band):
    found = facts(np.stack([wave(period), wave(period, strength=100)]))
    bands = {name: found[name][:, 0] for name in ("coarse", "middle", "fine")}
    assert all(max(bands, key=lambda name: bands[name][i]) == band for i in range(2))
    faint, strong = bands[band]
    assert strong - faint == pytest.approx(np.log(4), abs=0.05)  # twice as strong: power times 4


def test_the_colour_is_the_mean_of_each_channel():
    patch = np.zeros((1, 32, 32, 3), np.uint8)
    patch[..., 1] = 255
    patch[:, :16, :, 2] = 255
    np.testing.assert_allclose(facts(patch)["colour"], [[0, 1, 0.5]])


def test_what_features_hold_is_explained_and_what_they_lack_is_not():
    chance = np.random.default_rng(0)
    train, test = chance.normal(size=(400, 6)), chance.normal(size=(300, 6))
    weight = chance.normal(size=(6, 2))
    assert explained(train, test, train @ weight, test @ weight) > 0.999
    other, held = chance.normal(size=(400, 2)), chance.normal(size=(300, 2))
    assert abs(explained(train, test, other, held)) < 0.1
    half = explained(train[:, :3], test[:, :3], train.sum(1, keepdims=True), test.sum(1)[:, None])
    assert half == pytest.approx(0.5, abs=0.1)
