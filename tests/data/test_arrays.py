"""What arrays mean, and in what form they are kept."""

import numpy as np
import pytest
import torch

from unlabeled.data import open_data, open_labeled
from unlabeled.errors import DataError, UsageError

RNG = np.random.default_rng(0)


def bytes_(*shape):
    return RNG.integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize(
    ("shape", "stored", "axes"),
    [
        ((5, 28, 28), (5, 1, 28, 28), "(n, h, w)"),
        ((5, 28, 28, 1), (5, 1, 28, 28), "(n, h, w, c)"),
        ((5, 32, 32, 3), (5, 3, 32, 32), "(n, h, w, c)"),
        ((5, 3, 32, 32), (5, 3, 32, 32), "(n, c, h, w)"),
        ((5, 13, 32, 32), (5, 13, 32, 32), "(n, c, h, w)"),
        ((5, 20, 30, 3), (5, 3, 20, 20), "(n, h, w, c)"),
    ],
)
def test_axes_of_images(shape, stored, axes):
    array = bytes_(*shape)
    store = open_data(array)
    assert store.data.shape == stored
    assert axes in store.notes[0]
    assert (store.shape.channels, store.shape.size) == stored[1:3]


def test_values_and_axes_are_kept():
    array = bytes_(4, 8, 8, 3)
    assert np.array_equal(open_data(array).data, array.transpose(0, 3, 1, 2))
    assert np.array_equal(open_data(torch.from_numpy(array)).data, array.transpose(0, 3, 1, 2))
    assert open_data(array).read(torch.tensor([2, 0])).is_contiguous()
    wide = bytes_(4, 8, 12)
    assert np.array_equal(open_data(wide).data[:, 0], wide[:, :, 2:10])


def test_plain_uint8_is_not_copied():
    array = bytes_(4, 3, 8, 8)
    assert np.shares_memory(open_data(array).data, array)


@pytest.mark.parametrize(
    ("make", "low", "high"),
    [
        (lambda u: u.astype(np.float32), 0, 1),  # in [0, 1]
        (lambda u: (u * 255).astype(np.int64), 0, 255),  # bytes in a wide type
        (lambda u: u * 2 - 1, -1, 1),  # some other range: percentiles
        (lambda u: (u * 60_000).astype(np.uint16), 0, 60_000),
        (lambda u: u > 0.5, 0, 1),
    ],
)
def test_deep_images_are_scaled_without_clipping(make, low, high):
    u = np.linspace(0, 1, 10 * 16 * 16).reshape(10, 1, 16, 16)
    values = make(u)
    seen = open_data(values).data
    exact = (values.astype(float) - low) / (high - low) * 255
    assert np.abs(seen - exact).max() < 1.5
    if values.dtype != bool:
        assert ((seen == 0) | (seen == 255)).mean() < 0.01
    assert seen.dtype == np.uint8


def test_range_is_asked_for_or_the_runs():
    images = RNG.normal(0, 100, (20, 1, 8, 8))
    run = open_data(images, value_range=(-500, 500))
    assert abs(int(run.data.mean()) - 127) < 5
    half = open_data(images[:3] / 2, like=run)
    assert np.allclose(half.data, 127.5 + images[:3] / 2 * 0.255, atol=0.6)


def test_series():
    store = open_data(RNG.normal(size=(6, 100)))
    assert store.data.shape == (6, 1, 100)
    assert store.data.dtype == np.float32
    assert (store.shape.modality, store.shape.channels, store.shape.size) == ("series", 1, 100)
    assert open_data(RNG.normal(size=(6, 3, 50)).astype(np.float32)).data.shape == (6, 3, 50)
    ramp = np.tile(np.arange(10.0), (4, 1))
    assert open_data(ramp, size=4).data[0, 0].tolist() == [3, 4, 5, 6]
    with pytest.raises(DataError, match="10 steps, 20 are needed"):
        open_data(ramp, size=20)
    with pytest.raises(DataError, match="1 channels, the run has 3"):
        open_data(ramp, like=open_data(RNG.normal(size=(6, 3, 10))))


def test_series_that_are_not_finite_are_left_out():
    series = RNG.normal(size=(200, 10))
    series[17, 3] = np.nan
    store, labels = open_labeled((series, np.arange(200)), like=open_data(series))
    assert len(store) == 199
    assert store.bad == [("17", "not finite throughout")]
    assert 17 not in labels.values
    assert np.isfinite(store.data).all()
    series[:50] = np.inf
    with pytest.raises(DataError, match="50 of 200 series"):
        open_data(series)


def test_tokens():
    tokens = np.array([[1, 2, 0], [5, 0, 0]])
    store = open_data(tokens)
    assert store.shape.vocabulary == 6
    assert store.data.dtype == np.int32
    assert store.read(torch.tensor([1])).tolist() == [[5, 0, 0]]
    assert open_data(tokens, length=4).data.tolist() == [[1, 2, 0, 0], [5, 0, 0, 0]]
    with pytest.raises(DataError, match="tokens 0 to 5"):
        open_data(tokens, vocabulary=("<pad>", "a"))


def test_ambiguity_is_asked_about_and_modality_answers():
    with pytest.raises(DataError, match="may be several things") as caught:
        open_data(bytes_(5, 30))
    assert "modality" in caught.value.hint
    assert open_data(bytes_(5, 30), modality="series").shape.modality == "series"
    assert open_data(bytes_(5, 30), modality="text").shape.modality == "text"
    assert open_data(RNG.normal(size=(5, 8, 8)), modality="image").shape.modality == "image"
    with pytest.raises(UsageError, match="modality must be"):
        open_data(bytes_(5, 8, 8), modality="picture")


@pytest.mark.parametrize(
    ("array", "why"),
    [
        (np.zeros((0, 8, 8), np.uint8), "no samples"),
        (np.zeros(9), "no samples"),
        (np.zeros((2, 40, 40, 40), np.uint8), "40 channels"),
        (np.array([["a", "b"]]), "no numbers"),
        (np.full((4, 1, 8, 8), np.nan), "no finite value"),
    ],
)
def test_what_is_no_data_is_refused(array, why):
    with pytest.raises(DataError, match=why):
        open_data(array)


def test_channels_of_a_run():
    grey, colour = open_data(bytes_(3, 8, 8)), open_data(bytes_(3, 3, 8, 8))
    pixels = bytes_(4, 8, 8, 3)
    luma = pixels.astype(float) @ [0.299, 0.587, 0.114]
    assert np.abs(open_data(pixels, like=grey).data[:, 0] - luma).max() <= 0.51
    assert open_data(bytes_(4, 8, 8), like=colour).data.shape == (4, 3, 8, 8)
    with pytest.raises(DataError, match="5 channels cannot become the run's 3"):
        open_data(bytes_(4, 5, 8, 8), like=colour)


def test_read_only_arrays_are_copied():
    array = bytes_(4, 3, 8, 8)
    array.flags.writeable = False
    assert open_data(array).data.flags.writeable


def test_fingerprint_is_of_the_bytes():
    array = bytes_(4, 8, 8)
    assert open_data(array).fingerprint == open_data(array.copy()).fingerprint
    array[3, 7, 7] ^= 1
    assert open_data(array).fingerprint != open_data(array ^ 1).fingerprint
