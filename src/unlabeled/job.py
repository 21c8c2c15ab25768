"""A run before it runs: data, method and settings put together, and what it will take."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from unlabeled import catalog
from unlabeled.data import Batches, Store
from unlabeled.data.batches import ENOUGH, SHOWN, Known, held_out
from unlabeled.data.labels import Opened
from unlabeled.data.options import Options
from unlabeled.encoders import Encoder, build
from unlabeled.errors import UsageError
from unlabeled.method import Method
from unlabeled.plan import PASSES, Plan
from unlabeled.recipe import Recipe
from unlabeled.rehearsal import memory, seconds_per_step
from unlabeled.train.loop import Trainer
from unlabeled.train.runtime import Runtime, unusable
from unlabeled.version import __version__
from unlabeled.world import world

SCHEMA = 1  # of config.json
READING = Options()  # how data is read when nothing is said
SPARE = 0.05  # share of a time budget left for looking at the encoder and saving


@dataclass
class Job:
    """Everything a run is made of.

    Attributes:
        config: Every setting, resolved; what config.json will hold.
        store: The samples.
        trainer: The method with its optimiser, at step 0.
        shown: The samples and how to read their labels, to show them to whoever watches, and on
            the page; the trainer does not have it.
    """

    config: dict[str, Any]
    store: Store
    trainer: Trainer
    shown: Opened | None = None

    @property
    def method(self) -> Method[Any]:
        """The method, unwrapped."""
        return self.trainer.method


def assemble(
    plan: Plan,
    store: Store,
    runtime: Runtime,
    *,
    seed: int,
    accumulate: int,
    reading: dict[str, Any],
    named: str = "auto",
) -> Job:
    """Build the method of a plan and settle how many steps it takes.

    Args:
        plan: Every setting but the number of steps.
        store: The samples.
        runtime: Where.
        seed: Of weights, order and views.
        accumulate: Parts that each batch is computed in.
        reading: The settings of `open_data` that the samples were read with.
        named: The recipe asked for: "auto", "paper" or "small".
    """
    enough = len(store) >= max(ENOUGH, plan.recipe.batch + SHOWN)
    held = SHOWN * (enough and catalog.load(plan.method).picture is not Method.picture)
    trainer = _trainer(plan, store, runtime, seed=seed, accumulate=accumulate, held=held)
    trainer.steps = _steps(plan, trainer)
    config = {
        "schema": SCHEMA,
        "unlabeled": __version__,
        "method": plan.method,
        "settings": plan.settings,
        "backbone": plan.backbone,
        "recipe": asdict(trainer.recipe),
        "recipe_name": named,
        "steps": trainer.steps,
        "epochs": trainer.steps / len(trainer.batches),
        "accumulate": accumulate,
        "seed": seed,
        "device": runtime.device,
        "precision": runtime.precision,
        "compile": runtime.compile,
        "processes": world()[1],
        "shape": asdict(store.shape),
        "reading": reading,
        "data": {
            "source": store.source,
            "samples": len(store),
            "held": held,
            "fingerprint": store.fingerprint,
            "bad": len(store.bad),
            "notes": list(store.notes),
            "spans": store.extra.get("spans", {}),
        },
        "encoder": _anatomy(trainer.method.encoder),
        "rules": [*plan.rules, *[f"{held} samples are held out, for the page"] * bool(held)],
        "versions": versions(),
        "hardware": hardware(runtime.device),
    }
    config["command"] = command(config)
    return Job(config, store, trainer)


def reassemble(config: dict[str, Any], store: Store) -> Job:
    """The job that a run's config.json describes, at step 0."""
    runtime = Runtime(config["device"], config["precision"], config["compile"])
    said = {"seed": config["seed"], "accumulate": config["accumulate"]}
    said["held"] = held_out(config["data"], store)
    trainer = _trainer(_planned(config), store, runtime, **said)
    trainer.steps = config["steps"]
    return Job(config, store, trainer)


def method(config: dict[str, Any], store: Store) -> Method[Any]:
    """The method that a run's config.json describes, at step 0; on its device, or on the CPU."""
    made = _method(_planned(config), store, config["seed"], held_out(config["data"], store))
    device = "cpu" if unusable(config["device"]) else config["device"]
    Runtime(device).place(made)
    return made


def _planned(config: dict[str, Any]) -> Plan:
    recipe = Recipe(**config["recipe"])
    return Plan(
        config["method"], config["settings"], recipe, config["backbone"], steps=config["steps"]
    )


def _method(plan: Plan, store: Store, seed: int, held: int) -> Method[Any]:
    torch.manual_seed(seed)
    made = catalog.load(plan.method)(build(plan.backbone, store.shape), **plan.settings)
    if type(made).prepare is not Method.prepare:
        made.prepare(Known(store, held) if held else store)
    return made


def _trainer(
    plan: Plan, store: Store, runtime: Runtime, *, seed: int, accumulate: int, held: int
) -> Trainer:
    method = _method(plan, store, seed, held)
    batches = Batches(store, plan.recipe.batch, seed=seed, device=runtime.device, held=held)
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


def estimate(job: Job) -> dict[str, Any]:
    """The plan for a person: what will run, how long it takes and how much memory."""
    each = seconds_per_step(job.trainer)
    held = memory(job.trainer, job.store)
    return {
        **{k: job.config[k] for k in ("method", "backbone", "steps", "epochs", "settings")},
        "samples": job.config["data"]["samples"],
        "recipe": job.config["recipe"],
        "rules": [*job.config["rules"], *job.config["data"]["notes"]],
        "seconds_per_step": round(each, 4),
        "seconds": round(each * job.config["steps"] / (1 - SPARE)),
        "memory_gib": round(sum(held.values()) / 2**30, 2),
        "memory_mib": {what: round(n / 2**20, 1) for what, n in held.items()},
        "command": job.config["command"],
    }


def command(config: dict[str, Any]) -> str:
    """The command line that repeats a run, every setting spelled out."""
    recipe = config["recipe"]
    flags = {
        "backbone": config["backbone"],
        "steps": config["steps"],
        "batch_size": recipe["batch"],
        "accumulate": config["accumulate"],
        "optimizer": recipe["optimizer"],
        "lr": recipe["lr"],
        "weight_decay": recipe["weight_decay"],
        "warmup": recipe["warmup"],
        "clip": recipe["clip"],
        "recipe": None if config["recipe_name"] == "auto" else config["recipe_name"],
        "seed": config["seed"],
        "device": config["device"],
        "precision": config["precision"],
        "compile": config["compile"] or None,
        **{k: v for k, v in config["reading"].items() if v != getattr(READING, k)},
        **config["settings"],
    }
    words = ["unlabeled", "pretrain", config["method"], config["data"]["source"]]
    for name, value in flags.items():
        words += _flag(name.replace("_", "-"), value)
    return shlex.join(words)


def _flag(name: str, value: Any) -> list[str]:
    """A flag as it is typed; nothing for None."""
    if value is None:
        return []
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    return [f"--{name}", *map(str, value if isinstance(value, (list, tuple)) else [value])]


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


def hardware(device: str) -> dict[str, Any]:
    """What a run is computed on: the processor, its cores that may be used, and the GPU."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    on_gpu = device.startswith("cuda")
    return {
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "cores": cores,
        "gpu": torch.cuda.get_device_name(device) if on_gpu else None,
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
