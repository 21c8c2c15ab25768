"""What Python holds: pairs, lists, Datasets of torch and of dicts."""

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, TensorDataset

from unlabeled.data import open_data, open_labeled
from unlabeled.errors import DataError


class Pictures(Dataset):
    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.images[i], self.labels[i]


class Dicts(Pictures):
    def __getitem__(self, i):
        return {"label": self.labels[i], "image": self.images[i]}


@pytest.mark.parametrize("kind", [Pictures, Dicts])
def test_datasets_of_pictures(kind, picture):
    images = [picture(i) for i in range(6)]
    data = kind(images, list("abcabc"))
    store, labels = open_labeled(data, like=open_data(data))
    assert np.array_equal(store.data[4].transpose(1, 2, 0), np.asarray(images[4]))
    assert [labels.names[v] for v in labels.values] == list("abcabc")
    assert store.fingerprint == open_data(data).fingerprint
    assert store.fingerprint != open_data(kind(images[::-1], "abcabc")).fingerprint


def test_datasets_of_tensors():
    x = torch.randint(0, 256, (5, 3, 8, 8), dtype=torch.uint8)
    y = torch.tensor([0, 1, 2, 1, 0])
    data = TensorDataset(x, y)
    store, labels = open_labeled(data, like=open_data(data))
    assert np.array_equal(store.data, x.numpy())
    assert labels.values.tolist() == y.tolist()


def test_targets_spare_a_second_pass():
    data = Pictures(np.zeros((4, 8, 8), np.uint8), [9] * 4)
    data.targets = torch.tensor([0, 1, 1, 0])
    assert open_labeled(data, like=open_data(data))[1].values.tolist() == [0, 1, 1, 0]


def test_pairs():
    x = np.zeros((4, 8, 8), np.uint8)
    like = open_data((x, [0, 1, 0, 1]))
    assert open_labeled((x, [0, 1, 0, 1]), like=like)[1].values.tolist() == [0, 1, 0, 1]
    assert open_labeled((torch.from_numpy(x), torch.ones(4)), like=like)[1].values.sum() == 4
    with pytest.raises(DataError, match="3 labels for 4 samples"):
        open_labeled((x, [0, 1, 0]), like=like)
    with pytest.raises(DataError, match=r"looked for a pair \(data, labels\)"):
        open_labeled(x, like=like)


def test_lists_of_texts_and_their_labels():
    texts = ["the cat sat", "...", "the dog " * 20]
    store = open_data(texts, min_count=1)
    assert store.keys == ["0", "2", "2.2"]
    _, labels = open_labeled((texts, ["x", "y", "z"]), like=store)
    assert [labels.names[v] for v in labels.values] == ["x", "z", "z"]


def test_what_cannot_be_read_says_so():
    with pytest.raises(DataError, match="a generator is no data"):
        open_data(x for x in range(3))
    with pytest.raises(DataError, match="there is nothing in it"):
        open_data([])
    with pytest.raises(DataError, match="no arrays of one shape"):
        open_data([np.zeros((8, 8)), np.zeros((9, 9))])
    with pytest.raises(DataError, match="no labels in list"):
        open_labeled([np.zeros((8, 8))], like=open_data([np.zeros((8, 8))]))


def test_a_store_is_itself():
    store = open_data("sample")
    assert open_data(store) is store
