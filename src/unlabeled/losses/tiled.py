"""`choose` over a table too large to hold its scores: exact, in tiles, forward and backward.

The scores of n queries against m candidates take n * m numbers; autograd would keep several such
matrices. Here a tile is computed, used and dropped, and computed again for the gradient, which
needs only the n log-sum-exps of the forward pass. Where the queries are the candidates, as in
NT-Xent on one process, the scores are symmetric and one tile serves two.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

TILE = {"cpu": 1024, "cuda": 4096}  # what a cache holds; what keeps a GPU busy
SMALL = {torch.float32: 40.0, torch.float64: 300.0}  # scores whose exponentials need no shift


def choose_among(
    query: Tensor,
    table: Tensor,
    target: Tensor,
    *,
    temperature: float = 1.0,
    skip: Tensor | None = None,
    tile: int | None = None,
) -> Tensor:
    """`choose(query @ table.T / temperature, target)` without ever holding the scores.

    Args:
        query: `(n, d)`. Half precision is computed in float32.
        table: `(m, d)` candidates; half the work where it is the very tensor `query`.
        target: `(n,)` int64, the row of `table` that answers each query.
        temperature: Divides the scores.
        skip: `(n,)` int64, one row of `table` that is no candidate for each query (itself).
        tile: Rows computed at a time, with so many columns that they make tile**2 scores;
            memory is twice that. Chosen for the device where not given.

    Returns:
        `(n,)` energies in nats.
    """
    same, tile = table is query, tile or TILE.get(query.device.type, 1024)
    if query.dtype not in SMALL or table.dtype not in SMALL:
        query, table = query.float(), table.float()
    among = _log_sum_exp(query, None if same else table, skip, temperature, tile)
    return among - (query * table[target]).sum(1) / temperature


@torch.library.custom_op("unlabeled::log_sum_exp", mutates_args=())
def _log_sum_exp(
    query: Tensor, table: Tensor | None, skip: Tensor | None, temperature: float, tile: int
) -> Tensor:
    """Log-sum-exp of every query's scores, `(n,)`; the table is the queries where there is none.

    One operator to autograd and the compiler, which need not look into its loops.
    """
    mirrored, small = _kind(query, table, skip, temperature)
    total = query.new_zeros(len(query))
    shift = query.new_full((len(query),), 0.0 if small else torch.finfo(query.dtype).min / 2)
    for rows, columns, scores in _tiles(query, table, skip, temperature, tile, mirrored):
        if not small:
            largest = torch.maximum(shift[rows], scores.amax(1))
            total[rows] *= (shift[rows] - largest).exp_()
            shift[rows] = largest
            scores.sub_(largest[:, None])
        share = scores.exp_()
        total[rows] += share.sum(1)
        if mirrored and rows != columns:
            total[columns] += share.sum(0)
    return total.log_().add_(shift)


@torch.library.custom_op("unlabeled::log_sum_exp_backward", mutates_args=())
def _log_sum_exp_backward(
    grad: Tensor,
    lse: Tensor,
    query: Tensor,
    table: Tensor | None,
    skip: Tensor | None,
    temperature: float,
    tile: int,
) -> tuple[Tensor, Tensor]:
    """The gradients of queries and table; the second is empty where there is no table."""
    mirrored, _ = _kind(query, table, skip, temperature)
    weight = grad / temperature
    each = weight * (-lse).exp() if mirrored else weight
    candidates = query if table is None else table
    for_query = torch.zeros_like(query)
    for_table = query.new_empty(0) if mirrored else torch.zeros_like(candidates)
    pair = query.new_empty(tile * tile if mirrored else 0)
    for rows, columns, scores in _tiles(query, table, skip, temperature, tile, mirrored):
        if mirrored:  # the score of i and j counts in the sum of i and in that of j
            both = pair[: scores.numel()].view_as(scores)
            share = scores.exp_().mul_(torch.add(each[rows, None], each[columns], out=both))
            for_query[rows].addmm_(share, query[columns])
            if rows != columns:
                for_query[columns].addmm_(share.T, query[rows])
        else:
            share = scores.sub_(lse[rows, None]).exp_().mul_(each[rows, None])
            for_query[rows].addmm_(share, candidates[columns])
            for_table[columns].addmm_(share.T, query[rows])
    if table is None and not mirrored:
        return for_query.add_(for_table), query.new_empty(0)
    return for_query, for_table


def _kind(
    query: Tensor, table: Tensor | None, skip: Tensor | None, temperature: float
) -> tuple[bool, bool]:
    """Whether only half of the scores need be computed, and whether all are small.

    No score exceeds the product of the longest query and the longest candidate.
    """
    longest = query.norm(dim=1).max()
    other = longest if table is None else table.norm(dim=1).max()
    small = bool(longest * other <= temperature * SMALL[query.dtype])
    itself = skip is None or bool((skip == torch.arange(len(query), device=skip.device)).all())
    return table is None and small and itself, small


def _tiles(
    query: Tensor,
    table: Tensor | None,
    skip: Tensor | None,
    temperature: float,
    tile: int,
    mirrored: bool,
) -> Iterator[tuple[slice, slice, Tensor]]:
    """Yield (rows, columns, scores) of every tile, -inf where a row skips a column.

    Every tile is written over the last one. If mirrored, those below the diagonal are left out.
    """
    table = query if table is None else table
    room = query.new_empty(tile * tile)
    for top in range(0, len(query), tile):
        asked = query[top : top + tile] / temperature
        rows = slice(top, top + len(asked))
        step = tile if mirrored else tile * tile // len(asked)
        for left in range(top if mirrored else 0, len(table), step):
            near = table[left : left + step]
            scores = room[: len(asked) * len(near)].view(len(asked), len(near))
            torch.mm(asked, near.T, out=scores)
            if skip is not None and not (mirrored and left > top):
                at = (skip[rows] - left)[:, None]
                column = at.clamp(0, len(near) - 1)
                kept = torch.where(at == column, -torch.inf, scores.gather(1, column))
                scores.scatter_(1, column, kept)
            yield rows, slice(left, left + len(near)), scores


@_log_sum_exp.register_fake
def _(query: Tensor, *_: Any) -> Tensor:
    return query.new_empty(len(query))


@_log_sum_exp_backward.register_fake
def _(grad: Tensor, lse: Tensor, query: Tensor, table: Tensor | None, *_: Any) -> tuple[Any, Any]:
    return torch.empty_like(query), query.new_empty(0) if table is None else torch.empty_like(table)


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    query, table, skip, ctx.temperature, ctx.tile = inputs
    ctx.save_for_backward(output, query, table, skip)


def _gradients(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    lse, query, table, skip = ctx.saved_tensors
    settings = ctx.temperature, ctx.tile
    for_query, for_table = _log_sum_exp_backward(grad, lse, query, table, skip, *settings)
    return for_query, None if table is None else for_table, None, None, None


_log_sum_exp.register_autograd(_gradients, setup_context=_save)
