import importlib

import numpy as np
import pytest
import torch

from unlabeled.evaluate.retrieval import retrieval

module = importlib.import_module("unlabeled.evaluate.retrieval")


def written_down(queries, labels, bank, bank_labels, alone):
    """Manning et al. 2008, sec. 8.4, query by query in float64."""
    unit = lambda a: a / np.linalg.norm(a, axis=1, keepdims=True)
    cosine = unit(queries.astype(np.float64)) @ unit(bank.astype(np.float64)).T
    precisions, first = [], []
    for i, row in enumerate(cosine):
        order = [j for j in np.argsort(-row) if not (alone and i == j)]
        hits = [bank_labels[j] == labels[i] for j in order]
        if any(hits):
            precisions.append(
                np.mean([sum(hits[: k + 1]) / (k + 1) for k, hit in enumerate(hits) if hit])
            )
            first.append(hits.index(True))
    recall = {f"recall@{k}": 100 * np.mean([f < k for f in first]) for k in (1, 5, 10)}
    return {**recall, "mAP": 100 * np.mean(precisions)}


def clouds(n, seed=0):
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, 6, n)
    x = np.random.default_rng(9).standard_normal((6, 7))[labels] + 2 * chance.standard_normal(
        (n, 7)
    )
    return x.astype(np.float32), labels


@pytest.mark.parametrize("scores", [2**24, 500])
def test_retrieval_is_the_formula(scores, monkeypatch):
    monkeypatch.setattr(module, "SCORES", scores)
    (x, labels), (bank, theirs) = clouds(80), clouds(130, seed=1)
    labels[0] = 17  # a class that nobody else has
    tensors = [torch.from_numpy(part) for part in (x, labels, bank, theirs)]
    assert retrieval(*tensors[:2]) == pytest.approx(
        written_down(x, labels, x, labels, True), rel=1e-5
    )
    expected = written_down(x, labels, bank, theirs, False)
    assert retrieval(*tensors) == pytest.approx(expected, rel=1e-5)


def test_the_query_is_never_its_own_hit():
    x = torch.eye(4).repeat(2, 1)  # each one has a twin
    assert retrieval(x, torch.arange(8))["recall@10"] == 0  # of another class
    assert retrieval(x, torch.arange(8) % 4) == {
        "recall@1": 100, "recall@5": 100, "recall@10": 100, "mAP": 100
    }  # fmt: skip


def test_one_vector_for_all_finds_nothing():
    x, labels = torch.ones(100, 4), torch.arange(100) % 2
    found = retrieval(x, labels)
    assert found["recall@1"] == 0  # ties count against, or a collapsed encoder would be perfect
    assert found["mAP"] < 50


def test_chance_is_the_share_of_the_class():
    chance = torch.Generator().manual_seed(0)
    labels = torch.arange(1000) % 4
    found = retrieval(torch.randn(1000, 16, generator=chance), labels)
    assert found["recall@1"] == pytest.approx(25, abs=4)
    assert found["recall@5"] == pytest.approx(100 * (1 - 0.75**5), abs=4)
    assert found["mAP"] == pytest.approx(25, abs=2)
