import importlib

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer

from unlabeled.data import text
from unlabeled.data.options import Options
from unlabeled.data.store import Store
from unlabeled.encoders import Shape, Words
from unlabeled.evaluate import documents, embed, evaluate
from unlabeled.evaluate.documents import firsts, members, tfidf, whole
from unlabeled.evaluate.finetune import finetuned

CHANCE = np.random.default_rng(0)
TOPICS = "sun moon star comet", "wheel brake clutch road"


def posts(n, seed, words=(3, 40)):
    """Texts of two topics with much in common; most fill several rows of eight words."""
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, 2, n)
    common = [f"w{i}" for i in range(30)]
    draw = lambda label: chance.choice(TOPICS[label].split() + common, chance.integers(*words))
    return [" ".join(draw(label)) for label in labels], labels


def read(lines, like=None):
    numbered = ((str(i), line) for i, line in enumerate(lines))
    vocabulary = None if like is None else like.words
    store, origin = text.rows(numbered, Options(length=8, min_count=1, vocabulary=vocabulary), "x")
    return store, origin


@pytest.fixture(scope="module")
def corpus():
    lines, labels = posts(80, 0)
    store, origin = read(lines)
    return lines, labels, store, origin


def test_a_documents_vector_is_the_mean_of_all_its_words(corpus):
    lines, _, store, _ = corpus
    encoder = Words(len(store.words), dim=5, size=8)
    found = whole(store, embed(encoder, store)["out"])
    table = encoder.table.weight.detach().double().numpy()
    for line, vector in zip(lines, found, strict=True):
        expected = np.mean([table[store.words.index(word)] for word in line.split()], 0)
        np.testing.assert_allclose(vector, expected, atol=1e-6)


def test_rows_know_their_document(corpus):
    lines, _, store, _ = corpus
    rows = [-(-len(line.split()) // 8) for line in lines]
    assert max(rows) > 3
    assert members(store).tolist() == np.repeat(np.arange(len(lines)), rows).tolist()
    assert firsts(store).tolist() == np.cumsum([0, *rows[:-1]]).tolist()


def test_documents_without_a_known_word_are_no_samples(corpus):
    store, origin = read(["sun moon", "never heard", "road " * 9], like=corpus[2])
    assert origin.tolist() == [0, 2, 2]
    assert members(store).tolist() == [0, 1, 1]


def test_where_each_row_is_a_sample_nothing_changes():
    store = Store(np.ones((3, 2), np.int32), Shape("text", 1, 2, 5), list("abc"))
    x = CHANCE.standard_normal((3, 4))
    assert whole(store, x) is x
    assert firsts(store).tolist() == members(store).tolist() == [0, 1, 2]


def test_the_rarer_a_word_the_longer_its_vector(corpus):
    lines, _, store, _ = corpus
    encoder = Words(len(store.words), dim=5, size=8)
    before = encoder.table.weight.detach().clone()
    longer = (documents.weighted(encoder, store).table.weight / before)[1:].detach()
    for word, ratio in zip(store.words[1:], longer.mean(1), strict=True):
        there = sum(word in line.split() for line in lines)
        assert ratio == pytest.approx(np.log(81 / (1 + there)), rel=1e-4)
    assert torch.equal(encoder.table.weight, before)


def test_words_are_weighted_as_by_scikit_learn(corpus):
    lines, _, store, _ = corpus
    others, _ = posts(30, 1)
    theirs = TfidfVectorizer(sublinear_tf=True, vocabulary=store.words[1:])
    expected = theirs.fit_transform(lines).toarray(), theirs.transform(others).toarray()
    found = tfidf(store, read(others, like=store)[0])
    for ours, truth in zip(found, expected, strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, truth, atol=1e-6)  # our words are in order of their counts


def test_only_the_commonest_words_are_counted(corpus, monkeypatch):
    _, _, store, _ = corpus
    monkeypatch.setattr(documents, "COLUMNS", 6)
    assert tfidf(store)[0].shape == (80, 6)
    rare = Store(np.array([[1, 4, 4], [4, 4, 2]], np.int32), Shape("text", 1, 3, 9), ["a", "b"])
    x, q = tfidf(rare, Store(np.array([[3, 2, 2]], np.int32), rare.shape, ["c"]))
    assert x.shape == (2, 3)  # the words 4, 1 and 2 occur
    assert q.tolist() == [[0, 0, 1]]


def test_documents_are_what_is_scored(corpus, monkeypatch):
    monkeypatch.setattr(importlib.import_module("unlabeled.evaluate.judge"), "STEPS", 2)
    _, labels, store, origin = corpus
    lines, truth = posts(60, 2, words=(15, 40))
    test, places = read(lines, like=store)
    torch.manual_seed(0)
    encoder = Words(len(store.words), dim=8, size=8)
    with torch.no_grad():  # one axis tells the topics, the others nothing
        for sign, topic in zip((1, -1), TOPICS, strict=True):
            at = [store.words.index(word) for word in topic.split()]
            encoder.table.weight[at, 0] = 5.0 * sign
    found = evaluate(
        encoder, (store, labels[origin]), (test, truth[places]), supervised=True, steps=10,
        protocols=("knn", "linear", "layers", "finetune"),
    )  # fmt: skip
    assert (found["settings"]["train"], found["settings"]["test"]) == (80, 60)
    scores = found["scores"]
    assert list(scores) == [
        "encoder", "encoder, idf", "untrained", "TF-IDF", "PCA", "supervised",
    ]  # fmt: skip
    assert scores["encoder"]["linear"]["accuracy"] > 90
    assert scores["TF-IDF"]["linear"]["accuracy"] > 75
    assert scores["untrained"]["linear"]["accuracy"] < scores["encoder"]["linear"]["accuracy"]
    assert found["layers"]["encoder"]["out"]["linear"] == scores["encoder"]["linear"]
    right = scores["encoder"]["linear"]["accuracy"] * 60 / 100
    assert right == pytest.approx(round(right))  # a share of sixty documents, not of their rows
    tuned = scores["encoder"]["tuned, 10 labels"]["draws"]
    assert all(score * 60 / 100 == pytest.approx(round(score * 60 / 100)) for score in tuned)


def test_labels_are_drawn_by_document():
    """Long texts of one topic come first: ten rows drawn by chance would nearly all be theirs."""
    labels = np.repeat([0, 1], 20)
    lines = [" ".join(TOPICS[label].split() * (1 if label else 16)) for label in labels]
    store, origin = read(lines)
    assert origin.tolist().count(0) == 8
    samples = store, labels[origin]
    encoder = Words(len(store.words), dim=8, size=8)
    found = finetuned(encoder, samples, samples, labels=(5,), draws=2, steps=1)
    assert found["encoder"]["tuned, 5 labels"]["draws"] == [100, 100]
