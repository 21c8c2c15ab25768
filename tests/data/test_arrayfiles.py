"""`.npy` and IDX, their labels beside them, and files that lie."""

import gzip
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unlabeled.data import arrayfiles, open_data, open_labeled
from unlabeled.errors import DataError

RNG = np.random.default_rng(0)


def idx(array, code=0x08):
    head = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.tobytes()


@pytest.fixture
def digits():
    return RNG.integers(0, 256, (9, 10, 10), np.uint8)


def test_npy_is_mapped_and_never_written_to(tmp_path, digits):
    np.save(tmp_path / "x.npy", digits)
    store = open_data(tmp_path / "x.npy")
    assert np.array_equal(store.data[:, 0], digits)
    store.data[0] = 0
    assert np.array_equal(np.load(tmp_path / "x.npy"), digits)


@pytest.mark.parametrize("name", ["x-labels.npy", "labels.npy"])
def test_npy_labels_lie_beside(name, tmp_path, digits):
    np.save(tmp_path / "x.npy", digits)
    like = open_data(tmp_path / "x.npy")
    with pytest.raises(DataError, match=r"looked for .*x-labels\.npy and labels\.npy"):
        open_labeled(tmp_path / "x.npy", like=like)
    np.save(tmp_path / name, np.arange(9) % 3)
    assert open_labeled(tmp_path / "x.npy", like=like)[1].values.tolist() == [0, 1, 2] * 3
    np.save(tmp_path / name, np.arange(8))
    with pytest.raises(DataError, match="8 labels for 9 samples"):
        open_labeled(tmp_path / "x.npy", like=like)


def test_npy_that_is_torn_or_pickled_is_refused(tmp_path, digits):
    class Evil:
        def __reduce__(self):
            return open, (str(tmp_path / "ran"), "w")

    np.save(tmp_path / "evil.npy", np.array([Evil(), Evil()], object), allow_pickle=True)
    with pytest.raises(DataError, match=r"not a whole \.npy"):
        open_data(tmp_path / "evil.npy")
    assert not (tmp_path / "ran").exists()
    np.save(tmp_path / "x.npy", digits)
    raw = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(raw[:-10])
    with pytest.raises(DataError, match=r"not a whole \.npy"):
        open_data(tmp_path / "x.npy")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("images", ["t-images-idx3-ubyte", "t-images.idx3-ubyte"])
def test_idx_plain_and_packed_with_labels(packed, images, tmp_path, digits):
    write = gzip.compress if packed else bytes
    suffix = ".gz" if packed else ""
    labels = images.replace("images", "labels").replace("idx3", "idx1")
    (tmp_path / (images + suffix)).write_bytes(write(idx(digits)))
    like = open_data(tmp_path / (images + suffix))
    assert np.array_equal(like.data[:, 0], digits)
    with pytest.raises(DataError, match=r"looked for .*labels"):
        open_labeled(tmp_path / (images + suffix), like=like)
    (tmp_path / labels).write_bytes(idx(np.arange(9, dtype=np.uint8)))
    found = open_labeled(tmp_path / (images + suffix), like=like)[1]
    assert found.values.tolist() == list(range(9))


def test_idx_types(tmp_path):
    for code, kind in arrayfiles.TYPES.items():
        array = np.arange(6).reshape(2, 3).astype(kind)
        (tmp_path / "x").write_bytes(idx(array, code))
        seen = arrayfiles.read_idx(tmp_path / "x")
        assert np.array_equal(seen, array)
        assert seen.dtype.isnative


@pytest.mark.parametrize("harm", ["short", "long", "huge"])
def test_idx_that_lies_is_refused(harm, tmp_path, digits):
    raw = idx(digits)
    raw = {
        "short": raw[:-1],
        "long": raw + b"\0",
        "huge": raw[:4] + b"\xff" * 12 + raw[16:],
    }[harm]
    for data in (raw, gzip.compress(raw)):
        (tmp_path / "x-idx3-ubyte").write_bytes(data)
        with pytest.raises(DataError, match=r"the header says|cannot be right"):
            open_data(tmp_path / "x-idx3-ubyte")


def test_a_torn_gzip_is_refused(tmp_path, digits):
    (tmp_path / "x.gz").write_bytes(gzip.compress(idx(digits))[:-200])
    with pytest.raises(DataError, match="cannot be read"):
        open_data(tmp_path / "x.gz")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=60), st.booleans())
def test_no_bytes_break_the_reader(tmp_path, data, packed):
    path = tmp_path / "h"
    head = b"\0\0\x08\x02" + data
    path.write_bytes(gzip.compress(head) if packed else head)
    try:
        array = arrayfiles.read_idx(path)
    except DataError:
        return
    assert array.ndim == 2
    assert array.size == len(data) - 8
