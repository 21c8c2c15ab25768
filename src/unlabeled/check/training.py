"""Checks of a method in training: it descends, resumes, compiles and survives bfloat16."""

from __future__ import annotations

import copy

import torch

from unlabeled.check.case import Case, need
from unlabeled.train.loop import Trainer

STEPS, STOP = 6, 3


def descent(case: Case) -> None:
    """Lose less, by gradient, while views and states stand still."""
    method = case.method()
    seen = case.views(method)
    students = [p for p in method.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(students, lr=3e-3)
    losses = []
    for _ in range(12):
        value, _ = method(*seen)
        value.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(value.item())
    need(
        min(losses[-3:]) < losses[0],
        f"12 steps down the gradient led from {losses[0]} to {losses[-1]}",
    )


def resume(case: Case) -> None:
    """Stop and go on as if nothing had happened: parameters, buffers and moments, bit for bit."""
    straight = case.trainer(case.build(), STEPS)
    list(straight.run())
    stopped = case.trainer(case.build(), STEPS)
    for step in stopped.run():
        if step.number == STOP - 1:
            break
    resumed = case.trainer(case.build(seed=1), STEPS)  # the checkpoint must bring all the rest
    resumed.method.load_state_dict(copy.deepcopy(stopped.method.state_dict()))
    resumed.optimizer.load_state_dict(copy.deepcopy(stopped.optimizer.state_dict()))
    resumed.step = stopped.step
    lost = _differing(stopped, resumed) - {"progress", "index"}  # these the loop writes
    need(not lost, f"a checkpoint does not bring back {', '.join(sorted(lost))}")
    list(resumed.run())
    other = _differing(straight, resumed)
    need(
        not other,
        f"after a stop it went on otherwise, in {', '.join(sorted(other)[:3])}: is something kept "
        "in a plain attribute, which no checkpoint holds?",
    )


def _differing(a: Trainer, b: Trainer) -> set[str]:
    """The names of parameters, buffers and moments that two runs do not share."""
    return {name for name, x in _all(a).items() if not torch.equal(x, _all(b)[name])}


def _all(trainer: Trainer) -> dict[str, torch.Tensor]:
    method, moments = trainer.method, trainer.optimizer.state
    named = {name: moments[p] for name, p in method.named_parameters()}
    return {
        **dict(method.named_parameters()),
        **dict(method.named_buffers()),
        **{
            f"{kind} of {name}": x
            for name, held in named.items()
            for kind, x in held.items()
            if isinstance(x, torch.Tensor)
        },
    }


def bfloat16(case: Case) -> None:
    """Stay close to itself in bfloat16."""
    method = case.method()
    seen = case.views(method)
    with torch.no_grad():
        full = method(*seen)[0]
        with torch.autocast("cpu", torch.bfloat16):
            half = method(*seen)[0]
    need(half.dtype == torch.float32, f"under autocast the loss is {half.dtype}")
    need(torch.allclose(full, half, 0.1, 0.05), f"the loss is {full:.4f}, in bfloat16 {half:.4f}")


def compiles(case: Case) -> None:
    """Compile as a whole: no graph breaks, no value read back from the device."""
    method = case.method()
    seen = case.views(method)
    eager = method(*seen)[0].detach()
    torch._dynamo.reset()
    try:
        compiled = torch.compile(method, backend="aot_eager", fullgraph=True)(*seen)[0]
        compiled.backward()
    except Exception as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        need(False, f"it does not compile: {' | '.join(lines[:3])}")
    else:
        need(torch.allclose(eager, compiled, atol=1e-4), f"compiled {compiled}, eager {eager}")
    finally:
        torch._dynamo.reset()
