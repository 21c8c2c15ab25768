"""`unlabeled pretrain METHOD DATA`: the flags are the API's and the method's own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from json import dumps
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter

from unlabeled import catalog
from unlabeled.catalog import Field
from unlabeled.cli import rank
from unlabeled.errors import UnlabeledError, UsageError
from unlabeled.plan import TYPES

# what is no setting of a run, or is handed on by itself
APART = {"method", "data", "resume", "dry_run", "json", "settings", "pretraining"}


def pretrain(
    method: str = "",
    data: str = "",
    *,
    backbone: str | None = None,
    epochs: float | None = None,
    time: str | None = None,
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
    download: Annotated[bool, Parameter(negative=())] = False,
    out: Path | None = None,
    resume: Path | None = None,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    compile: Annotated[bool, Parameter(negative=())] = False,
    report: bool = True,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
    **settings: Any,
) -> None:
    """Train an encoder on data without labels.

    Parameters
    ----------
    method:
        A method's name (`unlabeled methods` lists them), several joined by a plus
        (rotation+jigsaw), or a file of your own, ./mine.py.
    data:
        A folder, zip, tar, parquet, .npy, .ts, IDX or text file, or a named set: fashion-mnist,
        digits, wordnet, 20-newsgroups, sample.
    backbone:
        The encoder: convnet, patches, series, words, or any timm model.
    epochs:
        Passes over the data.
    time:
        A budget in place of epochs: 90s, 10m, 1h30m.
    steps:
        Optimiser steps in place of epochs.
    batch_size:
        Samples per step, over all processes.
    accumulate:
        Parts each batch is computed in, to save memory.
    optimizer:
        sgd, adam, adamw or lars.
    lr:
        Peak learning rate.
    weight_decay:
        Decay of weight matrices.
    warmup:
        Share of the run over which the rate rises.
    clip:
        Largest gradient norm.
    recipe:
        auto, paper or small.
    size:
        Side at which photographs are kept and seen; steps of a series.
    length:
        Words in a row of text; 32 by default.
    min_count:
        How often a word must occur in a text to be known.
    value_range:
        Two values, which become black and white in pictures deeper than eight bits: 0 4095.
    modality:
        image, series or text, where auto would guess otherwise.
    allow_bad:
        Share of files that may be unreadable.
    download:
        Let a named set be fetched from its home.
    out:
        The run's folder; by default runs/METHOD-DATA.
    resume:
        Go on with this run, from its last checkpoint; nothing else is needed.
    seed:
        Of weights, order and views.
    device:
        auto, cpu, cuda or cuda:1.
    precision:
        auto, bf16 or fp32.
    compile:
        Compile the forward pass.
    report:
        Write RUN/report.html at the end.
    dry_run:
        Print the resolved plan with its time and memory, and train nothing.
    json:
        Print one JSON object on stdout and nothing else.
    """
    from unlabeled import pretraining

    if resume is not None:
        if method or data:
            raise UsageError("--resume needs nothing else: its folder holds every setting")
        show(pretraining.resume(resume, quiet=json), json)
        return
    if not method or not data:
        raise UsageError(
            "a method and data are needed", hint="unlabeled pretrain simclr photos/ --time 10m"
        )
    words = {name: value for name, value in locals().items() if name not in APART}
    if dry_run:
        print_plan(pretraining.plan(method, data, quiet=json, **words, **settings), json)
        return
    show(pretraining.pretrain(method, data, quiet=json, **words, **settings), json)


def command(words: list[str]) -> Callable[..., None]:
    """`pretrain` with the flags of the method that `words` name, if they name one."""
    fields = _named(words)
    signature = inspect.signature(pretrain, eval_str=True)
    generic = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]

    def bound(*args: Any, **kwargs: Any) -> None:
        return pretrain(*args, **{k: v for k, v in kwargs.items() if v is not None})

    own = [_parameter(f, words[1]) for f in fields]
    bound.__doc__ = pretrain.__doc__
    bound.__signature__ = signature.replace(parameters=[*generic, *own])  # pyright: ignore
    bound.__annotations__ = {p.name: p.annotation for p in [*generic, *own]}
    return bound


def _named(words: list[str]) -> tuple[Field, ...]:
    if len(words) < 2 or words[0] != "pretrain" or words[1].startswith("-"):
        return ()
    return catalog.card(words[1]).fields


def _parameter(field: Field, method: str) -> inspect.Parameter:
    kind = TYPES.get(field.type, str)
    doc = f"{field.doc} (default: {field.default})"
    note = Parameter(help=doc, group=Group(f"{method}'s own"), show_default=False)
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, note],
    )


def show(run: Any, as_json: bool) -> None:
    """What a finished run says for itself, on the first process."""
    if rank():
        return
    if as_json:
        print(dumps(run.summary()))
    else:
        print(run.folder)
    if run.verdict["level"] == "collapsed":
        raise Collapsed(run.verdict["words"], hint=run.verdict["advice"])


class Collapsed(UnlabeledError):
    """A run that ended with a collapsed encoder."""

    code = 5


def print_plan(plan: dict[str, Any], as_json: bool) -> None:
    """The resolved settings of a run that was not started."""
    if rank():
        return
    if as_json:
        print(dumps(plan))
        return
    for key, value in plan.items():
        if isinstance(value, dict):
            value = ", ".join(f"{name} {x}" for name, x in value.items())
        for i, line in enumerate(value if isinstance(value, (list, tuple)) else [value]):
            print(f"{key if i == 0 else '':>16}  {line}")
