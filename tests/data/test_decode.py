"""From a folder to a store: what is decided, what is left out, and when to refuse."""

import os
import time

import numpy as np
import pytest
from PIL import Image

from unlabeled.data import decode, open_data
from unlabeled.errors import DataError


def put(root, images, encode, kind="PNG"):
    root.mkdir(exist_ok=True)
    for i, image in enumerate(images):
        (root / f"{i:03}.{kind.lower()}").write_bytes(encode(image, kind))
    return root


def test_pixels_arrive_in_the_order_of_the_names(photos):
    store = open_data(photos)
    assert store.data.shape == (12, 3, 40, 40)
    assert store.data.dtype == np.uint8
    assert (store.shape.modality, store.shape.channels, store.shape.size) == ("image", 3, 40)
    assert store.keys == sorted(store.keys)
    for key, row in zip(store.keys, store.data, strict=True):
        assert np.array_equal(row, np.asarray(Image.open(photos / key)).transpose(2, 0, 1))
    assert store.bad == []
    assert store.source == str(photos)


def test_threads_do_not_change_the_order(tmp_path, encode, monkeypatch):
    rng = np.random.default_rng(0)
    sizes = rng.integers(8, 300, 60)  # quick and slow ones mixed
    images = [Image.new("L", (int(s), int(s)), i) for i, s in enumerate(sizes)]
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    seen = []
    put(tmp_path / "x", images, encode)
    store = open_data(tmp_path / "x", size=8, progress=lambda done, of: seen.append((done, of)))
    assert store.data[:, 0, 0, 0].tolist() == list(range(60))
    assert seen == [(i + 1, 60) for i in range(60)]


def test_small_pictures_of_one_size_stay_and_others_become_96(tmp_path, picture, encode):
    square = put(tmp_path / "a", [picture(i, 28, 28) for i in range(3)], encode)
    oblong = put(tmp_path / "b", [picture(i, 20, 30) for i in range(3)], encode)
    mixed = put(tmp_path / "c", [picture(i, 60, 50 + i) for i in range(3)], encode)
    large = put(tmp_path / "d", [picture(i, 65, 65) for i in range(3)], encode)
    assert open_data(square).notes[0] == "28 x 28 pixels, as they are"
    assert "the centres of 20 x 30" in open_data(oblong).notes[0]
    assert open_data(oblong).shape.size == 20
    for root in (mixed, large):
        store = open_data(root)
        assert store.shape.size == 96
        assert "the short side resized" in store.notes[0]
    assert open_data(mixed, size=24).data.shape[2:] == (24, 24)


def test_grey_is_one_channel_only_if_all_are(tmp_path, picture, encode):
    grey = [picture(i, 28, 28, "L") for i in range(3)]
    equal = [image.convert("RGB") for image in grey]
    assert open_data(put(tmp_path / "a", grey, encode)).shape.channels == 1
    assert open_data(put(tmp_path / "b", [*grey, *equal], encode)).shape.channels == 1
    one = [*grey, picture(9, 28, 28)]
    assert open_data(put(tmp_path / "c", one, encode)).shape.channels == 3


def test_deep_files_share_one_range(tmp_path, encode):
    """A dark file must stay darker than a bright one: the range is the data set's."""
    dark = np.linspace(1000, 2000, 32 * 32).reshape(32, 32).astype(np.uint16)
    images = [Image.fromarray(dark), Image.fromarray(dark * 10)]
    root = put(tmp_path / "deep", images, encode)
    store = open_data(root)
    assert store.data[0].max() < 20
    assert store.data[1].max() > 250
    assert any("become 0 to 255" in note for note in store.notes)
    low, high = store.extra["spans"]["I"]
    assert 1000 <= low < 1010
    assert 19_900 < high <= 20_000
    set_ = open_data(root, value_range=(0, 65535))
    assert np.abs(set_.data[1, 0] - dark * 10 / 257.0).max() <= 0.51
    like = open_data(put(tmp_path / "one", images[:1], encode), like=store)
    assert np.array_equal(like.data[0], store.data[0])


def test_bad_files_are_named_and_never_in_the_data(photos, encode, picture):
    for i in range(12, 400):
        (photos / "cat" / f"{i}.png").write_bytes(encode(Image.new("L", (40, 40), 255)))
    whole = encode(picture(1, 300, 300), "JPEG")
    (photos / "torn.jpg").write_bytes(whole[: len(whole) // 2])
    (photos / "empty.png").write_bytes(b"")
    (photos / "page.jpg").write_bytes(b"<html>not found</html>")
    (photos / "cat" / "a.png").write_bytes(b"junk")  # amid good ones
    store = open_data(photos)
    assert store.shape.size == 40  # the torn one is larger, and has no say
    for key, row in zip(store.keys, store.data, strict=True):
        assert np.array_equal(row[0], np.asarray(Image.open(photos / key).convert("RGB"))[..., 0])
    assert len(store) == 400
    assert [key for key, _ in store.bad] == ["cat/a.png", "empty.png", "page.jpg", "torn.jpg"]
    assert [why for _, why in store.bad][1:3] == ["an empty file", "markup, not a picture"]
    assert not set(dict(store.bad)) & set(store.keys)


def test_a_wrong_suffix_is_no_fault(photos, encode, picture):
    (photos / "really-a-jpeg.png").write_bytes(encode(picture(5), "JPEG"))
    store = open_data(photos)
    assert "really-a-jpeg.png" in store.keys
    assert store.bad == []


def test_too_many_bad_files_stop_it_with_a_flag_that_helps(photos):
    (photos / "empty.png").write_bytes(b"")
    with pytest.raises(
        DataError, match=r"1 of 13 files .*\n  'empty.png': an empty file"
    ) as caught:
        open_data(photos)
    assert caught.value.code == 3
    assert "--allow-bad 0.1" in caught.value.hint
    assert len(open_data(photos, allow_bad=0.1)) == 12


def test_a_hopeless_folder_is_given_up_early(tmp_path):
    for i in range(400):
        (tmp_path / f"{i}.jpg").write_bytes(b"junk")
    looked = []
    with pytest.raises(DataError, match="101 of 101 files"):
        open_data(tmp_path, progress=lambda done, of: looked.append(done))
    assert max(looked) < 300


def test_nothing_usable_is_an_error_with_counts(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"")
    with pytest.raises(DataError, match="1 of 1 files cannot be used, so nothing is left"):
        open_data(tmp_path, allow_bad=1)
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(DataError, match="no files"):
        open_data(tmp_path)


def test_one_picture_is_a_store(tmp_path, picture, encode):
    assert len(open_data(put(tmp_path / "one", [picture()], encode))) == 1


def test_twice_is_the_same(photos):
    one, two = open_data(photos), open_data(photos)
    assert np.array_equal(one.data, two.data)
    assert (one.keys, one.notes, one.fingerprint) == (two.keys, two.notes, two.fingerprint)


def test_nothing_is_written_inside_the_data(photos, monkeypatch):
    monkeypatch.setattr(decode, "SMALL", 0)

    def state():
        places = [photos, *sorted(photos.rglob("*"))]
        return [(p, p.stat().st_mtime_ns, p.stat().st_size) for p in places]

    for place in photos.rglob("*"):
        place.chmod(0o555 if place.is_dir() else 0o444)
    before = state()
    open_data(photos)
    assert state() == before
    monkeypatch.setenv("UNLABELED_CACHE", str(photos / "cache"))
    store = open_data(photos)  # a cache inside the data is not used either
    assert state() == before
    assert any("lies inside the data" in note for note in store.notes)


def test_like_gives_the_runs_form(tmp_path, photos, picture, encode):
    grey = open_data(put(tmp_path / "g", [picture(i, 28, 28, "L") for i in range(3)], encode))
    colour = open_data(photos)
    seen = open_data(photos, like=grey)
    assert seen.shape == grey.shape
    assert any("colour is dropped" in note for note in seen.notes)
    back = open_data(tmp_path / "g", like=colour.shape)
    assert back.shape == colour.shape
    assert np.array_equal(back.data[:, 0], back.data[:, 2])


def test_what_the_disk_has_no_room_for_stays_in_memory(photos, monkeypatch):
    monkeypatch.setattr(decode, "SMALL", 0)
    monkeypatch.setattr(decode.cache, "room", lambda: 0)
    assert any("no room" in note for note in open_data(photos).notes)


def test_memory_stays_bounded_while_many_are_decoded(tmp_path, encode):
    """Rows wait for their reader: no more than a few per thread are ever decoded ahead."""
    root = put(tmp_path / "n", [Image.new("L", (8, 8), 1)] * 300, encode)
    listing = decode.Listing([str(i) for i in range(300)], lambda i: b"", list)
    reads = []
    listing.read = lambda i: reads.append(i) or (root / f"{i:03}.png").read_bytes()
    policy = decode.images.Policy(8, 1)
    rows = decode._all(listing, policy, decode.Options())
    next(rows)
    time.sleep(0.2)
    threads = min(16, len(os.sched_getaffinity(0)))
    assert len(reads) <= 4 * threads + 2
    rows.close()
