"""A slow copy of the student."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn

from unlabeled.state.base import State


class Teacher(State):
    """A frozen copy of some networks that follows them as a moving average.

    Only parameters are averaged: its batch norms keep statistics of their own, as in the
    reference code of BYOL and MoCo.

    Args:
        students: The networks to follow, applied in this order; the copy starts equal to them.
        momentum: Share of itself the teacher keeps at the first step. It rises to 1 along a
            cosine: 1 - (1 - momentum) (cos(pi progress) + 1) / 2 (Grill et al. 2020, sec. 3.3).
    """

    def __init__(self, *students: nn.Module, momentum: float) -> None:
        super().__init__()
        self.nets = nn.ModuleList(copy.deepcopy(students)).requires_grad_(False)
        self.momentum, self._students = momentum, students  # a tuple: not registered twice

    def keep(self, progress: float) -> float:
        """The momentum at this share of training."""
        return 1 - (1 - self.momentum) * (math.cos(math.pi * progress) + 1) / 2

    @torch.no_grad()
    def forward(self, *inputs: Tensor) -> Tensor:
        first, *rest = self.nets
        out = first(*inputs)
        for net in rest:
            out = net(out)
        return out

    @torch.no_grad()
    def advance(self, progress: float) -> None:
        mine = [p.data for p in self.nets.parameters()]
        theirs = [p.detach() for net in self._students for p in net.parameters()]
        torch._foreach_lerp_(mine, theirs, 1 - self.keep(progress))  # pyright: ignore
