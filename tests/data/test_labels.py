"""Labels: from numbers, names and folders; in the order of another set; and never by open_data."""

import numpy as np
import pytest
import torch

from unlabeled.data import Labels, Store, labels, open_data, open_known, open_labeled
from unlabeled.errors import DataError


def test_numbers_stay_and_names_are_sorted():
    assert Labels.of([3, 0, 3]).names == ("0", "1", "2", "3")
    assert Labels.of([3, 0, 3]).values.tolist() == [3, 0, 3]
    assert Labels.of(torch.tensor([[1], [0]])).values.tolist() == [1, 0]
    assert Labels.of(np.array([1.0, 2.0])).values.tolist() == [1, 2]
    assert Labels.of([True, False]).values.tolist() == [1, 0]
    named = Labels.of(["dog", "cat", "dog"])
    assert (named.values.tolist(), named.names) == ([1, 0, 1], ("cat", "dog"))
    sparse = Labels.of([-5, 90_000_000])
    assert (sparse.values.tolist(), sparse.names) == ([0, 1], ("-5", "90000000"))
    assert Labels.of([1], ("a", "b")).names == ("a", "b")
    assert sparse.values.dtype == np.int64


@pytest.mark.parametrize("raw", [[0.5, 1.0], [None, "a"], np.zeros((3, 2))])
def test_what_is_no_class_is_refused(raw):
    with pytest.raises(DataError, match="labels"):
        Labels.of(raw)


def test_aligned_to_the_training_set():
    train, test = Labels.of(["a", "b", "c"]), Labels.of(["c", "a"])
    assert test.values.tolist() == [1, 0]
    assert test.aligned(train.names).values.tolist() == [2, 0]
    with pytest.raises(DataError, match="does not have: c"):
        test.aligned(("a", "b"))


def test_classes_are_the_first_folders_that_differ():
    assert labels.by_folder(["cat/1", "dog/x/2"], "x") == ["cat", "dog"]
    assert labels.by_folder(["data/train/cat/1", "data/train/dog/2"], "x") == ["cat", "dog"]
    assert labels.by_folder(["cat/1", "cat/2"], "x") == ["cat", "cat"]
    with pytest.raises(DataError, match=r"looked for a folder for each class, but `2\.jpg`"):
        labels.by_folder(["cat/1.jpg", "2.jpg"], "x")


def test_folders_label_pictures_and_bad_ones_do_not_shift_them(photos):
    (photos / "cat" / "00.png").write_bytes(b"junk")
    like = open_data(photos, allow_bad=0.5)
    store, found = open_labeled(photos, like=like, allow_bad=0.5)
    assert len(store) == len(found) == 12
    for key, value in zip(store.keys, found.values, strict=True):
        assert key.startswith(found.names[value])


def test_labels_that_are_there_are_known_and_others_are_not_missed(photos):
    store, found = open_known(photos)
    assert found is not None
    assert [found.names[v] for v in found.values] == [key.split("/")[0] for key in store.keys]
    like = Store(np.empty(0), store.shape, [])
    flat, none = open_known(photos / "cat", like)
    assert none is None
    assert flat.shape == store.shape
    assert len(flat) == sum(key.startswith("cat/") for key in store.keys)


def test_a_flat_folder_has_no_labels(photos):
    with pytest.raises(DataError, match="looked for a folder for each class") as caught:
        open_labeled(photos / "cat", like=open_data(photos))
    assert "DATA/cat/1.jpg" in caught.value.hint


def test_labels_given_beside_a_path(photos):
    like = open_data(photos)
    _, found = open_labeled((photos, np.arange(12)), like=like)
    assert found.values.tolist() == list(range(12))
    with pytest.raises(DataError, match="11 labels for 12"):
        open_labeled((str(photos), np.arange(11)), like=like)


SOURCES = ["sample", "sample:test"]


@pytest.mark.parametrize("source", SOURCES)
def test_open_data_never_returns_labels(source, monkeypatch):
    """Reading labels is made to fail: what opens all the same did not read any."""

    def never(*args, **kwargs):
        raise AssertionError("labels were read")

    monkeypatch.setattr(Labels, "of", never)
    store = open_data(source)
    assert type(store) is Store
    assert not any("label" in name for name in vars(store))
    with pytest.raises(AssertionError, match="labels were read"):
        open_labeled(source, like=store)


def test_open_data_reads_no_labels_from_files_or_memory(photos, tmp_path, monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError("labels were read")

    monkeypatch.setattr(Labels, "of", never)
    monkeypatch.setattr(labels, "by_folder", never)
    array = np.zeros((4, 8, 8), np.uint8)
    np.save(tmp_path / "x.npy", array)
    np.save(tmp_path / "x-labels.npy", np.arange(4))
    for source in (photos, tmp_path / "x.npy", (array, [0, 1, 0, 1]), [(array[0], "label")]):
        assert type(open_data(source)) is Store
