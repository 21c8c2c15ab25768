"""A critic of what a network makes, in one loss with it: what one wants, the other does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from unlabeled.losses.kernels import tell


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: float) -> Tensor:  # pyright: ignore
        ctx.weight = weight
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # pyright: ignore
        return -ctx.weight * grad, None


def reverse(x: Tensor, weight: float) -> Tensor:
    """The identity, whose gradient turns round: what lies behind it wants the opposite.

    Args:
        x: What a critic is shown.
        weight: How much its maker cares about the critic, who learns at full strength.

    Source: Ganin & Lempitsky 2015, eq. 14 and 15, https://arxiv.org/abs/1409.7495.
    """
    return _Reverse.apply(x, weight)  # pyright: ignore


def doubt(critic: Callable[[Tensor], Tensor], real: Tensor, made: Tensor, weight: float) -> Tensor:
    """What a critic pays for not telling real images from made ones: `(b,)`, 2 ln 2 at chance.

    Args:
        critic: Says by one number `(b,)` how real images look.
        real: Images.
        made: Images that a network made; its gradient is turned round.
        weight: How much the maker cares.

    Source: Goodfellow et al. 2014, eq. 1, https://arxiv.org/abs/1406.2661.
    """
    return tell(critic(real), True) + tell(critic(reverse(made, weight)), False)
