import numpy as np
import pytest
import torch

from unlabeled.encoders import ConvNet
from unlabeled.encoders.timm import Timm
from unlabeled.evaluate import baselines
from unlabeled.evaluate.embed import embed
from unlabeled.evaluate.finetune import accuracy, finetune, finetuned
from unlabeled.train.optimizers import optimizer


@pytest.fixture(scope="module")
def good(train):
    """An encoder that knows these classes already."""
    return baselines.supervised(ConvNet(1, 16, width=4), train, steps=25, seed=1)


def weights(module):
    return torch.cat([p.detach().flatten() for p in module.parameters()])


def test_good_weights_win_over_random_ones_where_labels_are_few(good, train, test):
    found = finetuned(good, train, test, labels=(3,), draws=2, steps=8)
    tuned, random = (found[who]["tuned, 3 labels"] for who in ("encoder", "untrained"))
    assert tuned["accuracy"] > random["accuracy"] + 10
    assert len(tuned["draws"]) == 2
    assert tuned["accuracy"] == np.mean(tuned["draws"])


def test_it_starts_at_the_heads_optimum_and_then_moves_everything(good, train):
    rows = np.arange(24)
    some = train[0].subset(rows), train[1][rows]
    before, random = weights(good), torch.get_rng_state()
    headed = finetune(good, some, steps=1, decay=1e-9)
    assert accuracy(headed, some) > 95  # a head alone tells its own few samples apart
    tuned = finetune(good, some, steps=3)
    assert torch.equal(weights(good), before)
    assert torch.equal(torch.get_rng_state(), random)
    moved = [
        float((p - q).detach().abs().max())
        for p, q in zip(tuned.encoder.parameters(), good.parameters(), strict=True)
    ]
    assert min(moved) > 0
    assert torch.equal(weights(finetune(good, some, steps=3)), weights(tuned))
    assert not torch.equal(weights(finetune(good, some, steps=3, seed=1)), weights(tuned))


def test_the_first_head_is_the_logistic_optimum_on_unscaled_features(good, train):
    from unlabeled.evaluate.finetune import PENALTY, _head_first

    rows = np.arange(40)
    method = baselines.Supervised(good, labels=torch.from_numpy(train[1][rows]))
    _head_first(method, train[0].subset(rows))
    x = torch.from_numpy(embed(good, train[0].subset(rows))["out"]).double()
    deviation = x.std(0, correction=0)
    w = method.head.weight.detach().double().requires_grad_()
    b = method.head.bias.detach().double().requires_grad_()
    loss = torch.nn.functional.cross_entropy(x @ w.T + b, method.truth)
    loss = loss + PENALTY / 2 * (w * deviation).square().sum()
    loss.backward()
    assert float((w.grad / deviation.clamp(min=1e-6)).abs().max()) < 0.02
    assert float(b.grad.abs().max()) < 0.02


def test_blocks_come_from_the_input_on_and_hold_every_weight_once():
    for encoder, count in ((ConvNet(1, 16, width=4), 6), (Timm("resnet10t", 1, 32), None)):
        found = baselines.blocks(encoder)
        ids = [id(p) for block in found for p in block]
        assert len(ids) == len(set(ids)) == len(list(encoder.parameters()))
        assert count is None or len(found) == count
        assert any(p is next(encoder.parameters()) for p in found[0])
        assert any(p is list(encoder.parameters())[-1] for p in found[-1])


def test_the_rate_falls_from_the_head_to_the_input():
    encoder = ConvNet(1, 16, width=4)
    method = baselines.Supervised(encoder, labels=torch.arange(4), decay=0.5)
    groups = optimizer(method, method.recipe).param_groups
    scale = {id(p): g.get("scale", 1.0) for g in groups for p in g["params"]}
    decays = {id(p): g["weight_decay"] for g in groups for p in g["params"]}
    assert len(scale) == len(list(method.parameters()))
    assert scale[id(method.head.weight)] == 1
    assert scale[id(encoder.stage3[1][0].weight)] == 0.5
    assert scale[id(encoder.stage1[0][0].weight)] == 0.5**6
    assert decays[id(encoder.stage1[0][0].weight)] == 0.05
    assert decays[id(encoder.stage1[0][1].weight)] == 0
    even = optimizer(baselines.Supervised(encoder, labels=torch.arange(4)), method.recipe)
    assert all("scale" not in g for g in even.param_groups)


def test_a_subset_is_a_store_of_those_rows(train):
    rows = np.array([7, 3])
    some = train[0].subset(rows)
    assert np.array_equal(some.data, train[0].data[rows])
    assert list(some.keys) == ["7", "3"]
