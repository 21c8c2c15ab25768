"""What one process of two makes, to be compared with what one process alone makes.

As a script, `ranks.py FOLDER` forks two that write FOLDER/0.pt and FOLDER/1.pt. One pair serves
all tests: starting it takes longer than all that it does.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from specimens import SMALL, Tiny, everything, exact, go
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from unlabeled import catalog
from unlabeled.encoders import Encoder, Patches
from unlabeled.errors import Diverged, MachineError, UnlabeledError
from unlabeled.train import checkpoint
from unlabeled.train.folder import RunFolder, fresh
from unlabeled.train.runtime import GlobalBatchNorm, Runtime, synchronise_norms
from unlabeled.train.signals import requests
from unlabeled.world import gather, total, world

METHODS = list(catalog.cards())
PLAIN = dataclasses.replace(
    SMALL, optimizer="sgd", lr=0.1, momentum=0.0, weight_decay=0.0, clip=None
)


def loss_and_gradient(name: str) -> dict[str, torch.Tensor]:
    """Of the first batch, in training mode and float64: a process's share of it, or all."""
    trainer = Tiny(name).trainer(3)
    method = exact(trainer.method)
    with torch.no_grad():
        views = method.views(trainer.batches[0])
    model = Runtime().wrap(method)
    loss, _ = model(*views)
    loss.backward()
    slopes = {n: p.grad for n, p in method.named_parameters() if p.grad is not None}
    return {"the loss": total(loss.detach()) / world()[1], **slopes}


def three_steps(case: Tiny, *, accumulate: int = 1) -> dict[str, torch.Tensor]:
    """All that a run is made of after three steps in float64, and their losses."""
    trainer = case.trainer(3, method=exact(case.build()), accumulate=accumulate)
    losses = [step.loss for step in trainer.run()]
    held = everything(trainer)
    del held["samples"]
    return {**held, "losses": torch.stack(losses)}


class Apart(Tiny):
    """Rotation on an encoder with group norm: no example sees another."""

    def encoder(self) -> Encoder:
        return Patches(3, 16, dim=32)


def in_parts() -> dict[str, torch.Tensor]:
    """Three steps, in two parts each where there are two processes."""
    return three_steps(Apart("rotation"), accumulate=world()[1])


def an_unused_parameter() -> list[float]:
    """Losses of a method of which a part is never used."""
    trainer = Tiny("rotation").trainer(3, recipe=PLAIN)
    trainer.method.spare = nn.Linear(2, 2)
    return [float(step.loss) for step in trainer.run()]


def one_bad_process() -> dict[str, Any]:
    """The last process's views are no numbers at step 1: all skip it, and stay alike."""
    trainer = Tiny("byol").trainer(4)
    views, (rank, ranks) = trainer.method.views, world()

    def poisoned(batch):
        bad = trainer.step == 1 and rank == ranks - 1
        return tuple(v * torch.nan if bad else v for v in views(batch))

    trainer.method.views = poisoned
    skipped = [step.skipped for step in trainer.run()]
    return {"skipped": skipped, "state": everything(trainer)}


def one_asked_to_stop(folder: Path) -> dict[str, Any]:
    """SIGTERM reaches the last process alone, at step 2."""
    trainer, (rank, ranks) = Tiny("rotation").trainer(9), world()
    with requests() as asked:
        for step in asked.watch(trainer.run()):
            if asked.stop:
                checkpoint.save(folder, trainer)
                break
            if step.number == 2 and rank == ranks - 1:
                os.kill(os.getpid(), signal.SIGTERM)
    return {"step": trainer.step, "saved": sorted(p.name for p in folder.glob("step-*"))}


def a_failed_save(folder: Path) -> str:
    """Only the first process writes; that it cannot is an error on all."""
    try:
        checkpoint.save(folder / "absent" / "checkpoints", Tiny("rotation").trainer(2))
    except MachineError as error:
        return str(error)
    return "no error"


def a_folder(folder: Path) -> list[str]:
    """The first process makes it, and none goes on before; a second run finds it taken."""
    with RunFolder.create(folder / "one", {"a": 1}) as place:
        place.log(step=0)
        said = [str(RunFolder.config_of(place.path))]
    try:
        RunFolder.create(folder / "one", {})
    except UnlabeledError as error:
        said.append(f"{type(error).__name__}: {error}")
    return said


def apart() -> str:
    """The processes stand at different steps."""
    trainer = Tiny("rotation").trainer(9)
    trainer.step = world()[0]
    try:
        next(trainer.run())
    except MachineError as error:
        return str(error)
    return "no error"


def going_on(folder: Path) -> list[float]:
    """Losses of a run that one process began, in float64."""
    case = Tiny("simclr")
    trainer = case.trainer(6, method=exact(case.build(seed=9)))
    checkpoint.restore(folder, trainer)
    return [float(step.loss) for step in trainer.run()]


def begin(folder: Path) -> None:
    """The run that `going_on` goes on with: three of six steps."""
    case = Tiny("simclr")
    trainer = case.trainer(6, method=exact(case.build()))
    go(trainer, 3)
    checkpoint.save(folder, trainer)


def norms() -> dict[str, torch.Tensor]:
    """A batch norm of timm's, with its activation, and one that averages all batches."""
    from timm.layers import BatchNormAct2d

    torch.manual_seed(0)
    norm = nn.Sequential(BatchNormAct2d(3), nn.BatchNorm2d(3, momentum=None)).double()
    if world()[1] > 1:
        synchronise_norms(norm)
        assert all(isinstance(part, GlobalBatchNorm) for part in norm)
    rows = (100 + torch.randn(8, 3, 4, 4, dtype=torch.float64)).chunk(world()[1])[world()[0]]
    outs = [gather(norm(rows * scale)).detach() for scale in (1, 2)]
    return {"outs": torch.stack(outs), **norm.state_dict()}


def left_behind() -> int:
    """How many wrappers outlive their runs, one of which ended in an error."""
    trainer = Tiny("rotation").trainer(9)
    trainer.method.head.weight.data.fill_(torch.nan)
    with contextlib.suppress(Diverged):
        list(trainer.run())
    return sum(isinstance(thing, DistributedDataParallel) for thing in gc.get_objects())


def outcomes(folder: Path) -> dict[str, Any]:
    """Everything, by name; an error's traceback where there was one."""
    tasks: dict[str, Any] = {
        **{f"gradient {name}": lambda name=name: loss_and_gradient(name) for name in METHODS},
        **{f"steps {name}": lambda name=name: three_steps(Tiny(name)) for name in METHODS},
        "parts": in_parts,
        "unused": an_unused_parameter,
        "bad": one_bad_process,
        "stop": lambda: one_asked_to_stop(folder / "stop"),
        "failed": lambda: a_failed_save(folder),
        "apart": apart,
        "folder": lambda: a_folder(folder),
        "on": lambda: going_on(folder / "begun"),
        "norms": norms,
        "left": left_behind,
        "fresh": lambda: str(fresh("run", folder / "runs")),
    }
    made = {}
    for name, task in tasks.items():
        try:
            made[name] = task()
        except Exception:
            made[name] = traceback.format_exc()
        gc.collect()
    return made


def join(folder: Path, rank: int) -> None:
    """What each of the two does."""
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    torch.save(outcomes(folder), folder / f"{rank}.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    torch.set_num_threads(1)
    Tiny("rotation").trainer(1)  # imports all that a run does, once for both
    gc.freeze()  # what is imported need not be looked through again and again
    processes = []
    for rank in range(2):
        processes.append(os.fork())
        if not processes[-1]:
            try:
                join(Path(sys.argv[1]), rank)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
    sys.exit(any(os.waitpid(process, 0)[1] for process in processes))
