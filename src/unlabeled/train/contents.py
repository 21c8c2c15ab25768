"""What a checkpoint holds: the tensors of a run by name, out of a trainer and back into it."""

from __future__ import annotations

import platform
from collections.abc import Set
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from unlabeled.errors import DataError
from unlabeled.method import Method
from unlabeled.train.loop import Trainer
from unlabeled.version import __version__

REWRITTEN = ("progress", "index")  # buffers that the loop writes in each step


def facts(trainer: Trainer) -> dict[str, Any]:
    """Where a run stands, which run it is, and what made it."""
    return {
        "step": trainer.step,
        "skipped": trainer.skipped,
        "failures": trainer.failures,
        "run": identity(trainer),
        "versions": {
            "unlabeled": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }


def identity(trainer: Trainer) -> dict[str, Any]:
    """What must be the same for a run to go on as if it had never stopped."""
    method, batches = trainer.method, trainer.batches
    return {
        "method": type(method).__name__,
        "settings": method.spec(),
        "encoder": type(method.encoder).__name__,
        "recipe": asdict(trainer.recipe),
        "steps": trainer.steps,
        "batch": batches.size,
        "accumulate": trainer.accumulate,
        "seed": batches.seed,
        "data": {"samples": len(batches.store), "fingerprint": batches.store.fingerprint},
    }


def weights(method: Method[Any]) -> dict[str, Tensor]:
    """Every parameter and buffer by name, those that are not persistent too."""
    named = {**dict(method.named_parameters()), **dict(method.named_buffers())}
    return {name: x.detach() for name, x in named.items() if name not in REWRITTEN}


def moments(trainer: Trainer) -> dict[str, Tensor]:
    """What the optimiser remembers of each parameter: `NAME/exp_avg` and the like."""
    state = trainer.optimizer.state
    return {
        f"{name}/{key}": value
        for name, p in trainer.method.named_parameters()
        for key, value in state.get(p, {}).items()
        if value is not None
    }


@torch.no_grad()
def fill_weights(method: Method[Any], saved: dict[str, Tensor]) -> None:
    """Overwrite every parameter and buffer; a buffer that starts empty takes its size as well."""
    own = weights(method)
    late = {name for name, x in own.items() if not x.numel()} & saved.keys()
    match(own, saved, but=late)
    for name, x in own.items():
        if name in late:
            parent, _, leaf = name.rpartition(".")
            setattr(method.get_submodule(parent), leaf, saved[name].to(x.device))
        else:
            x.copy_(saved[name])


def fill_moments(trainer: Trainer, saved: dict[str, Tensor]) -> None:
    """Replace what the optimiser remembers."""
    names = {id(p): name for name, p in trainer.method.named_parameters()}
    groups = trainer.optimizer.param_groups
    left, packed = dict(saved), {}
    for i, p in enumerate(p for group in groups for p in group["params"]):
        start = names[id(p)] + "/"
        for name in [name for name in left if name.startswith(start)]:
            x = left.pop(name)
            # in the parameter's own layout: fused optimisers walk both side by side
            x = torch.empty_like(p, dtype=x.dtype).copy_(x) if x.shape == p.shape else x
            packed.setdefault(i, {})[name.removeprefix(start)] = x
    match({}, left)
    now = trainer.optimizer.state_dict()["param_groups"]
    trainer.optimizer.load_state_dict({"state": packed, "param_groups": now})


def match(own: dict[str, Tensor], saved: dict[str, Tensor], *, but: Set[str] = frozenset()) -> None:
    """Demand that saved tensors have the names, shapes and types of ours, but for some.

    Raises:
        DataError: Where they do not; names the first few.
    """
    alike = lambda a, b: a.shape == b.shape and a.dtype == b.dtype
    fit = {name for name in own.keys() & saved.keys() if alike(own[name], saved[name])}
    wrong = sorted((own.keys() | saved.keys()) - fit - but)
    if wrong:
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise DataError(
            f"missing, left over, or of another shape or type: {', '.join(wrong[:5])}{more}",
            hint="it was written for another method, encoder or version",
        )
