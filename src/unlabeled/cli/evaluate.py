"""`unlabeled evaluate RUN --train DATA --test DATA`: how good it is, beside the baselines."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

WIDE = 12  # columns from which a table is turned on its side


def evaluate(
    run: Path,
    *,
    train: str = "",
    test: str = "",
    protocol: str = "knn,linear,few,layers",
    baselines: bool = True,
    supervised: Annotated[bool, Parameter(negative=())] = False,
    groups: str | None = None,
    epochs: int | None = None,
    allow_bad: float | None = None,
    download: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Judge a run's encoder with labels, always beside its baselines.

    Parameters
    ----------
    run:
        The run's folder.
    train:
        Labelled samples to learn a probe from: class folders, labelled tables or arrays, or a
        named set such as fashion-mnist:train. A run on text needs none: without them its words
        are judged by similarity, analogies and parts of speech.
    test:
        Labelled samples to score, such as fashion-mnist:test.
    protocol:
        Several with commas. On frozen features: knn, linear, few (few labels), retrieval,
        verification (pairs), clustering, matching (views), anomaly (a class held out), layers
        (knn and linear on every layer). As others report it: linear:vissl, linear:simclr,
        linear:solo, linear:mae, linear:dino, linear:dinov2. Against random weights: finetune (all
        weights), segmentation (of synthetic collages of samples on black). With the method's own
        heads: future (CPC's test: the next part among sixteen), energy (how badly samples fit,
        each class the strange one in turn).
    baselines:
        Also score the untrained network, raw samples (of text TF-IDF) and PCA of them.
    supervised:
        Also train the same network with all labels, for as many steps.
    groups:
        Pattern that finds in the names of the training samples which belong together, such as
        `patient-[0-9]+`: what chooses a penalty then shares no group with what it is fitted to.
    epochs:
        Of linear:NAME, at most what NAME publishes; by default all of them on a GPU, 10 on a CPU.
    allow_bad:
        Share of files that may be unreadable; by default the run's.
    download:
        Let a named set be fetched from its home.
    json:
        Print one JSON object on stdout and nothing else.
    """
    import unlabeled
    from unlabeled.evaluate import BASELINES, basis, table
    from unlabeled.log import Log

    result = unlabeled.load(run).evaluate(
        train=train or None,
        test=test or None,
        protocols=tuple(name for word in protocol.split(",") if (name := word.strip())),
        beside=BASELINES if baselines else (),
        supervised=supervised,
        groups=groups,
        epochs=epochs,
        allow_bad=allow_bad,
        download=download,
        progress=Log(quiet=json).decoding,
    )
    if json:
        print(dumps(result))
        return
    rows = table(result)
    if len(rows[0]) > WIDE:
        rows = [list(column) for column in zip(*rows, strict=True)]
    print("\n".join([*aligned(rows), "", *basis(result), *result.get("notes", ())]))


def aligned(rows: list[list[str]]) -> list[str]:
    """Rows of a table with their columns lined up."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
