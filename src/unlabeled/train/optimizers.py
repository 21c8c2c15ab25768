"""Optimisers: SGD, Adam and AdamW are torch's; LARS is here."""

# pyright: reportPrivateImportUsage=false
# torch's own optimisers are written with these list functions
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from unlabeled.errors import UsageError
from unlabeled.method import Method
from unlabeled.recipe import Recipe


class LARS(torch.optim.Optimizer):
    """SGD with momentum, each weight's step scaled by its norm over its gradient's.

    Args:
        params: Parameters or groups; a group with `adapt=False` is plain SGD (biases and norms).
        lr: Learning rate. It is part of what momentum remembers, as in the paper.
        momentum: Momentum.
        weight_decay: Times the weight, added to the gradient.
        trust: The trust coefficient, eta.

    Source: You, Gitman & Ginsburg 2017, eq. 6 and algorithm 1, https://arxiv.org/abs/1708.03888.
    """

    def __init__(
        self,
        params: Any,
        lr: float,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        trust: float = 1e-3,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(params, defaults | {"trust": trust, "adapt": True})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            if not params:
                continue
            slopes: list[Any] = [p.grad for p in params]
            decay = group["weight_decay"]
            moves = torch._foreach_add(slopes, params, alpha=decay)
            if group["adapt"]:
                size = torch.stack(torch._foreach_norm(params))
                pull = torch.stack(torch._foreach_norm(slopes)) + decay * size
                rate = torch.where((size > 0) & (pull > 0), group["trust"] * size / pull, 1.0)
                torch._foreach_mul_(moves, list(rate.unbind()))
            for p in params:
                if not self.state[p]:
                    self.state[p]["momentum"] = torch.zeros_like(p)
            memories = [self.state[p]["momentum"] for p in params]
            torch._foreach_mul_(memories, group["momentum"])
            torch._foreach_add_(memories, moves, alpha=group["lr"])
            torch._foreach_sub_(params, memories)


def optimizer(method: Method[Any], recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimiser for everything in the method that learns.

    Weights of two dimensions or more decay; biases and norms neither decay nor adapt. A group
    that the method names itself keeps its settings; its `scale` multiplies the learning rate.

    Raises:
        UsageError: Where the recipe names no optimiser that there is.
    """
    special = method.groups()
    named = {id(p) for group in special for p in group["params"]}
    rest = [p for p in learning(method) if id(p) not in named]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in rest if p.ndim > 1]},
        {"params": [p for p in rest if p.ndim <= 1], "weight_decay": 0.0, "adapt": False},
        *special,
    ]
    groups = [{"weight_decay": recipe.weight_decay, **group} for group in groups if group["params"]]
    if recipe.optimizer == "lars":
        return LARS(groups, recipe.lr, recipe.momentum)
    for group in groups:
        group.pop("adapt", None)
    if recipe.optimizer == "sgd":
        nesterov = recipe.momentum > 0
        return torch.optim.SGD(groups, recipe.lr, recipe.momentum, nesterov=nesterov, fused=True)
    rules = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    if recipe.optimizer not in rules:
        raise UsageError(f"no optimizer `{recipe.optimizer}`", hint="sgd, adam, adamw or lars")
    return rules[recipe.optimizer](groups, recipe.lr, (recipe.momentum, recipe.beta2), fused=True)


def learning(module: nn.Module) -> list[nn.Parameter]:
    """The parameters that gradient moves."""
    return [p for p in module.parameters() if p.requires_grad]
