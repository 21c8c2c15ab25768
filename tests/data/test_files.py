"""Walking a folder: odd names, links, loops, pipes, and files that change under the reader."""

import contextlib
import errno
import os
import shutil
import socket
import tempfile
import threading
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unlabeled.data import files, open_data
from unlabeled.errors import DataError


def test_files_are_sorted_and_hidden_ones_skipped(tmp_path):
    for name in ("b.jpg", "a/2.jpg", "a/10.jpg", ".hidden.jpg", ".git/x.jpg", "Z.jpg"):
        place = tmp_path / name
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(b"x")
    assert files.walk(tmp_path).keys == ["Z.jpg", "a/10.jpg", "a/2.jpg", "b.jpg"]


def test_links_loops_pipes_and_sockets(tmp_path, photos):
    outside = tmp_path / "outside"
    outside.mkdir()
    shutil.copy(photos / "cat" / "01.png", outside / "far.png")
    (photos / "loop").symlink_to(photos)
    (photos / "away").symlink_to(outside)
    (photos / "linked.png").symlink_to(outside / "far.png")
    (photos / "dangling.png").symlink_to(photos / "nothing.png")
    os.mkfifo(photos / "pipe.png")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(photos / "socket.png"))

    done = []
    reader = threading.Thread(
        target=lambda: done.append(open_data(photos, allow_bad=0.5)), daemon=True
    )
    reader.start()
    reader.join(30)
    listener.close()
    assert done, "a pipe was opened: the reader hangs"
    store = done[0]
    assert len(store) == 13
    assert "linked.png" in store.keys
    assert dict(store.bad) == {
        "dangling.png": "a link to nothing",
        "pipe.png": "not a regular file",
        "socket.png": "not a regular file",
    }
    assert any("away, loop" in note for note in store.notes)


def test_a_pipe_in_the_place_of_a_listed_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="not a regular file"):
        files.read(tmp_path / "a.jpg", 10)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_unreadable_folder_is_reported(picture, encode):
    root = Path(tempfile.mkdtemp())
    try:
        for i in range(4):
            (root / f"{i}.png").write_bytes(encode(picture(i)))
        (root / "locked").mkdir(mode=0o700)
        root.chmod(0o755)
        os.seteuid(65534)
        try:
            found = files.walk(root)
        finally:
            os.seteuid(0)
        assert found.bad == [("locked/", "unreadable folder: Permission denied")]
        assert len(found.keys) == 4
    finally:
        shutil.rmtree(root)


NAMES = [
    b"caf\xe9.png",  # Latin-1, no UTF-8
    "\N{GRINNING FACE}.png".encode(),
    b"new\nline.png",
    "\u202egnp.exe.png".encode(),
    b"x" * 251 + b".png",
    b"-rf.png",
    b"<script>alert(1)<.png",
    b"UPPER.PNG",
]


def test_odd_names_survive(tmp_path, picture, encode):
    root = os.fsencode(tmp_path / "odd")
    os.mkdir(root)
    for i, name in enumerate(NAMES):
        with open(os.path.join(root, name), "wb") as file:
            file.write(encode(picture(i)))
    for _ in range(2):
        store = open_data(tmp_path / "odd")
        assert sorted(map(os.fsencode, store.keys)) == sorted(NAMES)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sets(
        st.binary(min_size=1, max_size=40).filter(lambda b: not {0, 47} & set(b) and b[:1] != b"."),
        min_size=1,
        max_size=5,
    )
)
def test_any_bytes_are_a_name(names):
    with tempfile.TemporaryDirectory() as root:
        for name in names:
            with open(os.path.join(os.fsencode(root), name), "wb"):
                pass
        found = files.walk(root)
        assert {os.fsencode(key) for key in found.keys} == names
        assert len(found.fingerprint) == 64


def test_fingerprint_sees_what_changes(tmp_path):
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"12345")
    seen = [files.walk(tmp_path).fingerprint]
    assert files.walk(tmp_path).fingerprint == seen[0]
    (tmp_path / "a.jpg").rename(tmp_path / "c.jpg")
    seen.append(files.walk(tmp_path).fingerprint)
    (tmp_path / "b.jpg").write_bytes(b"123456")
    seen.append(files.walk(tmp_path).fingerprint)
    os.utime(tmp_path / "b.jpg", ns=(1, 1))
    seen.append(files.walk(tmp_path).fingerprint)
    assert len(set(seen)) == 4


def test_a_file_that_is_gone_or_grown_is_left_out(photos):
    found = files.walk(photos)
    (photos / "cat" / "01.png").unlink()
    with (photos / "cat" / "03.png").open("ab") as file:
        file.write(b"more")
    with pytest.raises(OSError, match="No such file"):
        files.read(photos / "cat" / "01.png", found.sizes[0])
    with pytest.raises(ValueError, match="changed since it was listed"):
        files.read(photos / "cat" / "03.png", found.sizes[1])


def test_a_hiccup_of_a_network_disk_is_waited_out(photos, monkeypatch):
    path, calls, real = photos / "cat" / "01.png", [], os.open
    size = path.stat().st_size

    def flaky(*args, **kwargs):
        calls.append(1)
        if len(calls) < 3:
            raise OSError(errno.ESTALE, "Stale file handle")
        return real(*args, **kwargs)

    monkeypatch.setattr(files, "WAITS", (0, 0, 0))
    monkeypatch.setattr(files.os, "open", flaky)
    assert len(files.read(path, size)) == size
    assert len(calls) == 3
    monkeypatch.setattr(files.os, "open", lambda *a: (_ for _ in ()).throw(OSError(errno.EIO, "")))
    with pytest.raises(OSError, match="Errno 5"):
        files.read(path, size)


def test_a_great_many_files_take_little_memory(monkeypatch):
    """A fake folder of 100,000: the names, two numbers each, and an order."""

    class Entry:
        def __init__(self, i):
            self.name = f"image-{i:09}.jpg"

        def is_dir(self, *, follow_symlinks=True):
            return False

        def is_file(self):
            return True

        def stat(self):
            return SimpleNamespace(st_size=1000, st_mtime_ns=10**18)

    entries = lambda _: contextlib.nullcontext(map(Entry, reversed(range(20_000))))
    monkeypatch.setattr(files.os, "scandir", entries)
    tracemalloc.start()
    found = files.walk("nowhere").pick([".jpg"])
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found.keys) == 20_000
    assert found.keys[0] == "image-000000000.jpg"
    assert held < 120 * 20_000
    assert peak < 250 * 20_000


def test_digest_sees_shape_type_and_every_byte():
    base = np.arange(24, dtype=np.uint8).reshape(4, 6)
    other = base.copy()
    other[2, 3] += 1
    marks = {files.digest(a) for a in (base, other, base.reshape(6, 4), base.view(np.int8))}
    assert len(marks) == 4
    assert files.digest(base.copy()) == files.digest(base)
    assert files.digest(np.asfortranarray(base)) == files.digest(base)


def test_a_folder_without_pictures_says_what_is_there(tmp_path):
    (tmp_path / "table.csv").write_text("1,2")
    (tmp_path / "clip.mp4").write_bytes(b"x")
    with pytest.raises(DataError, match=r"no pictures or texts, but 1 \.\w+, 1 \.\w+"):
        open_data(tmp_path)
