"""Optimisers: SGD and AdamW are torch's; LARS is here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from unlabeled.method import Method
from unlabeled.recipe import Recipe


class LARS(torch.optim.Optimizer):
    """SGD with momentum, each weight matrix's step scaled by its norm over its gradient's.

    Args:
        params: Parameters or groups; a group with `adapt=False` is plain SGD (biases and norms).
        lr: Learning rate.
        momentum: Momentum.
        weight_decay: Added to the gradient before its norm is taken.
        trust: The trust coefficient, eta.

    Source: You, Gitman & Ginsburg 2017, algorithm 1, https://arxiv.org/abs/1708.03888.
    """

    def __init__(
        self,
        params: Any,
        lr: float,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        trust: float = 1e-3,
    ) -> None:
        defaults = dict(
            lr=lr, momentum=momentum, weight_decay=weight_decay, trust=trust, adapt=True
        )
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                grad = p.grad.add(p, alpha=group["weight_decay"])
                if group["adapt"]:
                    size, pull = p.norm(), grad.norm()
                    ratio = group["trust"] * size / pull
                    grad = grad * torch.where((size > 0) & (pull > 0), ratio, 1.0)
                memory = self.state[p].setdefault("momentum", torch.zeros_like(p))
                memory.mul_(group["momentum"]).add_(grad)
                p.add_(memory, alpha=-group["lr"])


def optimizer(method: Method[Any], recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimiser for everything in the method that learns.

    Weights of two dimensions or more decay; biases and norms neither decay nor adapt. A group
    that the method names itself keeps its settings; its `scale` multiplies the learning rate.
    """
    special = method.groups()
    named = {id(p) for group in special for p in group["params"]}
    learning = [p for p in method.parameters() if p.requires_grad and id(p) not in named]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in learning if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in learning if p.ndim <= 1], "weight_decay": 0.0, "adapt": False},
        *special,
    ]
    groups = [g for g in groups if g["params"]]
    if recipe.optimizer == "lars":
        return LARS(groups, recipe.lr, recipe.momentum)
    for group in groups:
        group.pop("adapt", None)
    if recipe.optimizer == "sgd":
        nesterov = recipe.momentum > 0
        return torch.optim.SGD(groups, recipe.lr, recipe.momentum, nesterov=nesterov)
    betas = (recipe.momentum, 0.999)
    on_cuda = bool(learning) and learning[0].is_cuda
    return torch.optim.AdamW(groups, recipe.lr, betas, fused=on_cuda, foreach=not on_cuda)


def learning(module: nn.Module) -> list[nn.Parameter]:
    """The parameters that gradient moves."""
    return [p for p in module.parameters() if p.requires_grad]
