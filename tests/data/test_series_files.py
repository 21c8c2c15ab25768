"""`.ts` files, as the archives of time series keep them."""

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

import unlabeled
from unlabeled.data import open_data, open_labeled, sources
from unlabeled.encoders import Shape
from unlabeled.errors import DataError

HEAD = """# Some words about the data, {braces} and: colons
%and more
@problemName Walks
@timeStamps false
@univariate false
@classLabel true stand run
@data
"""
LINES = "1,2,3:-1,0,1:run\n\n4,5,6.5:1,1e-1,1:stand\n0,0,0:1,2,3:run\n"
AEON = next(Path(os.environ.get("UNLABELED_DATA", "nowhere")).glob("aeon-*.whl"), None)


def write(place, text):
    place.write_text(text)
    return place


def test_a_line_is_a_series_of_channels_and_a_class(tmp_path):
    path = write(tmp_path / "x.ts", HEAD + LINES)
    assert sources.sniff(path, "x") == "ts"
    store, labels = open_labeled(path, like=open_data(path))
    assert store.shape == Shape("series", 2, 3)
    np.testing.assert_allclose(store.data[1], [[4, 5, 6.5], [1, 0.1, 1]], rtol=1e-6)
    assert store.data.dtype == np.float32
    assert [labels.names[v] for v in labels.values] == ["run", "stand", "run"]


def test_series_of_unequal_length_are_stretched_and_that_is_said(tmp_path):
    path = write(tmp_path / "x.ts", HEAD + "0,2,4,2:5,5,5,5:run\n1,3:0,1:stand\n")
    store = open_data(path)
    expected = [[[0, 2, 4, 2], [5] * 4], [[1, 5 / 3, 7 / 3, 3], [0, 1 / 3, 2 / 3, 1]]]
    np.testing.assert_allclose(store.data, expected, rtol=1e-6)
    assert "series of 2 to 4 steps, each stretched to 4 by linear interpolation" in store.notes
    like, labels = open_labeled(path, like=Shape("series", 2, 7))  # of a run on longer series
    assert like.data.shape == (2, 2, 7)
    assert like.data[0, 0].tolist() == [0, 1, 2, 3, 4, 3, 2]
    assert len(labels) == 2


def test_series_with_gaps_are_left_out(tmp_path):
    path = write(tmp_path / "x.ts", HEAD + LINES + "1,?,3:1,2,3:why?\n")
    store, labels = open_labeled(path, like=Shape("series", 2, 3), allow_bad=0.5)
    assert store.bad == [("3", "not finite throughout")]
    assert len(labels) == len(store) == 3


def test_numbers_at_the_end_of_a_line_are_no_classes(tmp_path):
    plain = HEAD.replace("@classLabel true stand run", "@targetlabel true")
    path = write(tmp_path / "x.ts", plain + "1,2,3:0.25\n4,5,6:0.5\n")
    assert open_data(path).data.tolist() == [[[1, 2, 3]], [[4, 5, 6]]]
    with pytest.raises(DataError, match="looked for @classLabel true"):
        open_labeled(path, like=Shape("series", 1, 3))
    path = write(tmp_path / "y.ts", plain.replace("true", "false") + "1,2,3:4,5,6\n")
    assert open_data(path).data.shape == (1, 2, 3)


@pytest.mark.parametrize(
    "text",
    [
        HEAD,
        HEAD + "(2007-01-01 00:00:00,241.97),(2007-01-01 00:01:00,241.75):run\n",
        HEAD + "1,2,3:1,2:run\n",
        HEAD + "1,2,3:1,2,3:run\n1,2,3:run\n",
        "export const answer: number = 42;\n",
    ],
)
def test_what_is_no_plain_series_is_refused(tmp_path, text):
    path = write(tmp_path / "x.ts", text)
    with pytest.raises(DataError, match=r"not a \.ts file of plain series") as caught:
        open_data(path)
    assert "commas" in caught.value.hint


def test_a_film_is_no_series(tmp_path):
    (tmp_path / "film.ts").write_bytes(b"\x47\x40\x00\x10\0\0" * 40)
    with pytest.raises(DataError, match="not a kind of file that is read"):
        open_data(tmp_path / "film.ts")


def test_series_are_judged_beside_their_baselines(tmp_path):
    """Through files: slow waves and fast ones, of unequal length, to be told apart."""
    chance = np.random.default_rng(0)

    def wave(fast):
        t = np.arange(chance.integers(50, 65)) / 4
        values = np.sin((2.2 if fast else 1) * t + chance.uniform(0, 6))
        return ",".join(f"{v:.3f}" for v in values) + f":{'fast' if fast else 'slow'}\n"

    parts = {}
    for part, n in (("train", 60), ("test", 40)):
        head = HEAD.replace("stand run", "slow fast")
        body = "".join(wave(i % 2) for i in range(n))
        parts[part] = write(tmp_path / f"{part}.ts", head + body)
    run = unlabeled.pretrain(
        "cpc", parts["train"], steps=2, out=tmp_path / "run", quiet=True, report=False
    )
    found = run.evaluate(**parts, protocols=("knn", "linear", "clustering", "anomaly", "future"))
    scores = found["scores"]
    assert list(scores) == ["encoder", "untrained", "raw", "PCA", "last part"]
    assert all(0 <= columns["kNN"]["accuracy"] <= 100 for columns in list(scores.values())[:4])
    assert scores["raw"]["linear"]["accuracy"] < 90  # the phase is anybody's
    assert scores["encoder"]["linear"]["accuracy"] > 90
    assert set(scores["last part"]) == {column for column in scores["encoder"] if "ahead" in column}
    assert (found["settings"]["train"], found["settings"]["test"]) == (60, 40)


@pytest.mark.skipif(AEON is None, reason="needs the wheel of aeon in UNLABELED_DATA")
def test_the_archives_own_files(tmp_path):
    with zipfile.ZipFile(AEON) as wheel:
        for name in ("JapaneseVowels/JapaneseVowels_TRAIN.ts", "BasicMotions/BasicMotions_TEST.ts"):
            (tmp_path / Path(name).name).write_bytes(wheel.read(f"aeon/datasets/data/{name}"))
    vowels, labels = open_labeled(
        tmp_path / "JapaneseVowels_TRAIN.ts", like=Shape("series", 12, 26)
    )
    assert vowels.data.shape == (270, 12, 26)
    assert np.bincount(labels.values).tolist() == [30] * 9
    motions = open_data(tmp_path / "BasicMotions_TEST.ts")
    assert motions.data.shape == (40, 6, 100)
