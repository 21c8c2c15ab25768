"""The decoded store on disk: written whole or not at all, found again, made anew when broken."""

import errno
import json
import multiprocessing
import os
import time

import numpy as np
import pytest

from unlabeled.data import cache, decode, open_data


@pytest.fixture(autouse=True)
def everything_is_worth_a_file(monkeypatch):
    monkeypatch.setattr(decode, "SMALL", 0)


def entries(shelf):
    return sorted(p.name for p in shelf.iterdir() if p.suffix != ".lock")


def count_decodes(monkeypatch):
    calls, real = [], decode.images.pixels
    monkeypatch.setattr(decode.images, "pixels", lambda *a: calls.append(1) or real(*a))
    return calls


def test_the_second_time_nothing_is_decoded(photos, shelf, monkeypatch):
    (photos / "empty.png").write_bytes(b"")
    first = open_data(photos, allow_bad=0.5)
    assert [name[-3:] for name in entries(shelf)] == ["son", ".u8"]
    calls = count_decodes(monkeypatch)
    again = open_data(photos, allow_bad=0.5)
    assert calls == []
    assert np.array_equal(first.data, again.data)
    for name in ("keys", "bad", "notes", "shape", "fingerprint", "extra"):
        assert getattr(first, name) == getattr(again, name)


def test_a_stricter_caller_is_still_refused(photos):
    (photos / "empty.png").write_bytes(b"")
    open_data(photos, allow_bad=0.5)
    with pytest.raises(decode.DataError, match="1 of 13"):
        open_data(photos)


def test_another_setting_or_other_data_is_another_entry(photos, shelf, encode, picture):
    open_data(photos)
    open_data(photos, size=16)
    open_data(photos, value_range=(0, 9))
    assert len(entries(shelf)) == 6
    (photos / "new.png").write_bytes(encode(picture(77)))
    assert len(open_data(photos)) == 13


def test_in_memory_where_it_is_small_or_asked_for(photos, shelf, monkeypatch):
    open_data(photos, cache=False)
    monkeypatch.setattr(decode, "SMALL", 64 << 20)
    open_data(photos)
    assert entries(shelf) == []
    monkeypatch.setattr(decode, "SLOW", 0.0)
    store = open_data(photos)  # small, but it took its time
    assert len(entries(shelf)) == 2
    calls = count_decodes(monkeypatch)
    assert np.array_equal(open_data(photos).data, store.data)
    assert calls == []


@pytest.mark.parametrize("harm", ["short", "long", "no record", "torn record", "other version"])
def test_a_broken_entry_is_made_anew(photos, shelf, harm, monkeypatch):
    good = np.array(open_data(photos).data)
    record, data = (shelf / name for name in entries(shelf))
    if harm == "short":
        os.truncate(data, data.stat().st_size - 1)
    elif harm == "long":
        with data.open("ab") as file:
            file.write(b"\0")
    elif harm == "no record":
        record.unlink()
    elif harm == "torn record":
        os.truncate(record, 40)
    else:
        record.write_text(json.dumps({**json.loads(record.read_text()), "version": 0}))
    calls = count_decodes(monkeypatch)
    assert np.array_equal(open_data(photos).data, good)
    assert len(calls) == 12
    calls.clear()
    open_data(photos)
    assert calls == []


def test_a_full_disk_leaves_nothing_behind_and_goes_on_in_memory(photos, shelf, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache.os, "fsync", full)
    store = open_data(photos)
    assert len(store) == 12
    assert any("No space left on device" in note for note in store.notes)
    assert entries(shelf) == []


def test_a_cache_that_cannot_be_written_is_no_obstacle(photos, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("UNLABELED_CACHE", str(tmp_path / "file" / "cache"))
    store = open_data(photos)
    assert any("kept in memory" in note for note in store.notes)


def test_what_a_killed_process_left_is_swept_up(photos, shelf):
    open_data(photos)
    record, data = (shelf / name for name in entries(shelf))
    record.unlink()
    stale = data.with_name(data.name + ".tmp-99999")
    stale.write_bytes(b"half")
    open_data(photos)
    assert not stale.exists()


def test_the_record_comes_last(photos, shelf, monkeypatch):
    """A process killed between the two files leaves no entry that is taken for whole."""
    order, real = [], cache.Path.replace
    monkeypatch.setattr(
        cache.Path, "replace", lambda self, to: order.append(to.suffix) or real(self, to)
    )
    open_data(photos)
    assert order == [".u8", ".json"]


def test_changing_the_array_does_not_change_the_file(photos):
    store = open_data(photos)
    was = int(store.data[0, 0, 0, 0])
    store.data[0, 0, 0, 0] = 255 - was
    assert int(open_data(photos).data[0, 0, 0, 0]) == was


def _open(path, folder, out, start):
    os.environ["UNLABELED_CACHE"] = folder
    decode.SMALL = 0
    calls, real = [], decode.images.pixels
    # slow, so that the second process comes while the first is at work
    decode.images.pixels = lambda *a: calls.append(1) or time.sleep(0.05) or real(*a)
    start.wait()
    store = open_data(path)
    out.put((len(calls), int(store.data.sum())))


def test_of_two_processes_one_decodes(photos, shelf):
    context = multiprocessing.get_context("fork")
    out, start = context.Queue(), context.Barrier(2)
    both = [context.Process(target=_open, args=(photos, str(shelf), out, start)) for _ in range(2)]
    for process in both:
        process.start()
    (a, sum_a), (b, sum_b) = out.get(timeout=30), out.get(timeout=30)
    for process in both:
        process.join()
    assert sorted((a, b)) == [0, 12]
    assert sum_a == sum_b
