import sys

import numpy as np
import pytest
import torch
from scipy import stats

from unlabeled.data.store import Store
from unlabeled.encoders import Shape, Words
from unlabeled.errors import DataError, MachineError
from unlabeled.evaluate import evaluate_words, table
from unlabeled.evaluate.words import correlate, ppmi_svd, read_pairs, spearman

WORDS = ("", "cat", "dog", "car", "bus", "of")


@pytest.fixture
def lists(tmp_path, monkeypatch):
    """A package that carries the lists where gensim does."""
    folder = tmp_path / "gensim" / "test" / "test_data"
    folder.mkdir(parents=True)
    (tmp_path / "gensim" / "__init__.py").write_text("raise ImportError('no need to import it')")
    (folder / "wordsim353.tsv").write_text(
        "# about\n# Word 1\tWord 2\tHuman (mean)\ncat\tDog\t9.5\ncar\tbus\t8.0\ncat\tcar\t1.0\n"
        "dog\tbus\t1.5\nof\tcat\t0.5\nzebra\tcat\t7.0\n"
    )
    (folder / "simlex999.txt").write_text(
        "# Word 1\tWord 2\tHuman (mean)\ncat\tdog\t8\ncar\tdog\t1\nbus\tcar\t7\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "gensim", raising=False)


@pytest.fixture(scope="module")
def text():
    """Cats and dogs keep the same company, and so do cars and buses."""
    chance = np.random.default_rng(0)
    beasts = chance.choice([1, 2, 5], (300, 8), p=[0.4, 0.4, 0.2])
    wheels = chance.choice([3, 4, 5], (300, 8), p=[0.4, 0.4, 0.2])
    rows = np.concatenate([beasts, wheels]).astype(np.int32)
    return Store(rows, Shape("text", 1, 8, 6), [str(i) for i in range(600)], words=WORDS)


def test_spearman_is_scipys_also_where_values_are_equal():
    chance = np.random.default_rng(0)
    for x in (chance.standard_normal(80), chance.integers(0, 5, 80).astype(float)):
        y = x + chance.integers(0, 3, 80)
        assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)


def test_pairs_with_an_unknown_word_are_left_out_and_counted():
    vectors = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0], [1.0, 1.0]])
    pairs = [("cat", "dog", 9.0), ("cat", "car", 1.0), ("cat", "of", 5.0), ("cat", "yak", 0.0)]
    found = correlate(vectors, WORDS, pairs)
    assert (found["pairs"], found["all"]) == (3, 4)
    assert found["correlation"] == pytest.approx(1.0)


def test_the_interval_holds_the_correlation_and_narrows_with_more_pairs():
    chance = np.random.default_rng(0)
    words = [f"w{i}" for i in range(200)]
    vectors = torch.from_numpy(chance.standard_normal((200, 5)))

    def interval(n):
        at = chance.integers(0, 200, (n, 2))
        cosine = torch.cosine_similarity(vectors[at[:, 0]], vectors[at[:, 1]]).numpy()
        scores = cosine + chance.standard_normal(n)
        pairs = [(words[a], words[b], s) for (a, b), s in zip(at, scores, strict=True)]
        found = correlate(vectors, words, pairs)
        assert found["interval"][0] < found["correlation"] < found["interval"][1]
        return found["interval"][1] - found["interval"][0]

    few, many = interval(50), interval(1000)
    assert many < few / 3
    assert many == pytest.approx(4 / 1000**0.5, rel=0.3)  # about two deviations each way


def test_counting_is_positive_pointwise_mutual_information(text):
    rows, window = text.data, 5
    counts = np.zeros((6, 6))
    for row in rows:
        for i, a in enumerate(row):
            for j, b in enumerate(row):
                counts[a, b] += 0 < abs(i - j) <= window
    share = counts / counts.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        pmi = np.log(share / np.outer(share.sum(1), share.sum(0)))
    ppmi = np.where(counts > 0, np.maximum(pmi, 0), 0)
    _, sigma, _ = np.linalg.svd(ppmi)
    found = ppmi_svd(torch.from_numpy(rows), 6, 4)
    np.testing.assert_allclose(
        found.square().sum(0), sigma[:4], atol=1e-4
    )  # u sqrt(s): norms are s
    cosine = torch.cosine_similarity
    assert cosine(found[1], found[2], dim=0) > 0.9 > cosine(found[1], found[3], dim=0)


def test_counting_leaves_the_random_generator_alone(text):
    random = torch.get_rng_state()
    ppmi_svd(torch.from_numpy(text.data), 6, 3)
    assert torch.equal(torch.get_rng_state(), random)


def test_lists_are_read_where_gensim_keeps_them(lists):
    pairs = read_pairs("wordsim353.tsv")
    assert pairs[0] == ("cat", "dog", 9.5)
    assert len(pairs) == 6
    assert len(read_pairs("simlex999.txt")) == 3


def test_without_the_lists_it_says_where_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "gensim", raising=False)
    monkeypatch.delenv("UNLABELED_DATA", raising=False)
    with pytest.raises(MachineError, match="pip install gensim"):
        read_pairs("wordsim353.tsv")


def test_good_vectors_agree_with_people_and_random_ones_need_not(lists, text):
    encoder = Words(6, dim=4, size=8)
    beasts, wheels = [[1, 0, 0, 0.1], [1, 0, 0, -0.1]], [[0, 1, 0, 0.1], [0, 1, 0, -0.2]]
    people = [[0, 0, 0, 0], *beasts, *wheels, [0, 0, 1, 0]]
    with torch.no_grad():
        encoder.table.weight.copy_(torch.tensor(people, dtype=torch.float))
    found = evaluate_words(encoder, WORDS, text)
    scores = found["scores"]
    assert set(scores) == {"encoder", "untrained", "PPMI-SVD"}
    assert scores["encoder"]["WordSim-353"]["correlation"] > 0.6
    assert scores["PPMI-SVD"]["WordSim-353"]["correlation"] > 0.6
    assert scores["encoder"]["WordSim-353"]["pairs"] == 5
    assert table(found)[1][1].endswith("n=5")


def test_a_text_without_the_words_is_said(text, lists):
    with pytest.raises(DataError, match="0 of 6 pairs"):
        evaluate_words(Words(6, dim=4, size=8), ("", "a", "b", "c", "d", "e"), text)
