"""A run before it runs: data, method and settings put together, and what it will take."""

from __future__ import annotations

import copy
import importlib.metadata
import platform
import resource
import shlex
import statistics
import time as clock
from dataclasses import asdict, dataclass
from typing import Any

import torch

from unlabeled import catalog
from unlabeled.data import Batches, Store
from unlabeled.encoders import Encoder, Shape, build
from unlabeled.errors import UsageError
from unlabeled.method import Method
from unlabeled.plan import PASSES, Plan
from unlabeled.recipe import Recipe
from unlabeled.train.loop import Trainer
from unlabeled.train.runtime import Runtime
from unlabeled.version import __version__
from unlabeled.world import largest, world

SCHEMA = 1  # of config.json
SPARE = 0.05  # share of a time budget left for looking at the encoder and saving
WARM, TIMED = 3, 8  # steps run before and while the clock runs


@dataclass
class Job:
    """Everything a run is made of.

    Attributes:
        config: Every setting, resolved; what config.json will hold.
        store: The samples.
        trainer: The method with its optimiser, at step 0.
    """

    config: dict[str, Any]
    store: Store
    trainer: Trainer

    @property
    def method(self) -> Method[Any]:
        """The method, unwrapped."""
        return self.trainer.method


def assemble(plan: Plan, store: Store, runtime: Runtime, *, seed: int, accumulate: int) -> Job:
    """Build the method of a plan and settle how many steps it takes."""
    trainer = _trainer(plan, store, runtime, seed=seed, accumulate=accumulate)
    trainer.steps = _steps(plan, trainer)
    config = {
        "schema": SCHEMA,
        "unlabeled": __version__,
        "method": plan.method,
        "settings": plan.settings,
        "backbone": plan.backbone,
        "recipe": asdict(trainer.recipe),
        "steps": trainer.steps,
        "epochs": trainer.steps / len(trainer.batches),
        "accumulate": accumulate,
        "seed": seed,
        "device": runtime.device,
        "precision": runtime.precision,
        "compile": runtime.compile,
        "processes": world()[1],
        "shape": asdict(store.shape),
        "data": {
            "source": store.source,
            "samples": len(store),
            "fingerprint": store.fingerprint,
            "bad": len(store.bad),
            "notes": list(store.notes),
        },
        "encoder": _anatomy(trainer.method.encoder),
        "rules": list(plan.rules),
        "versions": versions(),
    }
    config["command"] = command(config)
    return Job(config, store, trainer)


def reassemble(config: dict[str, Any], store: Store) -> Job:
    """The job that a run's config.json describes, at step 0."""
    plan = Plan(
        config["method"],
        config["settings"],
        Recipe(**config["recipe"]),
        config["backbone"],
        steps=config["steps"],
    )
    runtime = Runtime(config["device"], config["precision"], config["compile"])
    trainer = _trainer(plan, store, runtime, seed=config["seed"], accumulate=config["accumulate"])
    trainer.steps = config["steps"]
    return Job(config, store, trainer)


def encoder_of(config: dict[str, Any]) -> Encoder:
    """The encoder that a run's config.json describes, with fresh weights."""
    return build(config["backbone"], Shape(**config["shape"]))


def _trainer(plan: Plan, store: Store, runtime: Runtime, *, seed: int, accumulate: int) -> Trainer:
    torch.manual_seed(seed)
    method = catalog.load(plan.method)(build(plan.backbone, store.shape), **plan.settings)
    method.prepare(torch.from_numpy(store.data))
    batches = Batches(store, plan.recipe.batch, seed=seed, device=runtime.device)
    return Trainer(
        method, batches, plan.recipe, steps=plan.steps or 1, runtime=runtime, accumulate=accumulate
    )


def _steps(plan: Plan, trainer: Trainer) -> int:
    """How many steps: as said, or as many as the time or the epochs allow."""
    if plan.steps is not None:
        return plan.steps
    if plan.seconds is None:
        return max(1, round(plan.recipe.epochs * len(trainer.batches)))
    steps = int(plan.seconds * (1 - SPARE) / seconds_per_step(trainer))
    return max(1, min(steps, PASSES * len(trainer.batches)))


def seconds_per_step(trainer: Trainer) -> float:
    """Measure a few steps on a copy of the method, which leaves no trace; the slowest process's."""
    spare = Trainer(
        copy.deepcopy(trainer.method),
        trainer.batches,
        trainer.recipe,
        steps=10**9,
        runtime=trainer.runtime,
        accumulate=trainer.accumulate,
    )
    laps = [clock.perf_counter()]
    for step in spare.run():
        step.loss.item()
        laps.append(clock.perf_counter())
        if step.number == WARM + TIMED - 1:
            break
    spare.close()
    times = [b - a for a, b in zip(laps[WARM:], laps[WARM + 1 :], strict=False)]
    return float(largest(torch.tensor(statistics.median(times))))


def estimate(job: Job) -> dict[str, Any]:
    """The plan for a person: what will run, how long it takes and how much memory."""
    each = seconds_per_step(job.trainer)
    on_cuda = job.config["device"].startswith("cuda")
    peak = (
        torch.cuda.max_memory_allocated()
        if on_cuda
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    )
    return {
        **{k: job.config[k] for k in ("method", "backbone", "steps", "epochs", "settings")},
        "samples": job.config["data"]["samples"],
        "recipe": job.config["recipe"],
        "rules": [*job.config["rules"], *job.config["data"]["notes"]],
        "seconds_per_step": round(each, 4),
        "seconds": round(each * job.config["steps"] / (1 - SPARE)),
        "memory_gib": round(peak / 2**30, 2),
        "command": job.config["command"],
    }


def command(config: dict[str, Any]) -> str:
    """The command line that repeats a run, every setting spelled out."""
    recipe = config["recipe"]
    flags = {
        "backbone": config["backbone"],
        "steps": config["steps"],
        "batch-size": recipe["batch"],
        "accumulate": config["accumulate"],
        "optimizer": recipe["optimizer"],
        "lr": recipe["lr"],
        "weight-decay": recipe["weight_decay"],
        "warmup": recipe["warmup"],
        "seed": config["seed"],
        "device": config["device"],
        "precision": config["precision"],
        **{name.replace("_", "-"): value for name, value in config["settings"].items()},
    }
    words = ["unlabeled", "pretrain", config["method"], config["data"]["source"]]
    for name, value in flags.items():
        words += [f"--{name}", str(value)]
    return shlex.join(words)


def _anatomy(encoder: Encoder) -> dict[str, Any]:
    return {
        "dim": encoder.dim,
        "layers": list(encoder.layers),
        "parameters": sum(p.numel() for p in encoder.parameters()),
        "notes": list(encoder.notes),
    }


def versions() -> dict[str, str]:
    """What a result depends on besides its settings."""
    packages = ("torch", "timm", "numpy", "pillow")
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        **{name: importlib.metadata.version(name) for name in packages},
    }


def same_data(config: dict[str, Any], store: Store) -> None:
    """Refuse to go on with a run on data that has changed.

    Raises:
        UsageError: Where the fingerprint differs.
    """
    was = config["data"]
    if was["fingerprint"] != store.fingerprint:
        raise UsageError(
            f"{store.source} has changed since this run began: {was['samples']:,} samples then, "
            f"{len(store):,} now",
            hint="start a new run on the new data, or bring the old data back",
        )
