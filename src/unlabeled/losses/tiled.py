"""`choose` over a table too large to hold its scores: exact, in tiles, forward and backward.

The scores of n queries against m candidates take n * m numbers; autograd would keep several such
matrices. Here a tile is computed, used and dropped, and computed again for the gradient, which
needs only the n log-sum-exps of the forward pass.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

TILE = 1024


class _Choose(torch.autograd.Function):
    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any,
        query: Tensor,
        table: Tensor,
        target: Tensor,
        skip: Tensor | None,
        temperature: float,
        tile: int,
    ) -> Tensor:
        lse = query.new_full((len(query),), -torch.inf)
        for rows, columns, scores in _tiles(query, table, skip, temperature, tile):
            lse[rows] = torch.logaddexp(lse[rows], scores.logsumexp(1))
        ctx.save_for_backward(query, table, target, skip, lse)
        ctx.temperature, ctx.tile = temperature, tile
        return lse - (query * table[target]).sum(1) / temperature

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        query, table, target, skip, lse = ctx.saved_tensors
        weight = (grad / ctx.temperature)[:, None]
        for_query = -weight * table[target]
        for_table = torch.zeros_like(table).index_add_(0, target, -weight * query)
        for rows, columns, scores in _tiles(query, table, skip, ctx.temperature, ctx.tile):
            share = scores.sub_(lse[rows, None]).exp_().mul_(weight[rows])
            for_query[rows].addmm_(share, table[columns])
            for_table[columns].addmm_(share.T, query[rows])
        return for_query, for_table, None, None, None, None


def _tiles(query: Tensor, table: Tensor, skip: Tensor | None, temperature: float, tile: int) -> Any:
    """Yield (rows, columns, scores) of every tile, -inf where a row skips a column."""
    for top in range(0, len(query), tile):
        rows = slice(top, top + tile)
        asked = query[rows] / temperature
        for left in range(0, len(table), tile):
            columns = slice(left, left + tile)
            scores = asked @ table[columns].T
            if skip is not None:
                at = skip[rows, None] - left
                hit = (at == torch.arange(scores.shape[1], device=at.device)).nonzero()
                scores[hit[:, 0], hit[:, 1]] = -torch.inf
            yield rows, columns, scores


def choose_among(
    query: Tensor,
    table: Tensor,
    target: Tensor,
    *,
    temperature: float = 1.0,
    skip: Tensor | None = None,
    tile: int = TILE,
) -> Tensor:
    """`choose(query @ table.T / temperature, target)` without ever holding the scores.

    Args:
        query: `(n, d)`.
        table: `(m, d)` candidates.
        target: `(n,)` int64, the row of `table` that answers each query.
        temperature: Divides the scores.
        skip: `(n,)` int64, one row of `table` that is no candidate for each query (itself).
        tile: Rows and columns computed at a time; memory is tile**2 numbers.

    Returns:
        `(n,)` energies in nats.
    """
    return _Choose.apply(query, table, target, skip, temperature, tile)  # pyright: ignore[reportReturnType]
