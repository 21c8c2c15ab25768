"""Text to rows of word numbers."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unlabeled.data import open_data, open_labeled, text
from unlabeled.data.options import Options
from unlabeled.errors import DataError, UsageError


def read(store, row):
    return [store.words[i] for i in store.data[row] if i]


def rows(lines, **settings):
    numbered = ((str(i), line) for i, line in enumerate(lines))
    return text.rows(numbered, Options(**settings), "x")


def test_words():
    assert text.words_of("Don't STOP—the rock ’n’ roll, 2nd_time!") == [
        "don't", "stop", "the", "rock", "n", "roll", "2nd", "time",
    ]  # fmt: skip
    assert text.words_of("L’été d'Été; naïve\0bytes") == ["l'été", "d'été", "naïve", "bytes"]


def test_a_line_is_a_row_and_a_long_one_several(tmp_path):
    (tmp_path / "x.txt").write_text("a b c\n\nd e f g h i j\n")
    store = open_data(tmp_path / "x.txt", min_count=1, length=3)
    assert [read(store, i) for i in range(4)] == [list("abc"), list("def"), list("ghi"), ["j"]]
    assert store.keys == ["1", "3", "3.2", "3.3"]
    assert store.data.dtype == np.int32
    assert store.data[3].tolist()[1:] == [0, 0]
    assert store.shape.vocabulary == len(store.words) == 11
    assert store.read(torch.tensor([0])).dtype == torch.int64
    assert open_data(tmp_path / "x.txt", min_count=1).data.shape == (2, 32)


def test_commonest_words_come_first_and_rare_ones_leave_no_gap():
    store, _ = rows(["b a b c", "a b rare c a"], min_count=2)
    assert store.words == ("<pad>", "a", "b", "c")  # 3, 3, 2: equals by the alphabet
    assert store.data[1, :5].tolist() == [1, 2, 3, 1, 0]
    assert any("11.1% of the text is left out" in note for note in store.notes)


def test_a_given_vocabulary_is_kept():
    run, _ = rows(["b b a c"], min_count=1)
    store, origin = rows(["c x b", "y", "a"], vocabulary=run.words)
    assert store.words == run.words
    assert [read(store, i) for i in range(2)] == [["c", "b"], ["a"]]
    assert origin.tolist() == [0, 2]
    assert any("not in the run's vocabulary" in note for note in store.notes)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.text("abé' _.\n’B1", max_size=60), max_size=8), st.integers(1, 5), st.integers(1, 3)
)
def test_rows_hold_every_known_word_in_order(lines, length, least):
    """Beside an independent reading of the same lines, word by word."""
    words = [text.words_of(line) for line in lines]
    counts = {w: sum(line.count(w) for line in words) for line in words for w in line}
    kept = [[w for w in line if counts[w] >= least] for line in words]
    if not any(kept):
        with pytest.raises(DataError):
            rows(lines, length=length, min_count=least)
        return
    store, origin = rows(lines, length=length, min_count=least)
    parts = [line[i : i + length] for line in kept for i in range(0, len(line), length)]
    assert [read(store, i) for i in range(len(store))] == parts
    assert [origin.tolist().count(i) for i in range(len(kept))] == [
        -(-len(line) // length) for line in kept
    ]
    number = {w: i for i, w in enumerate(store.words)}
    assert sorted(number, key=lambda w: (-counts.get(w, 1e9), w)) == list(store.words)


def test_hostile_text(tmp_path):
    """NUL, bytes that are not UTF-8, a byte order mark, Windows line ends."""
    (tmp_path / "x.txt").write_bytes(b"\xef\xbb\xbffirst\r\nnul\0byte caf\xe9 end\r\nlast")
    store = open_data(tmp_path / "x.txt", min_count=1)
    assert [read(store, i) for i in range(3)] == [
        ["first"], ["nul", "byte", "caf", "end"], ["last"],
    ]  # fmt: skip
    assert any("1 lines have bytes that are not UTF-8" in note for note in store.notes)
    (tmp_path / "w.txt").write_bytes("zwölf Boxkämpfer".encode("utf-16"))
    assert read(open_data(tmp_path / "w.txt", min_count=1), 0) == ["zwölf", "boxkämpfer"]


def test_a_line_without_end(tmp_path):
    (tmp_path / "x.txt").write_text("word " * 300_000)
    store = open_data(tmp_path / "x.txt")
    assert store.words[1] == "word"
    assert abs(int((store.data == 1).sum()) - 300_000) <= 5
    assert {key.split(".")[0] for key in store.keys} == {"1"}


def test_a_folder_of_texts_and_its_classes(tmp_path):
    for name, body in {"a/1.txt": "x y", "b/2.txt": "y\nz z", "b/deep/3.txt": "x"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(body)
    store = open_data(tmp_path, min_count=1)
    assert store.keys == ["a/1.txt:1", "b/2.txt:1", "b/2.txt:2", "b/deep/3.txt:1"]
    again, labels = open_labeled(tmp_path, like=store)
    assert np.array_equal(again.data, store.data)
    assert [labels.names[v] for v in labels.values] == ["a", "b", "b", "b"]
    fingerprint = store.fingerprint
    (tmp_path / "a/1.txt").write_text("x y z")
    assert open_data(tmp_path, min_count=1).fingerprint != fingerprint


def test_without_words_or_labels_it_says_so(tmp_path):
    (tmp_path / "x.txt").write_text("once upon a time")
    with pytest.raises(DataError, match="no word that is found 5 times") as caught:
        open_data(tmp_path / "x.txt")
    assert "min_count=1" in caught.value.hint
    store = open_data(tmp_path / "x.txt", min_count=1)
    with pytest.raises(DataError, match="no labels"):
        open_labeled(tmp_path / "x.txt", like=store)
    with pytest.raises(UsageError, match="vocabulary"):
        open_labeled(tmp_path / "x.txt", like=store.shape)
