"""`choose_among` has a short way for symmetric and for small scores: they change nothing."""

import pytest
import torch
import torch.nn.functional as F

from unlabeled.losses import choose, choose_among, nt_xent

EXACT = {"rtol": 0, "atol": 1e-10}


def embeddings(n=22, d=6, dtype=torch.float64):
    """Unit vectors, the second half much like the first."""
    chance = torch.Generator().manual_seed(1)
    z = torch.randn(n // 2, d, dtype=torch.float64, generator=chance)
    noise = torch.randn(n, d, dtype=torch.float64, generator=chance)
    return F.normalize(torch.cat([z, z]) + 0.2 * noise, dim=1).to(dtype)


def twins(n):
    return torch.arange(n).roll(n // 2)


def whole(z, target, temperature):
    """Energies from the full matrix, each row without itself."""
    scores = (z @ z.T / temperature).masked_fill(torch.eye(len(z), dtype=torch.bool), -torch.inf)
    return choose(scores, target)


def value_and_gradient(energy, z):
    z = z.clone().requires_grad_()
    value = energy(z)
    weight = torch.linspace(-1, 2, len(value), dtype=value.dtype)
    (gradient,) = torch.autograd.grad((value * weight).sum(), z)
    return value.detach(), gradient


@pytest.mark.parametrize("temperature", [0.2, 0.001])  # exp(1 / 0.001) is beyond any float
@pytest.mark.parametrize("tile", [3, 5, 11, 64])
def test_symmetric_scores(tile, temperature):
    z, target, me = embeddings(), twins(22), torch.arange(22)
    settings = {"skip": me, "temperature": temperature, "tile": tile}
    want = value_and_gradient(lambda z: whole(z, target, temperature), z)
    half = value_and_gradient(lambda z: choose_among(z, z, target, **settings), z)
    full = value_and_gradient(lambda z: choose_among(z, z.clone(), target, **settings), z)
    torch.testing.assert_close(half, want, **EXACT)
    torch.testing.assert_close(full, want, **EXACT)


@pytest.mark.parametrize("skip", [None, 1])
def test_a_row_that_skips_another_than_itself(skip):
    z, target = embeddings(), twins(22)
    skip = None if skip is None else torch.arange(22).roll(skip)
    settings = {"skip": skip, "temperature": 0.2, "tile": 5}
    half = value_and_gradient(lambda z: choose_among(z, z, target, **settings), z)
    full = value_and_gradient(lambda z: choose_among(z, z.clone(), target, **settings), z)
    torch.testing.assert_close(half, full, **EXACT)


@pytest.mark.parametrize(("n", "temperature"), [(1300, 0.1), (700, 0.01)])
def test_single_precision_in_tiles_of_the_usual_size(n, temperature):
    z, target = embeddings(n, 32, torch.float32), twins(n)
    ours = value_and_gradient(
        lambda z: choose_among(z, z, target, skip=torch.arange(n), temperature=temperature), z
    )
    exact = value_and_gradient(lambda z: whole(z, target, temperature), z.double())
    largest = 1 / temperature  # of the scores, which are rounded to 24 bits
    torch.testing.assert_close(ours[0].double(), exact[0], rtol=0, atol=1e-6 * largest)
    torch.testing.assert_close(ours[1].double(), exact[1], rtol=0, atol=1e-5 * largest)


def test_half_precision_is_computed_in_single():
    z, target = embeddings(64, 16, torch.bfloat16), twins(64)
    want = choose_among(z.float(), z.float(), target, temperature=0.1)
    assert torch.equal(choose_among(z, z, target, temperature=0.1), want)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(choose_among(z.float(), z.float(), target, temperature=0.1), want)


@pytest.mark.parametrize("other", [False, True])
def test_it_compiles_as_one_graph(other):
    torch.compiler.reset()
    a, b = embeddings(16), embeddings(16).flip(0)

    def loss(a, b):
        if other:
            return choose_among(a, b, twins(16), temperature=0.1)
        return nt_xent(a, b, temperature=0.1)

    compiled = torch.compile(loss, backend="aot_eager", fullgraph=True)
    for f in (loss, compiled):
        for x in (a.requires_grad_(), b.requires_grad_()):
            x.grad = None
        value = f(a, b)
        value.sum().backward()
        if f is loss:
            want = value.detach(), a.grad, b.grad
    torch.testing.assert_close((value.detach(), a.grad, b.grad), want, **EXACT)
