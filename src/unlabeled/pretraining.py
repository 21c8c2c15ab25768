"""The main job: from a method's name and a data set to a trained encoder, a verdict and a page."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import time as clock
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from unlabeled import catalog, job
from unlabeled.data import Store, open_apart
from unlabeled.data.labels import Opened
from unlabeled.diagnose import Health, concluded, drawn, seen, verdict
from unlabeled.encoders import default
from unlabeled.errors import DataError, Interrupted, Stopped
from unlabeled.evaluate.baselines import untrained
from unlabeled.job import Job
from unlabeled.log import Log
from unlabeled.plan import resolve
from unlabeled.run import Run, load
from unlabeled.train import checkpoint, weights
from unlabeled.train.folder import RunFolder, fresh
from unlabeled.train.memory import keep_memory
from unlabeled.train.runtime import Runtime, processes
from unlabeled.train.signals import requests
from unlabeled.watch import Watch
from unlabeled.world import world

SAVE_EVERY = 120.0  # seconds between checkpoints


def pretrain(
    method: str,
    data: Any,
    *,
    out: str | Path | None = None,
    report: bool = True,
    quiet: bool = False,
    **said: Any,
) -> Run:
    """Train an encoder on data without labels.

    Args:
        method: A method's name (`unlabeled.methods()` lists them) or a file of one's own.
        data: A folder, archive, table, array or text, an in-memory array or Dataset, or a named
            set: `fashion-mnist`, `digits`, `wordnet`, `20-newsgroups`, `sample`.
        out: The run's folder; runs/METHOD-DATA if None.
        report: Whether to write the page at the end.
        quiet: Whether to say nothing while training.
        said: Any setting of `prepare`, and the method's own hyperparameters.

    Returns:
        The run: `embed`, `evaluate`, `diagnose` and `report` it.

    Raises:
        UnlabeledError: With its exit code and what to do next; see `unlabeled.errors`.
    """
    keep_memory()
    with processes(said.get("device", "auto")):
        log = Log(quiet=quiet)
        ready = prepare(method, data, progress=log.decoding, **said)
        folder = Path(out) if out else fresh(f"{Path(method).stem}-{_label(ready.store)}")
        with RunFolder.create(folder, ready.config, ready.store) as place:
            _train(ready, place, log)
        first = world()[0] == 0
    return _finish(folder, ready.shown or ready.store, first, report=report, quiet=quiet)


def resume(
    folder: str | Path, data: Any = None, *, report: bool = True, quiet: bool = False
) -> Run:
    """Go on with a run from its last checkpoint, as if it had never stopped.

    Args:
        folder: The run's folder; it holds every setting.
        data: The samples again, where they were given in memory.
        report: Whether to write the page at the end.
        quiet: Whether to say nothing while training.

    Raises:
        UsageError: Where the folder holds no run, or the data has changed.
    """
    keep_memory()
    config = RunFolder.config_of(folder)
    with processes(config["device"]):
        log = Log(quiet=quiet)
        source = config["data"]["source"] if data is None else data
        opened = _opened(source, progress=log.decoding, **config["reading"])
        job.same_data(config, opened.store)
        ready = dataclasses.replace(job.reassemble(config, opened.store), shown=opened)
        with RunFolder.open(folder) as place:
            _train(ready, place, log)
        first = world()[0] == 0
    return _finish(Path(folder), opened, first, report=report, quiet=quiet)


def plan(method: str, data: Any, *, quiet: bool = False, **said: Any) -> dict[str, Any]:
    """What `pretrain` would do, with its time and memory; nothing is trained or written."""
    for name in ("out", "report"):
        said.pop(name, None)
    keep_memory()
    return job.estimate(prepare(method, data, progress=Log(quiet=quiet).decoding, **said))


def prepare(
    method: str,
    data: Any,
    *,
    backbone: str | None = None,
    epochs: float | None = None,
    time: str | float | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    accumulate: int = 1,
    optimizer: str | None = None,
    lr: float | None = None,
    weight_decay: float | None = None,
    warmup: float | None = None,
    clip: float | None = None,
    recipe: str = "auto",
    size: int | None = None,
    length: int | None = None,
    min_count: int = 5,
    value_range: tuple[float, float] | None = None,
    modality: str = "auto",
    allow_bad: float = 0.01,
    download: bool = False,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    compile: bool = False,
    progress: Callable[[int, int], None] | None = None,
    **settings: Any,
) -> Job:
    """Open the data, settle every setting and build the method.

    Args:
        method: As for `pretrain`.
        data: As for `pretrain`.
        backbone: The encoder: one of ours or any timm model; chosen by data and device if None.
        epochs: Passes over the data.
        time: A budget in place of epochs: "10m", "1h30m" or seconds.
        steps: Optimiser steps in place of epochs.
        batch_size: Samples per step over all processes.
        accumulate: Parts that each batch is computed in, to save memory.
        optimizer: "sgd", "adam", "adamw" or "lars".
        lr: Peak learning rate.
        weight_decay: Decay of weights with two dimensions or more.
        warmup: Share of the run over which the rate rises.
        clip: Largest gradient norm.
        recipe: "paper" for the paper's settings, "small" for small data and short budgets; "auto"
            decides by data and device.
        size: Side at which photographs are kept and seen; steps of a series.
        length: Words in a row of text.
        min_count: How often a word must occur in a text to be known.
        value_range: Values that become black and white in pictures deeper than eight bits.
        modality: "image", "series" or "text" where "auto" would guess otherwise.
        allow_bad: Share of files that may be unreadable before the run refuses to start.
        download: Whether a named set may be fetched from its home.
        seed: Of weights, order and views.
        device: "auto", "cpu", "cuda" or "cuda:1".
        precision: "auto", "bf16" or "fp32".
        compile: Whether to compile the forward pass.
        progress: Called with (done, of) as pictures are decoded.
        settings: The method's own hyperparameters.
    """
    card, runtime = catalog.card(method), Runtime.detect(device, precision, compile=compile)
    reading = {
        "size": size,
        "length": length,
        "min_count": min_count,
        "value_range": value_range,
        "modality": modality,
        "allow_bad": allow_bad,
    }
    opened = _opened(data, download=download, progress=progress, **reading)
    store = opened.store
    kind = torch.device(runtime.device).type
    settled = resolve(
        card, settings, samples=len(store), size=store.shape.size, device=kind,
        backbone=backbone or default(catalog.load(method).suits(kind), store.shape, kind),
        named=recipe, epochs=epochs, time=time, steps=steps, batch=batch_size,
        optimizer=optimizer, lr=lr, weight_decay=weight_decay, warmup=warmup, clip=clip,
    )  # fmt: skip
    ready = job.assemble(
        settled, store, runtime, seed=seed, accumulate=accumulate, reading=reading, named=recipe
    )
    return dataclasses.replace(ready, shown=opened)


def _opened(data: Any, **said: Any) -> Opened:
    """The samples, and their labels where these lie beside them: no sample is read again."""
    opened = open_apart(data, **said)
    beside = isinstance(data, (str, os.PathLike, tuple, list)) or hasattr(data, "targets")
    return opened if beside else open_apart(opened.store)


def _train(ready: Job, place: RunFolder, log: Log) -> None:
    """Train, and note when that was and how long it took."""
    began, now = clock.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    path = place.path / "times.json"
    before = json.loads(path.read_text()) if path.exists() else {"began": now, "seconds": 0}
    try:
        _steps(ready, place, log)
    finally:
        seconds = before["seconds"] + clock.monotonic() - began
        with contextlib.suppress(OSError):  # whatever ended the run is what should be said
            place.write("times.json", {**before, "seconds": round(seconds, 1)})


def _steps(ready: Job, place: RunFolder, log: Log) -> None:
    """Train to the last step, looking, logging and saving on the way."""
    trainer = ready.trainer
    log.start(ready.config, str(place.path))
    if checkpoint.newest(place.checkpoints) is not None:
        checkpoint.restore(place.checkpoints, trainer)
        log.say(f"  going on from step {trainer.step:,}")
    place.rewind(trainer.step)
    watch, failures, bad = Watch(ready, place, log), 0, len(ready.store.bad)
    with requests(every=SAVE_EVERY) as asked:
        watch.begin()
        for step in asked.watch(trainer.run()):
            watch.see(step)
            for file, reason in ready.store.bad[bad:]:  # it broke since the data was opened
                place.quarantine(file, reason)
            bad = len(ready.store.bad)
            if asked.save:
                failures = checkpoint.try_save(place.checkpoints, trainer, failures=failures)
            if asked.stop:
                kind = Interrupted if asked.interrupted else Stopped
                hint = f"unlabeled pretrain --resume {place.path}"
                raise kind(f"stopped, with a checkpoint in {place.path}", hint=hint)
    checkpoint.save(place.checkpoints, trainer)
    checkpoint.prune(place.checkpoints)
    found = _judged(ready, watch.history)  # by all processes, as batch norm may ask them all
    if world()[0] == 0:
        weights.write(place.path / weights.FILE, ready.method.encoder)
        place.write("verdict.json", found)


def _judged(ready: Job, history: Sequence[Health]) -> dict[str, Any]:
    """The verdict on the whole run: how it went, and the encoder as it will be used."""
    encoder, store, seed = ready.method.encoder, ready.store, ready.config["seed"]
    last = history[-1]
    try:
        batch = drawn(encoder, store)
        now, _ = seen(encoder, batch, step=last.step)
        then, _ = seen(untrained(encoder, store, seed), batch, step=0)
    except DataError:  # a file broke since; the run is done all the same
        return {**dataclasses.asdict(verdict(history, steps=last.step)), **dataclasses.asdict(last)}
    course = ("loss", "learned_nothing", "embed_spread", "embed_rank", "embed_dim", "usage")
    known = {name: getattr(last, name) for name in course}
    return {**dataclasses.asdict(concluded(now, then, history)), **dataclasses.asdict(now), **known}


def _finish(folder: Path, shown: Store | Opened, first: bool, *, report: bool, quiet: bool) -> Run:
    """Open the finished run; the first process writes its page and says where it is."""
    run, log = load(folder), Log(quiet=quiet)
    if first:
        verdict = run.verdict
        log.say(verdict["words"], "bold" if verdict["ok"] else "bold red")
        if verdict["advice"]:
            log.say(f"hint: {verdict['advice']}")
        if report:
            log.say(f"report: {run.report(shown)}")
    return run


def _label(store: Store) -> str:
    """A short name for the data, fit for a folder's name."""
    stem = Path(store.source).name.split(".")[0] or "data"
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in stem)[:40]
