"""The contrastive losses against their papers' formulas, and in closed form."""

from __future__ import annotations

import math

import pytest
import torch

from unlabeled.losses import barlow_twins, byol_distance, info_nce, nt_xent, standardize

EXACT = {"rtol": 0, "atol": 1e-10}


def pair(n=6, d=4):
    chance = torch.Generator().manual_seed(0)
    return [torch.randn(n, d, dtype=torch.float64, generator=chance) for _ in range(2)]


def agree(ours, naive, inputs):
    a_in = [x.clone().requires_grad_() for x in inputs]
    b_in = [x.clone().requires_grad_() for x in inputs]
    a, b = ours(*a_in), naive(*b_in)
    torch.testing.assert_close(a, b, **EXACT)
    a.sum().backward()
    b.sum().backward()
    for x, y in zip(a_in, b_in, strict=True):
        torch.testing.assert_close(x.grad, y.grad, **EXACT)


def cosine(a, b):
    return (a * b).sum() / ((a * a).sum().sqrt() * (b * b).sum().sqrt())


# ---- NT-Xent (Chen et al. 2020, eq. 1) ----------------------------------------------------


def naive_nt_xent(z1, z2, temperature):
    """l(i, j) = -log exp(s_ij / t) / sum over k != i of exp(s_ik / t), mean of both views."""
    z, n = [*z1, *z2], len(z1)

    def loss(i, j):
        others = sum((cosine(z[i], z[k]) / temperature).exp() for k in range(2 * n) if k != i)
        return others.log() - cosine(z[i], z[j]) / temperature

    return torch.stack([(loss(i, i + n) + loss(i + n, i)) / 2 for i in range(n)])


@pytest.mark.parametrize("temperature", [0.07, 0.5, 1.0])
def test_nt_xent(temperature):
    agree(
        lambda a, b: nt_xent(a, b, temperature=temperature),
        lambda a, b: naive_nt_xent(a, b, temperature),
        pair(),
    )


def test_nt_xent_of_two_orthogonal_pairs():
    z = torch.eye(2, dtype=torch.float64)
    expected = torch.full((2,), math.log(1 + 2 * math.exp(-2)), dtype=torch.float64)
    torch.testing.assert_close(nt_xent(z, z, temperature=0.5), expected, **EXACT)
    assert expected[0].item() == pytest.approx(0.239545, abs=5e-7)


@pytest.mark.parametrize(("n", "loss"), [(2, 1.098612), (256, 6.236370)])
def test_nt_xent_of_a_collapsed_encoder(n, loss):
    z = torch.ones(n, 8)
    energy = nt_xent(z, z, temperature=0.1)
    torch.testing.assert_close(energy, torch.full((n,), loss), rtol=0, atol=2e-5)
    assert math.log(2 * n - 1) == pytest.approx(loss, abs=5e-7)


def test_nt_xent_does_not_care_which_view_is_which_nor_for_scale():
    a, b = pair()
    loss = nt_xent(a, b, temperature=0.2)
    torch.testing.assert_close(nt_xent(b, a, temperature=0.2), loss, **EXACT)
    torch.testing.assert_close(nt_xent(7 * a, b / 3, temperature=0.2), loss, **EXACT)


# ---- InfoNCE (van den Oord et al. 2018, eq. 4) --------------------------------------------


def test_info_nce():
    def naive(query, key):
        rows = []
        for i, q in enumerate(query):
            scores = [(q * k).sum() / 0.3 for k in key]
            rows.append(-(scores[i].exp() / sum(s.exp() for s in scores)).log())
        return torch.stack(rows)

    agree(lambda q, k: info_nce(q, k, temperature=0.3), naive, pair())


def test_info_nce_of_nothing_and_of_everything():
    query = torch.randn(16, 3, dtype=torch.float64)
    energy = info_nce(query, torch.ones(16, 3, dtype=torch.float64))
    torch.testing.assert_close(
        energy, torch.full((16,), math.log(16), dtype=torch.float64), **EXACT
    )
    perfect = 50 * torch.eye(16, dtype=torch.float64)
    assert info_nce(perfect, perfect).max() < 1e-12


def test_info_nce_bounds_mutual_information_by_the_logarithm_of_the_batch():
    """ln N - loss <= ln N whatever the scores, since an energy is never negative."""
    query, key = pair(32, 8)
    for scale in (0.1, 1, 10, 100):
        assert info_nce(scale * query, key).min() >= 0


def test_clip_is_info_nce_both_ways():
    """Radford et al. 2021, fig. 3: perfect pairs of two at the scale 1 / 0.07 cost 6.25e-7."""
    z = torch.eye(2, dtype=torch.float64)
    both = (info_nce(z, z, temperature=0.07) + info_nce(z, z, temperature=0.07)) / 2
    assert both.mean().item() == pytest.approx(6.25e-7, rel=1e-3)


# ---- Barlow Twins (Zbontar et al. 2021, eq. 1 and 2) --------------------------------------


def naive_barlow(z1, z2, weight):
    n, d = z1.shape
    a, b = ([(z[:, i] - z[:, i].mean()) for i in range(d)] for z in (z1, z2))
    loss = torch.zeros((), dtype=torch.float64)
    for i in range(d):
        for j in range(d):
            spread = ((a[i] ** 2).sum() + n * 1e-5).sqrt() * ((b[j] ** 2).sum() + n * 1e-5).sqrt()
            c = (a[i] * b[j]).sum() / spread
            loss = loss + ((1 - c) ** 2 if i == j else weight * c**2)
    return loss


def test_barlow_twins():
    agree(
        lambda a, b: barlow_twins(a, b, off_diagonal=0.0051),
        lambda a, b: naive_barlow(a, b, 0.0051),
        pair(8, 5),
    )


def test_barlow_twins_in_closed_form():
    design = torch.tensor([[1.0, 1], [1, -1], [-1, 1], [-1, -1]], dtype=torch.float64)
    assert barlow_twins(design, design).item() == pytest.approx(0, abs=1e-9)
    redundant = design[:, :1].expand(4, 4)
    assert barlow_twins(redundant, redundant).item() == pytest.approx(0.0051 * 12, abs=1e-4)
    constant = torch.ones(4, 7, dtype=torch.float64)
    assert barlow_twins(constant, constant).item() == 7


def test_barlow_twins_does_not_care_for_scale_and_place_of_a_dimension():
    a, b = pair(16, 3)
    scale, place = torch.tensor([2.0, 5.0, 30.0]), torch.tensor([1.0, -4.0, 9.0])
    moved = barlow_twins(a * scale + place, b)
    torch.testing.assert_close(moved, barlow_twins(a, b), rtol=0, atol=1e-4)


def test_standardize():
    z = standardize(pair(64, 5)[0] * 9 + 4, eps=0.0)
    torch.testing.assert_close(z.mean(0), torch.zeros(5).double(), **EXACT)
    torch.testing.assert_close(z.square().mean(0), torch.ones(5).double(), **EXACT)


# ---- BYOL (Grill et al. 2020, eq. 2) ------------------------------------------------------


def test_byol_distance():
    def naive(p, t):
        unit = lambda x: x / (x * x).sum().sqrt()
        return torch.stack([((unit(a) - unit(b)) ** 2).sum() for a, b in zip(p, t, strict=True)])

    agree(byol_distance, naive, pair())


@pytest.mark.parametrize(
    ("target", "distance"), [((3.0, 0.0), 0.0), ((0.0, 0.1), 2.0), ((-9.0, 0.0), 4.0)]
)
def test_byol_distance_alike_orthogonal_and_opposite(target, distance):
    prediction = torch.tensor([[2.0, 0.0]])
    assert byol_distance(prediction, torch.tensor([target])).item() == pytest.approx(distance)
