import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats

from unlabeled.data import named
from unlabeled.data.store import Store
from unlabeled.encoders import Shape, Words
from unlabeled.errors import DataError, MachineError
from unlabeled.evaluate import evaluate_words, table
from unlabeled.evaluate.judge import digest
from unlabeled.evaluate.words import (
    analogies,
    correlate,
    part_of_speech,
    ppmi_svd,
    read_analogies,
    read_pairs,
    read_parts_of_speech,
    spearman,
)

WORDS = ("", "cat", "dog", "car", "bus", "of")


@pytest.fixture
def lists(tmp_path, monkeypatch):
    """A package that carries the lists where gensim does."""
    folder = tmp_path / "gensim" / "test" / "test_data"
    folder.mkdir(parents=True)
    (tmp_path / "gensim" / "__init__.py").write_text("raise ImportError('no need to import it')")
    (tmp_path / "gensim-4.4.0.dist-info").mkdir()
    (tmp_path / "gensim-4.4.0.dist-info" / "METADATA").write_text("Name: gensim\nVersion: 4.4.0\n")
    (folder / "wordsim353.tsv").write_text(
        "# about\n# Word 1\tWord 2\tHuman (mean)\ncat\tDog\t9.5\ncar\tbus\t8.0\ncat\tcar\t1.0\n"
        "dog\tbus\t1.5\nof\tcat\t0.5\nzebra\tcat\t7.0\n"
    )
    (folder / "simlex999.txt").write_text(
        "# Word 1\tWord 2\tHuman (mean)\ncat\tdog\t8\ncar\tdog\t1\nbus\tcar\t7\n"
    )
    sections = ["animals", "capitals", "currency", "city", "family", "gram1-plural", "gram2"]
    (folder / "questions-words.txt").write_text(
        "".join(f": {name}\nCat Dog Car Bus\ncat {name} car bus\n" for name in sections)
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(named, "WORDNET", tmp_path / "nowhere")
    monkeypatch.delenv("UNLABELED_DATA", raising=False)
    monkeypatch.delitem(sys.modules, "gensim", raising=False)


@pytest.fixture
def wordnet(lists, tmp_path, monkeypatch):
    """Two hundred words that are one part of speech, and one that is two, in WordNet's format."""
    monkeypatch.setattr(named, "WORDNET", tmp_path)
    kinds = {"adj": 20, "adv": 20, "noun": 100, "verb": 60}
    for kind, n in kinds.items():
        entries = [f"{kind}{i} {kind[0]} 1 0 1 0 00001740  " for i in range(n)]
        more = ["run x 1 0 1 0 00001740  "] if kind in ("noun", "verb") else []
        head = "  1 This software is licensed  "
        (tmp_path / f"index.{kind}").write_text("\n".join([head, *entries, *more]) + "\n")
    return ("<pad>", "run", "the", *(f"{kind}{i}" for kind, n in kinds.items() for i in range(n)))


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


def test_an_analogy_is_solved_where_the_answer_is_nearest_to_the_sum():
    """Levy & Goldberg 2014, eq. 3, in plain loops, and one that is solved by construction."""
    chance = np.random.default_rng(0)
    vectors = chance.standard_normal((40, 3))
    words = ["<pad>", *(f"w{i}" for i in range(1, 40))]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    asked, right = [], 0
    for _ in range(600):  # more than one batch
        a, b, c, d = chance.choice(np.arange(1, 40), 4, replace=False)
        others = [x for x in range(1, 40) if x not in (a, b, c)]
        cosine = [unit[x] @ unit[b] - unit[x] @ unit[a] + unit[x] @ unit[c] for x in others]
        best = others[int(np.argmax(cosine))]
        d = best if chance.random() < 0.5 else d
        asked.append([words[i] for i in (a, b, c, d)])
        right += best == d
    found = analogies(torch.from_numpy(vectors), words, {"semantic": asked})["semantic"]
    assert found == {"accuracy": pytest.approx(100 * right / 600), "n": 600, "all": 600}
    assert 250 < right < 400


def test_inputs_are_no_answers_and_unknown_words_no_questions():
    """Man is to woman as king to queen; without the exclusion the answer would be king."""
    words = ["<pad>", "man", "woman", "king", "queen", "apple"]
    vectors = torch.tensor(
        [[9.0, 0, 0], [1, 0.2, 0], [1, 0.3, 0], [0, 0.3, 1], [0, 0.9, 1], [0, -1, 0]]
    )
    one = ["man", "woman", "king", "queen"]
    with_pad = F.normalize(vectors, dim=1)
    target = with_pad[2] - with_pad[1] + with_pad[3]
    assert (with_pad[1:] @ target).argmax() == 2  # king itself is the nearest
    questions = {
        "semantic": [one, ["man", "woman", "prince", "princess"]],
        "syntactic": [["man", "woman", "king", "king"], ["man", "woman", "man", "woman"]],
        "lost": [["a", "b", "c", "d"]],
    }
    assert analogies(vectors, words, questions) == {
        "semantic": {"accuracy": 100, "n": 1, "all": 2},
        "syntactic": {"accuracy": 0, "n": 2, "all": 2},
    }
    assert analogies(torch.ones(6, 3), words, {"x": [one]})["x"]["accuracy"] == 0  # ties are lost


def test_analogies_are_read_by_kind(lists):
    found = read_analogies()
    assert {kind: len(asked) for kind, asked in found.items()} == {"semantic": 10, "syntactic": 4}
    assert found["semantic"][0] == ["cat", "dog", "car", "bus"]
    assert found["syntactic"][1] == ["cat", "gram1-plural", "car", "bus"]


def test_words_of_two_parts_of_speech_are_not_asked(wordnet):
    found = read_parts_of_speech(wordnet)
    assert len(found) == 200
    assert [found[wordnet.index(word)] for word in ("adj3", "adv3", "noun3", "verb3")] == [
        0, 1, 2, 3,
    ]  # fmt: skip
    assert not {0, wordnet.index("run"), wordnet.index("the")} & set(found)
    with pytest.raises(DataError, match="knows 97 of the words, and 100 are needed"):
        read_parts_of_speech(wordnet[:100])


def test_the_probe_names_held_out_words_where_their_place_tells():
    chance = torch.Generator().manual_seed(0)
    labels = [i % 4 if i % 3 else 2 for i in range(400)]
    kinds = {i + 1: label for i, label in enumerate(labels)}
    noise = torch.randn(401, 8, generator=chance)
    told = noise.clone()
    told[1:, :4] += 5 * torch.eye(4)[labels]
    tables = told, noise, torch.zeros(401, 1)
    clear, dark, flat = (part_of_speech(x, kinds)["accuracy"] for x in tables)
    assert part_of_speech(told, kinds)["n"] == 80
    assert clear > 95
    assert flat == pytest.approx(100 * labels.count(2) / 400, abs=1)
    assert dark < flat + 10
    by_heart = part_of_speech(torch.eye(401), {i + 1: i % 4 for i in range(400)})
    assert by_heart["accuracy"] == 25  # nothing to learn but the words that taught it


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
    assert scores["encoder"]["semantic analogies"] == {"accuracy": 100, "n": 5, "all": 10}
    assert table(found)[1][4] == "100.0 n=2"
    assert "part of speech" not in scores["encoder"]
    assert "parts of speech are left out: WordNet is not on this machine" in found["notes"][0]
    assert found["protocol"] == digest(found["settings"])
    assert found["seconds"] > 0


def test_parts_of_speech_are_judged_beside_the_majority(wordnet):
    words = (*WORDS[:5], *wordnet[1:])
    rows = np.random.default_rng(0).integers(1, len(words), (500, 8)).astype(np.int32)
    store = Store(rows, Shape("text", 1, 8, len(words)), [str(i) for i in range(500)], words=words)
    found = evaluate_words(Words(len(words), dim=4, size=8), words, store)
    assert not found["notes"]
    scores = found["scores"]
    assert all("part of speech" in columns for columns in scores.values())
    assert set(scores["majority"]) == {"part of speech"}
    nouns = scores["majority"]["part of speech"]
    assert (nouns["accuracy"], nouns["n"], nouns["all"]) == (50, 40, 200)
    assert table(found)[4] == ["majority", "–", "–", "–", "–", "50.0 n=40"]


def test_a_text_without_the_words_is_said(text, lists):
    with pytest.raises(DataError, match="0 of 6 pairs"):
        evaluate_words(Words(6, dim=4, size=8), ("", "a", "b", "c", "d", "e"), text)
