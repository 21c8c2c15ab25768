"""Optimisers against their papers' formulas in float64, and who gets which settings."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from specimens import SMALL, Tiny
from torch import nn

from unlabeled.errors import UsageError
from unlabeled.recipe import Recipe
from unlabeled.train.optimizers import LARS, optimizer

RATES = [0.5, 2.0, 1.0, 0.1]  # a rate that changes: where it enters the momentum matters


def paths(step):
    """Two parameters, four gradients for each, and where `step` leads them."""
    torch.manual_seed(0)
    weights = [torch.randn(4, 3, dtype=torch.float64), torch.randn(4, dtype=torch.float64)]
    slopes = [[torch.randn_like(w) for w in weights] for _ in RATES]
    by_hand = []
    for i, w in enumerate(weights):
        memory: dict = {}
        for t, rate in enumerate(RATES):
            w = step(w, slopes[t][i], memory, rate, adapt=i == 0, t=t + 1)
        by_hand.append(w)
    return weights, slopes, by_hand


def follow(made, weights, slopes):
    """The parameters after the optimiser's own four steps."""
    params = [nn.Parameter(w.clone()) for w in weights]
    rule = made(params)
    for rate, these in zip(RATES, slopes, strict=True):
        for group in rule.param_groups:
            group["lr"] = rate
        for p, g in zip(params, these, strict=True):
            p.grad = g.clone()
        rule.step()
    return [p.detach() for p in params]


def test_lars_is_algorithm_1_of_its_paper():
    momentum, decay, trust = 0.9, 0.02, 1e-3

    def step(w, g, memory, rate, *, adapt, t):
        """You, Gitman & Ginsburg 2017: eq. 6, then v = m v + gamma lambda (g + b w)."""
        b = decay if adapt else 0.0
        norm = lambda x: float((x**2).sum() ** 0.5)
        local = trust * norm(w) / (norm(g) + b * norm(w)) if adapt else 1.0
        memory["v"] = momentum * memory.get("v", 0) + rate * local * (g + b * w)
        return w - memory["v"]

    weights, slopes, by_hand = paths(step)
    got = follow(
        lambda p: LARS(
            [
                {"params": p[:1], "weight_decay": decay},
                {"params": p[1:], "weight_decay": 0.0, "adapt": False},
            ],
            1.0,
            momentum,
            trust=trust,
        ),
        weights,
        slopes,
    )
    for a, b in zip(got, by_hand, strict=True):
        assert torch.allclose(a, b, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("weight", "slope"), [(0.0, 1.0), (1.0, 0.0), (0.0, 0.0)])
def test_lars_survives_weights_and_gradients_of_zero(weight, slope):
    p = nn.Parameter(torch.full((2, 2), weight))
    p.grad = torch.full((2, 2), slope)
    LARS([p], 0.1).step()
    assert torch.allclose(p, torch.full((2, 2), weight - 0.1 * slope))


@pytest.mark.parametrize(("beta1", "beta2"), [(0.9, 0.999), (0.5, 0.99)])
@pytest.mark.parametrize("rule", ["adam", "adamw"])
def test_adam_and_adamw_are_the_paper_s_and_ours(rule, beta1, beta2):
    """Loshchilov & Hutter 2019, algorithms 1 and 2: decay in the gradient, and apart from it."""
    eps, decay = 1e-8, 0.05

    def step(w, g, memory, rate, *, adapt, t):
        inside, apart = (decay, 0.0) if rule == "adam" else (0.0, decay)
        if not adapt:
            inside = apart = 0.0  # a bias
        g = g + inside * w
        m = memory["m"] = beta1 * memory.get("m", 0) + (1 - beta1) * g
        v = memory["v"] = beta2 * memory.get("v", 0) + (1 - beta2) * g**2
        update = (m / (1 - beta1**t)) / ((v / (1 - beta2**t)) ** 0.5 + eps)
        return w - rate * (update + apart * w)

    class Holder(nn.Module):
        def __init__(self, params):
            super().__init__()
            self.weight, self.bias = params

        def groups(self):
            return []

    weights, slopes, by_hand = paths(step)
    recipe = Recipe(optimizer=rule, weight_decay=decay, momentum=beta1, beta2=beta2)
    got = follow(lambda p: optimizer(Holder(p), recipe), weights, slopes)  # type: ignore[arg-type]
    for a, b in zip(got, by_hand, strict=True):
        assert torch.allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("rule", ["sgd", "adam", "adamw", "lars"])
def test_biases_and_norms_do_not_decay_and_frozen_weights_do_not_learn(rule):
    method = Tiny("byol").build()
    made = optimizer(method, dataclasses.replace(SMALL, optimizer=rule, weight_decay=0.3))
    learns = {id(p) for p in method.parameters() if p.requires_grad}
    given = [id(p) for group in made.param_groups for p in group["params"]]
    assert sorted(given) == sorted(learns)
    assert not {id(p) for p in method.teacher.parameters()} & set(given)
    for group in made.param_groups:
        for p in group["params"]:
            assert group["weight_decay"] == (0.3 if p.ndim > 1 else 0.0)
            assert group.get("adapt", p.ndim > 1) == (p.ndim > 1)


@pytest.mark.parametrize("rule", ["sgd", "adam", "adamw", "lars"])
def test_a_group_of_the_method_s_own_keeps_its_settings_and_follows_the_recipe_else(rule):
    case = Tiny("rotation")
    method = case.build()
    own = [{"params": [method.head.weight], "scale": 10.0}]
    method.groups = lambda: own
    recipe = dataclasses.replace(SMALL, optimizer=rule, weight_decay=0.3)
    trainer = case.trainer(5, method=method, recipe=recipe)
    special = trainer.optimizer.param_groups[-1]
    assert special["params"] == own[0]["params"]
    assert special["weight_decay"] == 0.3
    (step, *_) = trainer.run()
    assert [group["lr"] for group in trainer.optimizer.param_groups] == pytest.approx(
        [SMALL.rate(4, 5)] * 2 + [10 * SMALL.rate(4, 5)]
    )
    assert own == [{"params": [method.head.weight], "scale": 10.0}]  # the method's list is its own
    assert step.number == 0


def test_a_rule_that_there_is_not_is_refused():
    recipe = dataclasses.replace(Recipe(), optimizer="adagrad")
    with pytest.raises(UsageError, match="no optimizer `adagrad`"):
        optimizer(Tiny("rotation").build(), recipe)
