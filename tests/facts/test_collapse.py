"""What keeps an energy from being flat everywhere: without it, training ends in a constant."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from unlabeled.losses import barlow_twins, byol_distance, choose, info_nce, nt_xent, sinkhorn


def train(loss, steps=120):
    """Mean deviation of unit embeddings, as a share of an isotropic cloud's, after training."""
    torch.manual_seed(0)
    chance = torch.Generator().manual_seed(0)
    data = torch.randn(128, 12, generator=chance)
    net = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 8))
    heads = nn.Parameter(torch.randn(16, 8))
    optimizer = torch.optim.AdamW([*net.parameters(), heads], lr=5e-3, weight_decay=1e-3)
    for _ in range(steps):
        a, b = (net(data + 0.3 * torch.randn(128, 12, generator=chance)) for _ in range(2))
        optimizer.zero_grad()
        loss(a, b, nn.functional.normalize(heads, dim=1)).mean().backward()
        optimizer.step()
    with torch.no_grad():
        z = nn.functional.normalize(net(data), dim=1)
    return (z.std(0).mean() * 8**0.5).item()


def clustered(target):
    """Swapped prediction of clusters, with targets made of scores in some way."""

    def loss(a, b, heads):
        scores = [nn.functional.normalize(z, dim=1) @ heads.T for z in (a, b)]
        pairs = zip(scores, reversed(scores), strict=True)
        return sum(choose(s / 0.1, target(t.detach())) for s, t in pairs)

    return loss


ALIGNED_ALONE = {
    "likeness alone": lambda a, b, _: byol_distance(a, b),
    "clusters without equal shares": clustered(lambda t: (t / 0.05).softmax(1)),
}
HELD_APART = {
    "negatives in the batch": lambda a, b, _: nt_xent(a, b, temperature=0.2),
    "a bound on information": lambda a, b, _: info_nce(a, b, temperature=8.0),
    "decorrelated dimensions": lambda a, b, _: barlow_twins(a, b),
    "clusters with equal shares": clustered(sinkhorn),
}


@pytest.mark.parametrize("name", ALIGNED_ALONE)
def test_likeness_alone_collapses(name):
    assert train(ALIGNED_ALONE[name], steps=200) < 0.25


@pytest.mark.parametrize("name", HELD_APART)
def test_what_holds_embeddings_apart_does(name):
    assert train(HELD_APART[name]) > 0.8
