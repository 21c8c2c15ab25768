"""Word2vec: the loss of its paper, and the factorisation that it is."""

from __future__ import annotations

import math

import pytest
import torch

from unlabeled.encoders import Words
from unlabeled.methods.prediction.word2vec import Word2Vec
from unlabeled.views import Batch

VOCABULARY = 12


def method(**given):
    torch.manual_seed(0)
    made = Word2Vec(Words(VOCABULARY, dim=6, size=10), **given)
    with torch.no_grad():
        made.context.weight.normal_()
        made.encoder.table.weight.normal_()
    return made


def batch(b=5):
    chance = torch.Generator().manual_seed(0)
    return Batch(torch.randint(0, VOCABULARY, (b, 10), generator=chance), torch.arange(b))


def test_the_loss_is_negative_sampling():
    """Mikolov et al. 2013, eq. 4: -ln s(v'_o v_c) - sum of ln s(-v'_k v_c), a mean over all pairs.

    The sum over k chance words is k times the mean over those of the row.
    """
    w2v = method(negatives=3, shared=4, threshold=1.0).double()
    tokens, near, noise = w2v.views(batch())
    v, u = w2v.encoder.table.weight, w2v.context.weight
    sigmoid = lambda x: 1 / (1 + (-x).exp())
    rows, pairs = [], 0
    for words, meets, chance in zip(tokens, near, noise, strict=True):
        total = torch.zeros((), dtype=torch.float64)
        for i, j in meets.nonzero().tolist():
            c, o = words[i], words[j]
            pairs += 1
            total = total - sigmoid(v[c] @ u[o]).log()
            total = total - sum(sigmoid(-(v[c] @ u[k])).log() for k in chance if k != o) * 3 / 4
        rows.append(total)
    assert pairs > 50
    expected = torch.stack(rows) * len(tokens) / pairs
    torch.testing.assert_close(w2v.loss(tokens, near, noise), expected, rtol=0, atol=1e-10)


def test_zero_vectors_lose_k_plus_one_ln_2():
    w2v = method(negatives=5, threshold=1.0)
    with torch.no_grad():
        w2v.context.weight.zero_()
    tokens, near, noise = w2v.views(batch(50))
    clear = torch.full_like(noise, VOCABULARY)  # no chance word is a neighbour
    w2v.context = torch.nn.Embedding(VOCABULARY + 1, 6)
    torch.nn.init.zeros_(w2v.context.weight)
    assert w2v(tokens, near, clear)[0].item() == pytest.approx(6 * math.log(2), abs=1e-5)
    assert 6 * math.log(2) == pytest.approx(4.15888, abs=5e-6)
    found = w2v.learned_nothing(tokens, near, noise)
    assert w2v(tokens, near, noise)[0].item() == pytest.approx(found, abs=1e-5)
    assert found < 6 * math.log(2) - 0.01


def test_it_starts_with_context_vectors_at_zero():
    assert (Word2Vec(Words(9)).context.weight == 0).all()


def test_it_counts_the_words_and_not_the_padding():
    w2v = method()
    w2v.prepare(torch.tensor([[3, 3, 0], [5, 0, 0]], dtype=torch.int32))
    assert w2v.counts.tolist() == [0, 0, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0]


def test_the_padding_learns_nothing():
    w2v = method()
    w2v(*w2v.views(batch()))[0].backward()
    assert w2v.encoder.table.weight.grad[0].abs().max() == 0
    assert w2v.context.weight.grad[0].abs().max() == 0


def test_a_text_without_pairs_has_no_energy():
    w2v = method(threshold=1.0)
    tokens = torch.tensor([[3, 0, 0, 0, 0, 0, 0, 0, 0, 0], [4, 5, 6, 0, 0, 0, 0, 0, 0, 0]])
    views = w2v.views(Batch(tokens, torch.arange(2)))
    energy = w2v.energy(*views, samples=2)
    assert energy[0] == 0
    assert energy[1] > 0


def test_its_optimum_is_the_shifted_pointwise_mutual_information():
    """Levy & Goldberg 2014, eq. 9, where noise follows the counts: v u = PMI - ln k.

    Two words a text; the vectors have room for every value; k chance words for every pair.
    """
    chance = torch.Generator().manual_seed(1)
    v, k = 4, 2
    weights = torch.rand(v, v, generator=chance) + 0.2
    weights = weights + weights.T
    drawn = torch.multinomial(weights.flatten(), 6000, replacement=True, generator=chance)
    tokens = torch.stack([drawn // v, drawn % v], 1) + 1
    torch.manual_seed(0)
    w2v = Word2Vec(Words(v + 1, dim=8, size=2), window=1, negatives=k, power=1.0, threshold=1e6)
    w2v.prepare(tokens)
    optimizer = torch.optim.Adam(w2v.parameters(), lr=0.05)
    for epoch in range(150):
        views = w2v.views(Batch(tokens, torch.arange(len(tokens)), epoch=epoch))
        optimizer.zero_grad()
        w2v(*views)[0].backward()
        optimizer.step()
        for group in optimizer.param_groups:
            group["lr"] *= 0.98
    pairs = torch.zeros(v + 1, v + 1)
    pairs.index_put_((tokens[:, 0], tokens[:, 1]), torch.ones(len(tokens)), accumulate=True)
    pairs = (pairs + pairs.T)[1:, 1:]
    joint, single = pairs / pairs.sum(), pairs.sum(1) / pairs.sum()
    # a chance word that is the neighbour is left out, so the noise of a pair (c, o) is a little less
    expected_noise = k * (single[:, None] * single[None]) * (1 - joint / single[:, None])
    expected = (joint / expected_noise).log()
    found = (w2v.encoder.table.weight @ w2v.context.weight.T)[1:, 1:].detach()
    torch.testing.assert_close(found, expected, rtol=0, atol=0.12)
