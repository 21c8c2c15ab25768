"""CPC: the past predicts the future, never the other way, with a map for every distance."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from unlabeled.encoders import Patches, Series
from unlabeled.methods.prediction.cpc import CPC
from unlabeled.views import Batch


def method(encoder=None, **given):
    torch.manual_seed(0)
    return CPC(encoder or Patches(1, 32, dim=32), **given)


def images(b=4):
    return torch.rand(b, 1, 32, 32, generator=torch.Generator().manual_seed(0))


def test_the_loss_is_info_nce_for_every_distance():
    """van den Oord et al. 2018, eq. 3 and 4, in plain loops: s_k = z_{t+k} W_k c_t."""
    cpc = method(ahead=2, skip=1).double().eval()
    x = images(2).double()
    with torch.no_grad():
        z = cpc.encoder.codes(x)  # (b, rows, columns, dim)
        c = cpc.context(z)
        b, rows, columns, _ = z.shape
        distances = []
        for k in (2, 3):
            w = cpc.guess[str(k)].weight
            places = [(i, r, j) for i in range(b) for r in range(rows - k) for j in range(columns)]
            energy = torch.zeros(b, dtype=torch.float64)
            for i, r, j in places:
                scores = torch.stack([z[m, q + k, n] @ w @ c[i, r, j] for m, q, n in places])
                right = z[i, r + k, j] @ w @ c[i, r, j]
                energy[i] += (scores.logsumexp(0) - right) / (len(places) / b)
            distances.append(energy)
        expected = torch.stack(distances).mean(0)
        torch.testing.assert_close(cpc.loss(x), expected, rtol=0, atol=1e-10)


def test_a_summary_does_not_see_the_next_row():
    cpc = method().eval()
    x = images(1)
    with torch.no_grad():
        before = cpc.context(cpc.encoder.codes(x))
        for row in range(1, 7):
            changed = x.clone()
            changed[:, :, 4 * row + 4 :] = 0.5  # all below the rows that patches 0 .. row - 1 see
            after = cpc.context(cpc.encoder.codes(changed))
            moved = (after - before).abs().amax((0, 2, 3)) > 1e-6
            assert not moved[:row].any(), row
            assert moved[row:].all(), row


def test_distances_begin_beyond_the_overlap_and_have_a_map_each():
    cpc = method(ahead=3, skip=1)
    assert list(cpc.guess) == ["2", "3", "4"]
    weights = [guess.weight for guess in cpc.guess.values()]
    assert all(not torch.equal(a, b) for a, b in itertools.pairwise(weights))
    assert all(guess.bias is None for guess in cpc.guess.values())


def test_distances_that_do_not_fit_are_left_out():
    cpc = method(ahead=9, skip=0)
    codes = cpc.encoder.codes(images(1))
    assert [k for k, _ in cpc.reachable(codes)] == [1, 2, 3, 4, 5, 6]
    cpc.loss(images())


def test_equal_codes_lose_the_logarithm_of_all_candidates():
    cpc = method(ahead=2, skip=1)
    expected = (math.log(4 * 5 * 7) + math.log(4 * 4 * 7)) / 2
    assert cpc.learned_nothing(images()) == pytest.approx(expected)
    with torch.no_grad():
        for p in cpc.encoder.parameters():
            p.fill_(1.0 if p.ndim < 2 else 0.0)
        assert cpc(images())[0].item() == pytest.approx(expected, abs=1e-4)


def test_a_series_is_predicted_too():
    cpc = method(Series(2, 64, dim=32), ahead=2)
    data = torch.randn(5, 2, 64, generator=torch.Generator().manual_seed(0))
    (x,) = cpc.views(Batch(data, torch.arange(5)))
    assert x.shape == (5, 2, 64)
    assert cpc.loss(x).shape == (5,)
    with torch.no_grad():
        codes = cpc.encoder.codes(x)
        assert codes.shape[2] == 1
        changed = codes.clone()
        changed[:, 8] += 1
        moved = (cpc.context(changed) - cpc.context(codes)).abs().amax((0, 2, 3)) > 1e-6
        assert not moved[:8].any()
        assert moved[8]


def test_a_series_with_structure_is_learned_and_noise_is_not():
    """A sine tells what comes next; white noise tells nothing, and its loss stays at ln N."""

    def loss_after(data):
        cpc = method(Series(1, 64, dim=32), ahead=2, skip=1).train()
        optimizer = torch.optim.Adam(cpc.parameters(), lr=3e-3)
        for step in range(40):
            part = torch.arange(16) + 16 * (step % 16)
            (x,) = cpc.views(Batch(data[part], part, epoch=step))
            optimizer.zero_grad()
            cpc(x)[0].backward()
            optimizer.step()
        (x,) = cpc.views(Batch(data[-64:], torch.arange(64)))
        with torch.no_grad():
            return cpc(x)[0].item(), cpc.learned_nothing(x)

    chance = torch.Generator().manual_seed(0)
    t = torch.arange(64.0)
    pace = 0.15 + 0.5 * torch.rand(320, 1, 1, generator=chance)
    phase = 6.28 * torch.rand(320, 1, 1, generator=chance)
    learned, nothing = loss_after((pace * t + phase).sin())
    assert learned < nothing - 0.5
    learned, nothing = loss_after(torch.randn(320, 1, 64, generator=chance))
    assert learned > nothing - 0.05
