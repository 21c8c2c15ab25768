"""The global batch: what a method needs to know about other processes, and nothing more."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


def world() -> tuple[int, int]:
    """(rank, number of processes); (0, 1) outside `torchrun`."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        parts = [torch.empty_like(x) for _ in range(world()[1])]
        dist.all_gather(parts, x.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        whole = total(grad.contiguous())  # every process has a loss that looks at my rows
        return whole.chunk(world()[1])[world()[0]]


def gather(x: Tensor) -> Tensor:
    """Concatenate `x` over processes, with gradient; the identity on one process.

    Write `gather(z)` where the paper says "the batch". Every process must hold as many rows.
    """
    return x if world()[1] == 1 else _Gather.apply(x)  # pyright: ignore[reportReturnType]


def own(x: Tensor) -> Tensor:
    """Where the rows of `x` land in `gather(x)`: the targets of in-batch contrast."""
    return world()[0] * len(x) + torch.arange(len(x), device=x.device)


def mine(x: Tensor) -> Tensor:
    """This process's equal share of rows that all processes hold alike."""
    return x.chunk(world()[1])[world()[0]]


def total(x: Tensor) -> Tensor:
    """Sum `x` over processes, without gradient; the identity on one process."""
    if world()[1] > 1:
        x = x.clone()
        dist.all_reduce(x)
    return x


def largest(x: Tensor) -> Tensor:
    """Largest over processes, element by element, without gradient."""
    if world()[1] > 1:
        x = x.clone()
        dist.all_reduce(x, dist.ReduceOp.MAX)
    return x
