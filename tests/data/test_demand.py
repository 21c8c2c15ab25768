"""Pictures that fit nowhere decoded: the same batches, ahead of time, and what breaks is named."""

import dataclasses
import json
import tarfile
import time
import warnings
import zipfile

import numpy as np
import pytest
import torch

import unlabeled
from unlabeled import pretraining
from unlabeled.data import Batches, decode, open_data, open_labeled
from unlabeled.data.demand import OnDemand
from unlabeled.errors import DataError, MachineError
from unlabeled.evaluate.baselines import raw


@pytest.fixture
def nowhere(monkeypatch):
    """No memory is free, and the disk is full."""
    monkeypatch.setattr(decode, "SMALL", 0)
    monkeypatch.setattr(decode.cache, "room", lambda: 1)
    monkeypatch.setattr(decode.cache, "memory", lambda: 1000)


@pytest.fixture
def mixed(photos, picture, encode):
    """Fourteen pictures of several kinds and sizes, and two that are none."""
    (photos / "cat" / "large.jpg").write_bytes(encode(picture(50, 300, 200), "JPEG"))
    (photos / "dog" / "grey.png").write_bytes(encode(picture(51, 30, 90, "L")))
    (photos / "cat" / "empty.png").write_bytes(b"")
    (photos / "dog" / "torn.jpg").write_bytes(encode(picture(52, 99, 99), "JPEG")[:900])
    return photos


def packed(photos, kind):
    """The pictures as a folder, a zip or a tar."""
    if kind == "folder":
        return photos
    path = photos.with_suffix(f".{kind}")
    files = sorted(p for p in photos.rglob("*") if p.is_file())
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in files:
                archive.write(file, file.relative_to(photos))
    else:
        with tarfile.open(path, "w:gz" if kind.endswith("gz") else "w") as archive:
            for file in files:
                archive.add(file, file.relative_to(photos))
    return path


@pytest.mark.parametrize("kind", ["folder", "zip", "tar"])
def test_the_batches_are_those_of_decoded_data_bit_for_bit(mixed, kind, request, shelf):
    source, said = packed(mixed, kind), {"allow_bad": 0.5, "size": 32}
    whole = open_data(source, cache=False, **said)
    request.getfixturevalue("nowhere")
    lazy = open_data(source, **said)
    assert isinstance(lazy.data, OnDemand)
    assert lazy.notes[:-1] == whole.notes
    assert "decoded anew for each batch" in lazy.notes[-1]
    assert "no room" in lazy.notes[-1]
    for name in ("keys", "bad", "shape", "fingerprint", "extra"):
        assert getattr(lazy, name) == getattr(whole, name)
    one, other = Batches(whole, 4, seed=1), Batches(lazy, 4, seed=1)
    for step in [*range(8), 20, 3, 4, 19]:  # three passes, then here and there
        a, b = one[step], other[step]
        assert torch.equal(a.data, b.data)
        assert torch.equal(a.index, b.index)
        assert torch.equal(a.dice.uniform(2), b.dice.uniform(2))
    assert np.array_equal(whole.data[3], lazy.data[3])
    assert np.array_equal(whole.data[-5:], lazy.data[-5:])
    assert not list(shelf.glob("*.u8"))


def test_labels_keep_to_their_pictures(mixed, nowhere):
    store = open_data(mixed, allow_bad=0.5)
    again, labels = open_labeled(mixed, like=store, allow_bad=0.5)
    assert isinstance(again.data, OnDemand)
    assert [labels.names[v] for v in labels.values] == [key.split("/")[0] for key in again.keys]


def count_decodes(monkeypatch):
    calls, real = [], decode.images.pixels
    monkeypatch.setattr(decode.images, "pixels", lambda *a: calls.append(1) or real(*a))
    return calls


def settled(calls, count):
    for _ in range(200):
        if len(calls) >= count:
            break
        time.sleep(0.01)
    time.sleep(0.05)
    return len(calls)


def test_two_batches_are_decoded_ahead_and_none_twice(photos, nowhere, monkeypatch):
    batches = Batches(open_data(photos), 2)
    calls = count_decodes(monkeypatch)
    batches[0]
    assert settled(calls, 6) == 6
    batches[1]
    assert settled(calls, 8) == 8
    batches[2]
    assert settled(calls, 10) == 10
    # elsewhere: of what was decoded for steps 3 and 4, only what is wanted again is kept
    held, wanted = (torch.cat([batches.samples(t) for t in steps]) for steps in ((3, 4), (7, 8, 9)))
    count = 10 + len(set(wanted.tolist()) - set(held.tolist()))
    batches[7]
    assert settled(calls, count) == count
    assert sorted(batches.store.data._coming) == sorted(wanted[2:].tolist())


def test_which_can_be_used_is_found_out_once(mixed, nowhere, shelf, monkeypatch):
    first = open_data(mixed, allow_bad=0.5)
    calls = count_decodes(monkeypatch)
    again = open_data(mixed, allow_bad=0.5)
    assert calls == []
    for name in ("keys", "bad", "notes", "shape", "fingerprint", "extra"):
        assert getattr(first, name) == getattr(again, name)
    with pytest.raises(DataError, match="2 of 16"):
        open_data(mixed)
    monkeypatch.setattr(decode.cache, "memory", lambda: 1 << 40)  # memory came free
    assert np.array_equal(open_data(mixed, allow_bad=0.5).data, again.data[:])


def test_its_raw_pixels_are_those_of_a_store_in_memory(photos, nowhere, shelf, monkeypatch):
    lazily = raw(open_data(photos))
    monkeypatch.setattr(decode.cache, "memory", lambda: 1 << 40)
    assert np.array_equal(lazily, raw(open_data(photos)))


def anew(store):
    """The store as it was opened, before it met anything broken."""
    old = store.data
    data = OnDemand(old._listing, old._rows, old._policy, allowed=0.5, source=store.source)
    return dataclasses.replace(store, data=data, bad=data.bad)


def test_a_picture_that_breaks_later_is_named_and_another_stands_in(photos, nowhere):
    store = open_data(photos, allow_bad=0.5)
    batches = Batches(store, 4, seed=2)
    clean = [batches[t].data for t in range(3)]
    lost = store.keys.index("cat/05.png")
    (photos / "cat" / "05.png").unlink()
    seen = []
    for _ in range(2):  # two runs on the same broken data
        fresh = Batches(anew(store), 4, seed=2)
        with pytest.warns(UserWarning, match=r"'cat/05.png' can no longer be read \(No such file"):
            seen.append([fresh[t].data for t in range(3)])
        assert fresh.store.data.bad == [("cat/05.png", "No such file or directory")]
    for t, (one, other) in enumerate(zip(*seen, strict=True)):
        assert torch.equal(one, other)
        for row, was, i in zip(one, clean[t], batches.samples(t).tolist(), strict=True):
            assert torch.equal(row, was) == (i != lost)
            if i == lost:  # a whole other sample, not a grey one
                others = store.data[[j for j in range(12) if j != lost]]
                assert any(torch.equal(row, torch.from_numpy(other)) for other in others)
    gone = r"'cat/05\.png' can no longer"
    with pytest.warns(UserWarning, match=gone), pytest.raises(DataError, match=gone):
        anew(store).read(torch.tensor([0, lost]))  # no vector of another picture under its name


def test_too_many_broken_pictures_stop_the_run(photos, nowhere):
    batches = Batches(open_data(photos), 4)
    for file in photos.rglob("*.png"):
        file.write_bytes(b"not what it was")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(DataError, match="of 12 files cannot be used") as caught:
            batches[0]
    assert caught.value.code == 3
    assert "changed since it was listed" in str(caught.value)
    assert "--allow-bad" in caught.value.hint


def test_what_needs_all_at_once_is_refused(photos, nowhere):
    store = open_data(photos)
    with pytest.raises(MachineError, match="it fits nowhere whole"):
        np.ascontiguousarray(store.data)


def test_what_can_only_be_read_in_order_is_refused(photos, nowhere):
    with pytest.raises(MachineError, match="only be read from first to last") as caught:
        open_data(packed(photos, "tar.gz"))
    assert "UNLABELED_CACHE" in caught.value.hint
    with pytest.raises(MachineError):
        decode.decoded(
            decode.Listing(["a"] * 3, lambda i: open_bytes(photos), list, in_order=True),
            decode.Options(),
            "a table",
        )


def open_bytes(photos):
    return (photos / "cat" / "01.png").read_bytes()


def test_a_run_goes_on_and_lists_what_broke(photos, nowhere, tmp_path, monkeypatch):
    victim, begin = photos / "dog" / "04.png", pretraining.Watch.begin
    monkeypatch.setattr(pretraining.Watch, "begin", lambda self: (begin(self), victim.unlink()))
    with pytest.warns(UserWarning, match="dog/04.png"):
        run = unlabeled.pretrain(
            "rotation", photos, steps=6, batch_size=4, allow_bad=0.5, out=tmp_path / "run",
            quiet=True, report=False,
        )  # fmt: skip
    rows = (run.folder / "quarantine.jsonl").read_text().splitlines()
    assert [json.loads(row)["file"] for row in rows] == ["dog/04.png"]


@pytest.mark.parametrize(
    "method", ["colorization", "inpainting", "exemplar", "rotation+inpainting"]
)
def test_what_looks_at_the_data_beforehand_learns_the_same(
    method, photos, nowhere, shelf, tmp_path, monkeypatch
):
    said = {"steps": 2, "batch_size": 4, "size": 32, "quiet": True, "report": False}
    lazily = unlabeled.pretrain(method, photos, out=tmp_path / "lazy", **said)
    monkeypatch.setattr(decode.cache, "memory", lambda: 1 << 40)
    whole = unlabeled.pretrain(method, photos, out=tmp_path / "whole", **said)
    assert any("decoded anew" in note for note in lazily.config["data"]["notes"])
    assert not any("decoded anew" in note for note in whole.config["data"]["notes"])
    losses = [[x["loss"] for x in run.metrics() if "loss" in x] for run in (lazily, whole)]
    assert losses[0] == losses[1] != []
