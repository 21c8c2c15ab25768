import importlib

import numpy as np
import pytest
import torch

from unlabeled.evaluate.knn import BLOCK, knn, largest, nearest
from unlabeled.evaluate.protocols import Features, _knn

module = importlib.import_module("unlabeled.evaluate.knn")


def reference(bank, labels, queries, k, temperature, classes):
    """Wu et al. 2018, sec. 3.4, in float64, one query at a time."""
    unit = lambda a: a / np.linalg.norm(a, axis=1, keepdims=True)
    cosine = unit(queries.astype(np.float64)) @ unit(bank.astype(np.float64)).T
    guesses = []
    for row in cosine:
        votes = np.zeros(classes)
        for i in np.argsort(-row)[:k]:
            votes[labels[i]] += np.exp(row[i] / temperature)
        guesses.append(votes.argmax())
    return np.array(guesses), np.argsort(-cosine, axis=1)[:, :k]


@pytest.mark.parametrize(
    ("n", "k"), [(500, 5), (1000, 20), (997, 60), (1000, 200), (40, 20), (30, 200), (1, 1)]
)
def test_knn_is_the_formula(n, k):
    chance = np.random.default_rng(n + k)
    bank, queries = chance.standard_normal((n, 12)), chance.standard_normal((50, 12))
    labels = chance.integers(0, 5, n)
    guess, index = knn(
        torch.from_numpy(bank).float(),
        torch.from_numpy(labels),
        torch.from_numpy(queries).float(),
        k=k,
        classes=5,
    )
    expected, rows = reference(bank, labels, queries, k, 0.07, 5)
    assert np.array_equal(guess, expected)
    assert np.array_equal(index, rows)


def test_a_strip_of_queries_at_a_time_gives_the_same(monkeypatch):
    bank, queries = torch.randn(700, 8), torch.randn(100, 8)
    whole = nearest(bank, queries, 10)
    monkeypatch.setattr(module, "SCORES", 3 * 720)
    strips = nearest(bank, queries, 10)
    assert torch.equal(whole[1], strips[1])
    np.testing.assert_allclose(whole[0], strips[0], atol=1e-6)


@pytest.fixture
def screening(monkeypatch):
    """Every bank is screened, on every processor; how many queries asked the whole bank."""
    asked, searched = [], module._searched

    def search(bank, strips, k):
        asked.extend(map(len, strips))
        return searched(bank, strips, k)

    monkeypatch.setattr(module, "fast_bfloat16", lambda device: True)
    monkeypatch.setattr(module, "LARGE", 1)
    monkeypatch.setattr(module, "_searched", search)
    return asked


@pytest.mark.parametrize("k", [1, 20, 200])
@pytest.mark.parametrize("common", [0.0, 30.0])
def test_screening_misses_nobody(screening, k, common):
    chance = np.random.default_rng(k)
    centres = chance.standard_normal((20, 64)) + common
    draw = lambda n: centres[chance.integers(20, size=n)] + chance.standard_normal((n, 64))
    bank, queries = draw(4000), draw(100)
    cosine, index = nearest(*(torch.from_numpy(x).float() for x in (bank, queries)), k)
    unit = lambda a: a / np.linalg.norm(a, axis=1, keepdims=True)
    exact = unit(queries) @ unit(bank).T
    np.testing.assert_allclose(cosine, -np.sort(-exact, axis=1)[:, :k], atol=2e-6)
    np.testing.assert_allclose(np.take_along_axis(exact, index.numpy(), 1), cosine, atol=2e-6)
    assert sum(screening) <= 10  # nearly all were answered by what was measured


def test_only_single_precision_is_screened(screening):
    bank = torch.randn(200, 8, dtype=torch.float64)
    exact = torch.nn.functional.normalize(bank, dim=1)
    cosine, _ = nearest(bank, bank[:3], 4)
    np.testing.assert_allclose(cosine, (exact[:3] @ exact.T).topk(4).values, atol=1e-12)
    assert screening == [3]


def test_what_rough_scores_cannot_tell_apart_is_searched(screening):
    """In each direction two hundred that differ by less than bfloat16 can say."""
    chance = np.random.default_rng(0)
    ways = np.repeat(np.eye(16), 200, 0)
    bank = torch.from_numpy(ways + 1e-2 * chance.standard_normal(ways.shape))
    cosine, _ = nearest(bank.float(), torch.eye(16), 5)
    exact = torch.nn.functional.normalize(bank, dim=1).T.topk(5).values
    np.testing.assert_allclose(cosine, exact, atol=1e-6)
    assert screening == [16]


@pytest.mark.parametrize("k", [1, 7, 39, 40])
def test_the_largest_are_found_also_where_they_share_a_block_or_are_equal(k):
    scores = torch.rand(20, 40 * BLOCK)
    scores[:, :: len(scores[0]) // BLOCK] += 2  # a whole block holds the largest
    scores[0] = 1.0
    value, index = largest(scores, k)
    assert torch.equal(value, scores.topk(k).values)
    assert torch.equal(scores.gather(1, index), value)
    assert all(len(set(row.tolist())) == k for row in index)


def test_near_neighbours_outvote_many_far_ones_only_at_a_low_temperature():
    bank = torch.tensor([[1.0, 0.0], [0.5, 1.0], [0.5, 1.0]])
    labels, query = torch.tensor([0, 1, 1]), torch.tensor([[1.0, 0.1]])
    near, _ = knn(bank, labels, query, k=3, temperature=0.07, classes=2)
    flat, _ = knn(bank, labels, query, k=3, temperature=1e6, classes=2)
    assert int(near) == 0
    assert int(flat) == 1


def test_all_neighbours_at_a_high_temperature_vote_for_the_commonest_class():
    labels = torch.tensor([0] * 40 + [1] * 60)
    guess, _ = knn(
        torch.randn(100, 4), labels, torch.randn(30, 4), k=100, temperature=1e6, classes=2
    )
    assert guess.tolist() == [1] * 30


def test_a_low_temperature_does_not_overflow():
    bank = torch.eye(3)
    guess, _ = knn(bank, torch.arange(3), bank, k=2, temperature=1e-4, classes=3)
    assert guess.tolist() == [0, 1, 2]


def test_lengths_of_vectors_do_not_matter():
    bank, queries, labels = torch.randn(90, 6), torch.randn(20, 6), torch.arange(90) % 3
    lengths = torch.rand(90, 1) * 100 + 0.01
    one = knn(bank, labels, queries, k=9, classes=3)
    other = knn(bank * lengths, labels, queries * 7, k=9, classes=3)
    assert torch.equal(one[0], other[0])
    assert torch.equal(one[1], other[1])


def test_every_vote_that_others_report_is_told_from_one_search():
    chance = np.random.default_rng(3)
    labels, truth = chance.integers(0, 4, 600), chance.integers(0, 4, 120)
    centres = chance.standard_normal((4, 8))
    bank = (centres[labels] + 1.5 * chance.standard_normal((600, 8))).astype(np.float32)
    queries = (centres[truth] + 1.5 * chance.standard_normal((120, 8))).astype(np.float32)
    found = _knn(Features((bank, labels), (queries, truth)), {"classes": 4}, torch.device("cpu"))
    votes = found["kNN"]
    asked = {"k=10": (10, 0.07), "k=20": (20, 0.07), "k=100": (100, 0.07), "k=200": (200, 0.07)}
    for name, (k, t) in {**asked, "k=200, T=0.1": (200, 0.1)}.items():
        guess, _ = reference(bank, labels, queries, k, t, 4)
        assert votes[name] == pytest.approx(100 * (guess == truth).mean()), name
    assert votes["accuracy"] == votes["k=20"]
    assert len(set(votes.values())) > 3  # they tell different things
