"""Every photograph is held out in one fold, whole, and its label is known where it is scored."""

import numpy as np
import pytest
from benchmarks.worlds import FOLDS, NONE, Samples, labelled, photographs
from PIL import Image


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Forty photographs of two classes and ten of none; each is of one colour of its own."""
    chance = np.random.default_rng(0)
    for i in range(50):
        kind = ("cats", "dogs")[i % 2] if i < 40 else "unlabeled"
        (tmp_path / kind).mkdir(exist_ok=True)
        colour = (5 * i, *(int(v) for v in chance.integers(0, 256, 2)))
        Image.new("RGB", (320, 320), colour).save(tmp_path / kind / f"{i}.png")
    monkeypatch.setenv("UNLABELED_PHOTOGRAPHS", str(tmp_path))
    photographs.cache_clear()
    yield
    photographs.cache_clear()


def test_each_is_held_out_once_and_whole(folder):
    held = []
    for fold in range(FOLDS):
        (x, y, groups), (test, label, _) = photographs(fold)
        assert len(x) + len(test) == 50 * 25
        seen, out = (set(part[:, 0, 0, 0].tolist()) for part in (x, test))
        assert not seen & out
        held += out
        assert [len(set(test[label == c, 0, 0, 0].tolist())) for c in (0, 1, NONE)] == [4, 4, 2]
        for part, classes in ((x, y), (test, label)):
            photo = part[:, 0, 0, 0].astype(int) // 5
            assert np.array_equal(classes, np.where(photo < 40, photo % 2, NONE))
        pairs = set(zip(groups.tolist(), x[:, 0, 0, 0].tolist(), strict=True))
        assert len(pairs) == len(set(groups.tolist())) == len(seen)  # a photograph is a group
        assert len(labelled(Samples(x, y, groups)).x) == np.sum(y != NONE) < len(x)
    assert sorted(held) == [5 * i for i in range(50)]
    assert np.array_equal(photographs(FOLDS)[1][0], photographs(0)[1][0])
