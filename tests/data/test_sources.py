"""What a string means, and what is said when it means nothing."""

import numpy as np
import pytest

from unlabeled.data import Store, open_apart, open_data, open_known, open_labeled, sources
from unlabeled.encoders import Shape
from unlabeled.errors import DataError, UsageError


@pytest.mark.parametrize(
    ("typo", "meant"),
    [("fashon-mnist", "fashion-mnist"), ("fashion-mnist:tset", "fashion-mnist:test"),
     ("smaple", "sample"), ("wordent", "wordnet")],
)  # fmt: skip
def test_did_you_mean_a_name(typo, meant):
    with pytest.raises(DataError) as caught:
        open_data(typo)
    assert f"did you mean `{meant}`" in caught.value.hint


def test_did_you_mean_a_path(photos):
    with pytest.raises(DataError) as caught:
        open_data(str(photos)[:-1] + "z")
    assert f"did you mean `{photos}`" in caught.value.hint


def test_a_folder_called_like_a_set_is_reached_by_its_path(tmp_path, monkeypatch, picture, encode):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sample").mkdir()
    (tmp_path / "sample" / "a.png").write_bytes(encode(picture()))
    assert len(open_data("sample")) == 8000
    assert len(open_data("./sample")) == 1
    assert len(open_data(tmp_path / "sample")) == 1


def test_captions_beside_pictures_are_left_alone(photos):
    (photos / "cat" / "01.txt").write_text("a cat")
    store = open_data(photos)
    assert len(store) == 12
    assert store.bad == []
    assert open_data(photos, modality="text", min_count=1).shape.modality == "text"
    with pytest.raises(DataError, match="holds no texts"):
        open_data(photos / "dog", modality="text")


def test_kinds_of_files(tmp_path, picture, encode):
    one = tmp_path / "one.png"
    one.write_bytes(encode(picture()))
    with pytest.raises(DataError, match="one picture is no data set"):
        open_data(one)
    (tmp_path / "e").write_bytes(b"")
    with pytest.raises(DataError, match="is empty"):
        open_data(tmp_path / "e")
    (tmp_path / "m.mp4").write_bytes(b"\0\0\0\x20ftypisom\0\0")
    with pytest.raises(DataError, match="not a kind of file that is read"):
        open_data(tmp_path / "m.mp4")
    (tmp_path / "noted").write_text("words words words words words")
    assert open_data(tmp_path / "noted").shape.modality == "text"
    assert sources.sniff(tmp_path / "noted", "x") == "text"


def test_settings_that_mean_nothing_are_refused():
    for wrong in (
        {"size": 0}, {"allow_bad": 2}, {"value_range": (5, 5)}, {"length": -1}, {"min_count": 0},
    ):  # fmt: skip
        with pytest.raises(UsageError):
            open_data("sample", **wrong)


SERIES = "@classLabel false\n@data\n" + "\n".join("1,2,3,4:5,6,7,8" for _ in range(4))
FORMS = {
    "images": Shape("image", 3, 16),
    "series": Shape("series", 2, 4),
    "text": Store(np.empty(0), Shape("text", 1, 8, 3), [], words=("<pad>", "a", "cat")),
}


@pytest.mark.parametrize("wanted", FORMS)
def test_what_a_run_was_not_trained_on_is_refused_in_words(tmp_path, photos, picture, wanted):
    """Whatever it lies in: a folder, a file, a list or a store."""
    (tmp_path / "x.csv").write_text("a cat\n" * 9)
    (tmp_path / "x.ts").write_text(SERIES)
    held = {
        "images": [photos / "cat", [picture(i) for i in range(4)], open_data(photos)],
        "series": [tmp_path / "x.ts", open_data(tmp_path / "x.ts")],
        "text": [tmp_path / "x.csv", ["a cat"] * 9, open_data(["a cat"] * 9)],
    }
    for kind, those in held.items():
        for source in those:
            if kind == wanted and not isinstance(source, Store):
                open_data(source, like=FORMS[wanted])
            elif kind != wanted:
                for reading in (open_data, open_labeled, open_known, open_apart):
                    why = f"holds {kind}, and the run was trained on {wanted}"
                    with pytest.raises(DataError, match=why) as caught:
                        reading(source, like=FORMS[wanted])
                    assert f"give it {wanted}" in caught.value.hint


def test_what_is_not_what_was_said_is_refused():
    with pytest.raises(DataError, match="holds text, and images are asked for") as caught:
        open_data(["a cat"] * 9, modality="image")
    assert "leave --modality image out" in caught.value.hint


def test_a_picture_is_not_read_as_text(tmp_path, picture, encode):
    (tmp_path / "one.png").write_bytes(encode(picture()))
    with pytest.raises(DataError, match="one picture is no data set"):
        open_data(tmp_path / "one.png", modality="text", min_count=1)


def test_a_store_must_have_the_runs_channels_and_its_vocabulary(photos):
    with pytest.raises(DataError, match="has 3 channels, the run has 1"):
        open_data(open_data(photos), like=Shape("image", 1, 40))
    lines = ["a cat and a dog"] * 9
    store, other = open_data(lines), open_data(["a dog or a cat"] * 9)
    assert open_data(store, like=store) is store
    with pytest.raises(DataError, match="numbers its words otherwise than the run"):
        open_data(store, like=other)
