"""Everything the page shows, as plain data: strings, numbers and arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unlabeled.report.things import Clusters, Extremes, Map, Neighbours, Things, Twins

MEANINGS = {
    "kNN": "share of unseen samples whose nearest neighbours, asked for their label, name it right",
    "linear": "share right when one linear layer is trained with labels on the frozen vectors",
    "1 label": "share right when only one sample of each class has a label",
    "5 labels": "share right when only five samples of each class have a label",
    "10 labels": "share right when only ten samples of each class have a label",
    "100 labels": "share right when only a hundred samples of each class have a label",
    "1 %": "share right when only one sample in a hundred has a label",
    "10 %": "share right when only one sample in ten has a label",
    "tuned, 10 labels": "the same ten, and every weight may change; untrained begins at random",
    "tuned, 100 labels": "the same hundred, and every weight may change",
    "retrieval": "share of samples whose nearest other is of their class (recall at 1)",
    "verification": "share of pairs rightly said to be of one class or of two",
    "clustering": "share right when each of as many clusters as classes is given its best name",
    "matching": "share of games won: which of four shows the same sample? chance wins a quarter",
    "2 ahead": "share of games won: which of sixteen comes two steps later? chance wins 6 in 100",
    "semantic analogies": "share of questions answered right: king to queen is as man to what?",
    "syntactic analogies": "share of questions answered right: walk to walked is as go to what?",
    "part of speech": "share of unseen words whose part of speech a linear layer reads rightly",
    "anomaly": "chance that a sample of a class held out looks stranger than another (AUROC)",
    "energy": "chance that a sample of a class fits worse than one of the others (AUROC)",
    "RankMe": "how many directions the vectors use; among trained networks, more is better",
    "effective rank": "how many directions the vectors really use",
    "alignment": "how far apart two views of one sample lie; 0 is the same place, 4 the far side",
    "uniformity": "how evenly the vectors fill the sphere; lower is more even, 0 is one point",
    "loss": "what training made small, at its end",
    "learned nothing": "the loss of an encoder that returns a constant",
    "std": "how far one dimension of such vectors varies; less where there are more dimensions",
    "loss-space rank": "how many directions are used where the loss compares",
    "loss-space spread": "the same as spread, where the loss compares",
    "prototypes used": "how evenly samples choose among the prototypes; 1 is all alike",
    "spread": "how far vectors of length 1 lie from their mean; 0 is one point",
    "views found": "share of samples whose other view is the nearest of all",
    "cosine": "how alike two samples drawn by chance look to the encoder; 1 is the same",
}


@dataclass(frozen=True)
class Number:
    """A number worth a large type size.

    Attributes:
        name: What it is, in a word or two.
        value: In words, such as "87.4 %".
        means: Half a sentence for those who never met it; known names explain themselves.
        beside: What to compare it with, in smaller type: "untrained 79.1 %".
    """

    name: str
    value: str
    means: str = ""
    beside: str = ""

    @property
    def meaning(self) -> str:
        """The half sentence, given or known."""
        return self.means or MEANINGS.get(self.name, "")


@dataclass(frozen=True)
class Verdict:
    """What the diagnosis says.

    Attributes:
        level: "good", "doubtful", "unfinished" or "bad".
        words: One plain sentence; the page's headline.
        advice: What to do about it, a sentence each.
    """

    level: str
    words: str
    advice: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Curves:
    """How training went.

    Attributes:
        steps: `(n,)` step numbers, from 1.
        loss: `(n,)` the loss at each.
        lr: `(n,)` the learning rate; empty for none.
        nothing: The loss of an encoder that returns a constant; None where unknown.
        checked: `(m,)` steps after which the effective ranks were measured.
        rank: Space ("encoder", "projection") to its effective ranks, `(m,)`.
        width: Space to its number of dimensions.
        asked: `(k,)` steps after which samples were named beside their labels; empty without any.
        named: `(k,)` percent of them that their nearest neighbours named right.
    """

    steps: np.ndarray
    loss: np.ndarray
    lr: np.ndarray = field(default_factory=lambda: np.zeros(0))
    nothing: float | None = None
    checked: np.ndarray = field(default_factory=lambda: np.zeros(0))
    rank: Mapping[str, np.ndarray] = field(default_factory=dict)
    width: Mapping[str, int] = field(default_factory=dict)
    asked: np.ndarray = field(default_factory=lambda: np.zeros(0))
    named: np.ndarray = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True, kw_only=True)
class Spectrum:
    """How far vectors reach in each direction.

    Attributes:
        values: Whose ("trained", "untrained") to their singular values, largest first.
        rank: Whose to their RankMe.
        samples: How many vectors each.
    """

    values: Mapping[str, np.ndarray]
    rank: Mapping[str, float]
    samples: int


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the evaluation.

    Attributes:
        name: Whose vectors these are.
        scores: Protocol to its score: a share in [0, 1], or a (mean, spread) pair.
        ours: Whether this is the run itself and no baseline.
    """

    name: str
    scores: Mapping[str, float | tuple[float, float]]
    ours: bool = False


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What labels say afterwards, beside the baselines.

    Attributes:
        rows: The run and its baselines.
        basis: What it rests on, a sentence each: samples and seeds; spread, protocol and cost.
        layers: Protocol to a score for each of the encoder's layers, in their order.
        labels: Row to its score for each number of labels a class, in their order.
        every: The score of the same network trained with every label; None where unknown.
        percent: Whether scores are shares of 1; correlations are not.
    """

    rows: Sequence[Row]
    basis: Sequence[str] = ()
    layers: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, float | tuple[float, float]]] = field(default_factory=dict)
    every: float | None = None
    percent: bool = True


@dataclass(frozen=True, kw_only=True)
class Content:
    """Everything the page shows; what is left out is not mentioned on it.

    Attributes:
        method: The method's name as people write it.
        data: What it learned from, in a word or two.
        about: The method's idea, in a sentence.
        saw: The data in words: "60,000 images of 28 by 28 pixels, grey".
        own: Whether these are the samples that the run was trained on.
        held: Whether those that the method's task is shown on were held out of the run.
        verdict: What the diagnosis says.
        numbers: Headline numbers, if anything was evaluated.
        curves: How training went.
        views: What the method really saw: (label, samples), one row each, samples in one order.
        picture: What the method made of it: label to samples.
        neighbours: What it finds alike.
        clusters: What falls together.
        map: The samples on a plane.
        extremes: Samples that stand out.
        twins: Samples that are there twice, or nearly.
        spectrum: How many directions it uses.
        evaluation: What labels say afterwards.
        notes: What was chosen on the user's behalf, in words.
        bad: Files left out, each with the reason.
        config: Everything resolved; values may be mappings, which become groups.
        command: The command that repeats the run.
        paper: The method's source.
        facts: Date, time taken, hardware, versions: name to words.
    """

    method: str
    data: str
    verdict: Verdict
    about: str = ""
    saw: str = ""
    own: bool = True
    held: bool = False
    numbers: Sequence[Number] = ()
    curves: Curves | None = None
    views: Sequence[tuple[str, Things]] = ()
    picture: Mapping[str, Things] = field(default_factory=dict)
    neighbours: Neighbours | None = None
    clusters: Clusters | None = None
    map: Map | None = None
    extremes: Extremes | None = None
    twins: Twins | None = None
    spectrum: Spectrum | None = None
    evaluation: Evaluation | None = None
    notes: Sequence[str] = ()
    bad: Sequence[tuple[str, str]] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
    paper: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
