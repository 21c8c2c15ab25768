import numpy as np
import pytest
import torch

from unlabeled.report.layout import affinities, forces, kept, lay_out, principal, tsne


def clusters(n: int = 40, groups: int = 4, dim: int = 16) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(0)
    centres = 3 * chance.standard_normal((groups, dim))
    group = np.arange(n * groups) % groups
    return (centres[group] + chance.standard_normal((n * groups, dim))).astype(np.float32), group


def test_forces_are_the_gradient_of_the_divergence():
    """van der Maaten & Hinton 2008, eq. 3 and 4: KL(P || Q) with Student t's Q, differentiated."""
    x = torch.randn(300, 5, generator=torch.Generator().manual_seed(0))
    p = affinities(x, 20)
    y = torch.randn(300, 2, generator=torch.Generator().manual_seed(1)) * 3
    at = y.double().requires_grad_()
    off = ~torch.eye(300, dtype=torch.bool)
    w = 1 / (1 + (at[:, None] - at[None]).square().sum(2)[off])
    q, p_off = w / w.sum(), p.double()[off]
    (torch.special.xlogy(p_off, p_off) - p_off * q.log()).sum().backward()
    pull, push = forces(p, y)
    assert at.grad is not None
    assert torch.allclose(4 * (pull - push).double(), at.grad, rtol=1e-3, atol=1e-6)


def test_affinities_are_symmetric_and_as_wide_as_asked():
    x = torch.from_numpy(clusters()[0])
    p = affinities(x, 12)
    assert torch.allclose(p, p.T)
    assert float(p.sum()) == pytest.approx(1, abs=1e-5)
    assert float(p.diagonal().sum()) == 0
    # p_j|i back from a single point's row needs p before symmetry: check one far from the rest
    far = torch.cat([x[:60], x[:1] + 1e4])
    row = affinities(far, 12)[-1] * 2 * len(far)
    assert float(torch.special.entr(row / row.sum()).sum().exp()) == pytest.approx(12, rel=0.01)


def test_components_agree_with_numpy():
    for n, d in ((50, 8), (8, 50)):
        x = np.random.default_rng(0).standard_normal((n, d))
        low, shares = principal(torch.from_numpy(x).float(), 3)
        u, s, _ = np.linalg.svd(x - x.mean(0), full_matrices=False)
        assert np.allclose(np.abs(low), np.abs(u * s)[:, :3], atol=1e-4)
        assert np.allclose(shares[:3], (s**2 / (s**2).sum())[:3], atol=1e-5)
        assert (low.gather(0, low.abs().argmax(0, keepdim=True)) > 0).all()


def test_clusters_stay_together_and_come_apart():
    x, group = clusters()
    layout = lay_out(x)
    assert layout.how == "t-SNE, perplexity 30"
    between = torch.cdist(*[torch.from_numpy(layout.points)] * 2).fill_diagonal_(torch.inf)
    assert (group[between.argmin(1)] == group).mean() == 1
    flat = principal(torch.nn.functional.normalize(torch.from_numpy(x), dim=1), 2)[0]
    assert layout.kept is not None
    assert (
        layout.kept > kept(torch.nn.functional.normalize(torch.from_numpy(x), dim=1), flat) + 0.05
    )


def test_the_same_each_time_and_blind_to_length():
    x, _ = clusters(20)
    again = lay_out(x * np.random.default_rng(1).choice([0.5, 2.0, 4.0], (len(x), 1)))
    assert np.array_equal(lay_out(x).points, lay_out(x.copy()).points)
    assert np.allclose(lay_out(x).points, again.points, atol=1e-2)


def test_it_says_what_it_is():
    few = lay_out(np.random.default_rng(0).standard_normal((6, 5)))
    assert few.how.startswith("The two largest principal components, ")
    assert lay_out(np.ones((20, 5))).how == "All vectors are the same, so all points are one"
    assert lay_out(np.ones((20, 5))).kept is None
    lost = lay_out(np.full((20, 5), np.nan))
    assert "not finite" in lost.how
    assert (lost.points == 0).all()
    many = lay_out(np.random.default_rng(0).standard_normal((2001, 3)))
    assert "principal" in many.how
    assert lay_out(np.random.default_rng(0).standard_normal((30, 1)) ** 2 + 1).points.shape == (
        30,
        2,
    )


def test_kept_counts_shared_neighbours():
    x = torch.arange(30.0)[:, None] ** 1.1  # on a line: neighbours are those beside
    assert kept(x, torch.cat([x, 0 * x], 1)) == 1
    order = torch.randperm(30, generator=torch.Generator().manual_seed(0))
    assert kept(x, x[order], near=3) < 0.4


def test_no_two_points_fall_on_one_another():
    x = torch.from_numpy(clusters(10)[0])
    y = tsne(x, principal(x, 2)[0], 8)
    assert float(torch.pdist(y).min()) > 1e-2
    assert bool(y.isfinite().all())
