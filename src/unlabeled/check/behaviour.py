"""Checks of what a method does: its views, its loss, and what may change when."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from unlabeled.check.case import SAMPLES, Case, Failed, double, need, parts, reorder, settled
from unlabeled.method import Method
from unlabeled.state import State, Teacher

ORDER = torch.tensor([5, 2, 7, 0, 3, 6, 1, 4])


def views(case: Case) -> None:
    """Make views that depend on seed, epoch and sample alone, and leave the batch alone."""
    method, batch = case.method(), case.batch()
    data, index = batch.data.clone(), batch.index.clone()
    made = _views(case, method, chance=1)
    case.views(method, batch)
    need(
        torch.equal(batch.data, data) and torch.equal(batch.index, index),
        "`views` wrote into the batch that it was given",
    )
    for view in made:
        need(
            len(view) > 0 and len(view) % SAMPLES == 0, "a view needs as many rows for each sample"
        )
        need(not view.requires_grad, "a view must carry no gradient")
        need(bool(view.isfinite().all()), "a view holds numbers that are not finite")
    need(
        _same(made, _views(case, method, chance=2)),
        "the same samples looked different the second time; draw from `batch.dice` alone",
    )
    for what, other in (("epoch", case.batch(epoch=1)), ("seed", case.batch(seed=1))):
        again = case.views(method, other)
        need(not _same(made, again), f"another {what} gave the same views; draw from `batch.dice`")
    for order in (ORDER, torch.arange(SAMPLES // 2)):
        alone = case.views(method, case.batch(order))
        need(
            _same(reorder(made, order), alone, atol=1e-6),
            "a sample's views depend on its place in the batch or on its neighbours",
        )


def _views(case: Case, method: Method[Any], *, chance: int) -> tuple[Tensor, ...]:
    """The views of the first samples, with the global generator seeded by chance."""
    with torch.random.fork_rng():
        torch.manual_seed(chance)
        return case.views(method)


def _same(a: Any, b: Any, atol: float = 0.0) -> bool:
    return all(
        x.shape == y.shape and torch.allclose(x, y, 0.0, atol) for x, y in zip(a, b, strict=True)
    )


def energies(case: Case) -> None:
    """Return one energy per row, the rows of a sample together."""
    method = case.method().double()
    seen = double(case.views(method))
    rows = {len(e) if e.ndim == 1 else 0 for e in parts(method.loss(*seen)).values()}
    need(
        len(rows) == 1 and min(rows) > 0 and min(rows) % SAMPLES == 0,
        f"`loss` must return `(rows,)` energies, a multiple of the batch; it has {sorted(rows)}",
    )
    energy = method.energy(*seen, samples=SAMPLES)
    method.index = method.index[ORDER]
    moved = method.energy(*reorder(seen, ORDER), samples=SAMPLES)
    need(
        torch.allclose(moved, energy[ORDER], 1e-5, 1e-6),
        "where the samples are reordered, their energies must follow; put samples outermost",
    )


def loss(case: Case) -> None:
    """Be trained on the mean of the energies: a finite float32 number, the sum of its terms."""
    method = case.method()
    seen = case.views(method)
    value, terms = method(*seen)
    need(
        value.shape == () and value.dtype == torch.float32,
        f"the loss is {value.dtype} {value.shape}",
    )
    need(bool(value.isfinite()), f"the loss is {value.item()}")
    mean = torch.stack([e.float().mean() for e in parts(method.loss(*seen)).values()]).sum()
    need(
        torch.allclose(value, mean, 1e-5), f"the loss is {value:.6f}, the energies' mean {mean:.6f}"
    )
    need(torch.allclose(value, sum(terms.values(), torch.zeros(())), 1e-5), "the terms must add up")
    need(not any(t.requires_grad for t in terms.values()), "the terms must be detached")


def gradient(case: Case) -> None:
    """Send gradient to every parameter that learns, and to no teacher, queue or assignment."""
    method = case.method()
    teachers = {id(p) for t in method.modules() if isinstance(t, Teacher) for p in t.parameters()}
    method(*case.views(method))[0].backward()
    for name, p in method.named_parameters():
        if id(p) in teachers:
            need(p.grad is None and not p.requires_grad, f"gradient reaches the teacher: {name}")
        elif p.requires_grad:
            if p.grad is None:
                raise Failed(f"no gradient reaches {name}")
            need(bool(p.grad.isfinite().all()), f"the gradient of {name} is not finite")
            need(p.ndim < 2 or bool(p.grad.any()), f"the gradient of {name} is zero")
    for name, buffer in method.named_buffers():
        need(not buffer.requires_grad, f"gradient reaches what is remembered: {name}")


def order(case: Case) -> None:
    """Lose as much, with the same gradient, in whatever order the samples come."""
    results = []
    for places in (torch.arange(SAMPLES), ORDER):
        method = case.method().double()
        seen = double(case.views(method))
        method.index = method.index[places]
        energies = parts(method.loss(*reorder(seen, places))).values()
        value = torch.stack([e.mean() for e in energies]).sum()
        value.backward()
        results.append(
            [value.detach(), *(p.grad for p in method.parameters() if p.grad is not None)]
        )
    need(
        all(torch.allclose(a, b, 1e-6, 1e-9) for a, b in zip(*results, strict=True)),
        f"the loss is {results[0][0]:.9f} and, in another order, {results[1][0]:.9f}",
    )


def purity(case: Case) -> None:
    """Draw nothing and change nothing in `loss`; change every state in `advance`."""
    method = case.method()
    seen = case.views(method)
    before = settled(method)
    values = []
    for chance in (1, 2):
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(chance)
            values.append(method(*seen)[0])
    after = settled(method)
    touched = [name for name, x in after.items() if not torch.equal(x, before[name])]
    need(not touched, f"`loss` changed {', '.join(touched)}; only `advance` may")
    need(torch.equal(*values), "the same views gave two losses; randomness belongs in `views`")

    fresh = case.build()
    before = settled(fresh)
    next(case.trainer(fresh, steps=2).run())
    for name, part in fresh.named_modules():
        if isinstance(part, State):
            now = {k: x for k, x in settled(fresh).items() if k.startswith(f"{name}.")}
            if not any(x.numel() for x in now.values() if x.ndim):
                continue  # a queue of no length holds nothing that could move
            moved = any(not torch.equal(x, before[k]) for k, x in now.items())
            need(moved, f"a step was made and `{name}` stayed as it was")


def constant_encoder(case: Case) -> None:
    """Lose what `learned_nothing` says where nothing is learnt: every network is a constant."""
    method = case.method()
    with torch.no_grad():
        for p in method.parameters():
            p.fill_(1.0 if p.ndim < 2 else 0.0)
        seen = case.views(method)
        for _ in range(3):  # let queues and banks fill with the same nothing
            method(*seen)
            method.advance(0.5)
        value = float(method(*seen)[0])
    expected = method.learned_nothing(*seen)
    need(
        expected is not None, "`learned_nothing` is missing; or say in `exempt` why it has no value"
    )
    need(
        abs(value - (expected or 0.0)) < 1e-4,
        f"the loss is {value:.5f}, `learned_nothing` {expected}",
    )
