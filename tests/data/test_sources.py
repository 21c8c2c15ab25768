"""What a string means, and what is said when it means nothing."""

import pytest

from unlabeled.data import open_data, sources
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
