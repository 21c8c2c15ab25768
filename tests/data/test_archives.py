"""Zip and tar read in place: the same pictures as the folder, and every malicious member named."""

import io
import os
import shutil
import tarfile
import zipfile

import numpy as np
import pytest

from unlabeled.data import archives, open_data, open_labeled
from unlabeled.errors import DataError


def pack(photos, kind, path):
    files = [p for p in sorted(photos.rglob("*")) if p.is_file()]
    if kind.startswith("zip"):
        how = zipfile.ZIP_DEFLATED if kind == "zip" else zipfile.ZIP_STORED
        with zipfile.ZipFile(path, "w", how) as archive:
            for file in files:
                archive.write(file, file.relative_to(photos.parent).as_posix())
    else:
        with tarfile.open(path, "w" + kind.removeprefix("tar")) as archive:
            for file in reversed(files):  # not in the order of the names
                archive.add(file, file.relative_to(photos.parent).as_posix())
    return path


@pytest.mark.parametrize("kind", ["zip", "zip-stored", "tar", "tar:gz", "tar:xz", "tar:bz2"])
def test_an_archive_is_its_folder(kind, photos, tmp_path):
    path = pack(photos, kind, tmp_path / "no-suffix")
    before = sorted(os.listdir(tmp_path))
    store, labels = open_labeled(path, like=open_data(photos))
    plain, plain_labels = open_labeled(photos, like=store)
    rows = {key.split("/", 1)[1]: i for i, key in enumerate(store.keys)}
    order = [rows[key] for key in plain.keys]
    assert np.array_equal(store.data[order], plain.data)
    assert np.array_equal(labels.values[order], plain_labels.values)
    assert labels.names == plain_labels.names == ("cat", "dog")
    assert sorted(os.listdir(tmp_path)) == before
    assert len(store.fingerprint) == 64


def test_what_is_no_picture_in_a_zip_is_left_alone(tmp_path, picture, encode):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name in ("a.png", "b.PNG"):
            archive.writestr(name, encode(picture()))
        for name in ("readme.txt", "__MACOSX/a.png", ".hidden/b.png", "dir/._a.png"):
            archive.writestr(name, b"junk")
    store = open_data(tmp_path / "x.zip")
    assert store.keys == ["a.png", "b.PNG"]
    assert store.bad == []


def test_malicious_zip_members_are_named_and_not_read(tmp_path, picture, encode):
    good = encode(picture())
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("good.png", "../up.png", "/abs.png", "a/../../b.png", "..\\win.png"):
            archive.writestr(name, good)
        archive.writestr(link, "/etc/passwd")
        archive.writestr("bomb.png", bytes(1 << 25))
        archive.writestr("torn.png", good[:100])
    store = open_data(tmp_path / "x.zip", allow_bad=1)
    assert store.keys == ["good.png"]
    reasons = dict(store.bad)
    out = "a path that leads out of the archive"
    assert {reasons[n] for n in ("../up.png", "/abs.png", "a/../../b.png", "..\\win.png")} == {out}
    assert reasons["link.png"] == "a link"
    assert "bomb" in reasons["bomb.png"]
    assert reasons["torn.png"]
    assert os.listdir(tmp_path) == ["x.zip"]


def test_a_zip_member_with_a_flipped_bit_is_left_out(tmp_path, picture, encode):
    data = encode(picture())
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_STORED) as archive:
        for i in range(2):
            archive.writestr(f"{i}.png", data)
    raw = bytearray((tmp_path / "x.zip").read_bytes())
    raw[raw.index(data) + len(data) // 2] ^= 1
    (tmp_path / "x.zip").write_bytes(raw)
    store = open_data(tmp_path / "x.zip", allow_bad=0.5)
    assert store.keys == ["1.png"]
    assert "CRC" in dict(store.bad)["0.png"]


def test_of_two_members_with_one_name_the_last_counts(tmp_path, picture, encode):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.png", encode(picture(1)))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.png", encode(picture(2)))
    store = open_data(tmp_path / "x.zip")
    assert np.array_equal(store.data[0].transpose(1, 2, 0), np.asarray(picture(2)))


def test_malicious_tar_members_are_named_and_not_read(tmp_path, picture, encode):
    good = encode(picture())
    with tarfile.open(tmp_path / "x.tar", "w") as archive:

        def add(name, **more):
            member = tarfile.TarInfo(name)
            member.size = 0 if more else len(good)
            for key, value in more.items():
                setattr(member, key, value)
            archive.addfile(member, io.BytesIO(good))

        add("good.png")
        add("../up.png")
        add("/abs.png")
        add("soft.png", type=tarfile.SYMTYPE, linkname="/etc/passwd")
        add("hard.png", type=tarfile.LNKTYPE, linkname="good.png")
        add("pipe.png", type=tarfile.FIFOTYPE)
    store = open_data(tmp_path / "x.tar", allow_bad=1)
    assert store.keys == ["good.png"]
    assert dict(store.bad) == {
        "../up.png": "a path that leads out of the archive",
        "/abs.png": "a path that leads out of the archive",
        "soft.png": "a link",
        "hard.png": "a link",
        "pipe.png": "not a regular file",
    }


@pytest.mark.parametrize("kind", ["zip", "tar", "tar:gz"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_archive_is_refused(kind, share, photos, tmp_path):
    """Half a download must not pass for a small data set."""
    path = pack(photos, kind, tmp_path / "x")
    whole = path.stat().st_size
    if kind == "tar":
        with tarfile.open(path) as archive:
            last = archive.getmembers()[-1]
        whole = last.offset_data + last.size
    os.truncate(path, int(whole * share) // 512 * 512 + 100)
    with pytest.raises(DataError, match=r"not a whole zip|cut short|cannot be read"):
        open_data(path, allow_bad=1)


def test_a_tar_cut_at_a_member_s_edge_is_refused(photos, tmp_path):
    path = pack(photos, "tar", tmp_path / "x.tar")
    with tarfile.open(path) as archive:
        members = archive.getmembers()
    os.truncate(path, members[5].offset)
    with pytest.raises(DataError, match="after 5 members"):
        open_data(path)


def test_an_archive_without_pictures_says_so(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("array.npy", b"x")
    with pytest.raises(DataError, match="holds no pictures"):
        open_data(tmp_path / "x.zip")


def test_a_large_member_is_not_taken_for_a_bomb_unless_it_shrank(tmp_path):
    stored = zipfile.ZipInfo("a.bmp")
    stored.file_size = stored.compress_size = archives.BOMB * 2
    assert archives._zip_fault(stored) == ""
    stored.compress_size = 1000
    assert "bomb" in archives._zip_fault(stored)
    stored.file_size = stored.compress_size = archives.LARGEST + 1
    assert "in one member" in archives._zip_fault(stored)


def test_no_copy_is_left_open(photos, tmp_path):
    path = pack(photos, "tar:gz", tmp_path / "x.tgz")
    open_data(path)
    shutil.rmtree(photos)
    path.unlink()
    open_files = [os.readlink(f"/proc/self/fd/{f}") for f in _descriptors()]
    assert not any("x.tgz" in name for name in open_files)


def _descriptors():
    return [f for f in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{f}")]
