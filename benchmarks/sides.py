"""On which side of the labelled optimum does a run lie, and which label-free number says so?

A line of the sweep is all runs that differ in one knob (and in seeds). Where labels put its best
value, other values lie on the side of too few negatives ("under") or of too many ("over"), unless
they are as good within the seeds' noise ("balanced"). A rule cuts a number twice: below the one
cut it says "under", from the other on "over". Each line is judged by cuts that all other lines of
its knob fit best, so that no run is judged by itself.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

KNOBS = {"negatives": 1, "temperature": -1}  # 1: more of it is the side of too many
RULES = {  # 1: a greater number is the side of too many
    "retrieval@1": 1,
    "uniformity": -1,
    "uniformity, the loss's space": -1,
    "tolerance": -1,
    "tolerance, the loss's space": -1,
    "silhouette": -1,
    "gradient on neighbours": 1,
    "expected false negatives": 1,
    "clusters among the negatives": 1,
}
JUDGES = ("kNN", "linear", "V-measure")
SIDES = ("under", "balanced", "over")

Run = dict[str, Any]
Case = tuple[Run, str]


def study(runs: list[Run]) -> list[dict[str, Any]]:
    """For each judge, knob and rule: how often it is right, and how often it says the opposite."""
    rows = []
    for judge, knob in itertools.product(JUDGES, KNOBS):
        lines = [sided(line, knob, judge, noise(runs, judge)) for line in lines_of(runs, knob)]
        truth = [side for line in lines for _, side in line]
        about = {"judge": judge, "knob": knob, "lines": len(lines)}
        about |= {side: truth.count(side) for side in SIDES}
        if len(lines) < 2:
            continue
        said = {"always the commonest": commonest(lines), "clustering_verdict": fixed(lines)}
        said["the setting itself"] = held_out(lines, knob, KNOBS[knob])
        said |= {name: held_out(lines, name, sign) for name, sign in RULES.items()}
        rows += [{**about, "rule": name, **agreement(guess, truth)} for name, guess in said.items()]
    return rows


def lines_of(runs: list[Run], knob: str) -> list[list[Run]]:
    """The runs that differ in a knob and in seeds alone, three values or more."""
    other = next(name for name in KNOBS if name != knob)
    fixed_at = sorted({run[other] for run in runs})
    lines = [[run for run in runs if run[other] == value] for value in fixed_at]
    return [line for line in lines if len({run[knob] for run in line}) >= 3]


def noise(runs: list[Run], judge: str) -> float:
    """Deviation of a score over seeds, pooled over all settings; 0 where there is one seed.

    What a seed adds to all settings alike, its first weights, say, is no noise on a line.
    """
    settings, seeds = {}, {}
    for run in runs:
        settings.setdefault(tuple(run[k] for k in KNOBS), []).append(run)
    for own in settings.values():
        mean = np.mean([score(run, judge) for run in own])
        for run in own:
            seeds.setdefault(run["seed"], []).append(score(run, judge) - mean)
    freedom = len(runs) - len(settings) - (len(seeds) - 1)
    left = sum(float(np.var(own)) * len(own) for own in seeds.values())
    return math.sqrt(left / freedom) if freedom > 0 else 0.0


def score(run: Run, judge: str) -> float:
    """What labels say of a run, in percent.

    The V-measure is the harmonic mean of homogeneity and completeness: it falls where k-means'
    clusters merge classes and where they split them.
    """
    if judge != "V-measure":
        return run[judge]
    both = run["homogeneity"], run["completeness"]
    return 2 * both[0] * both[1] / sum(both)


def sided(line: list[Run], knob: str, judge: str, deviation: float) -> list[Case]:
    """Each run of a line with the side of the optimum that labels put its value on.

    A value is balanced where it is worse than the best by less than twice the deviation of the
    difference of two means over seeds.
    """
    values = sorted({run[knob] for run in line}, key=lambda value: KNOBS[knob] * value)
    scores = [[score(run, judge) for run in line if run[knob] == v] for v in values]
    means = [float(np.mean(own)) for own in scores]
    best = int(np.argmax(means))
    side = {}
    for i, value in enumerate(values):
        margin = 2 * deviation * math.sqrt(1 / len(scores[i]) + 1 / len(scores[best]))
        near = i == best or means[best] - means[i] < margin
        side[value] = "balanced" if near else "under" if i < best else "over"
    return [(run, side[run[knob]]) for run in line]


def held_out(lines: list[list[Case]], name: str, sign: int) -> list[str]:
    """What a rule says of each run of each line, its cuts fitted to the other lines."""
    said = []
    for line in lines:
        others = [case for other in lines if other is not line for case in other]
        low, high = cuts([(number(run, name, sign), side) for run, side in others])
        said += [told(number(run, name, sign), low, high) for run, _ in line]
    return said


def number(run: Run, name: str, sign: int) -> float:
    """A number or a knob of a run, greater towards too many; of a broken run the least."""
    found = run[name] if name in KNOBS else run["numbers"].get(name, math.nan)
    return sign * found if math.isfinite(found) else -math.inf


def cuts(cases: list[tuple[float, str]]) -> tuple[float, float]:
    """The two cuts, low <= high, that put most cases on their side; the first such pair."""
    ordered = sorted(cases)
    x = [value for value, _ in ordered]
    before = {side: np.cumsum([0, *(s == side for _, s in ordered)]) for side in SIDES}
    under, balanced, over = (before[side] for side in SIDES)
    places = [i for i in range(len(x) + 1) if i in (0, len(x)) or x[i - 1] < x[i]]
    right = {
        (i, j): under[i] + balanced[j] - balanced[i] + over[-1] - over[j]
        for i, j in itertools.combinations_with_replacement(places, 2)
    }
    ends = [-math.inf, *((a + b) / 2 for a, b in itertools.pairwise(x)), math.inf]
    i, j = max(right, key=lambda pair: right[pair])
    return ends[i], ends[j]


def told(value: float, low: float, high: float) -> str:
    """The side that two cuts put a number on."""
    return "under" if value < low else "over" if value >= high else "balanced"


def commonest(lines: list[list[Case]]) -> list[str]:
    """What knows no number can say: the side that most runs of the other lines lie on."""
    said = []
    for line in lines:
        others = [side for other in lines if other is not line for _, side in other]
        said += [max(SIDES, key=others.count)] * len(line)
    return said


def fixed(lines: list[list[Case]]) -> list[str]:
    """What the library's verdict said, by cuts that were set before the sweep."""
    return [run["verdict"] for line in lines for run, _ in line]


def agreement(said: list[str], truth: list[str]) -> dict[str, float]:
    """Percent said as labels say, and percent said to be on the opposite side."""
    opposite = {("under", "over"), ("over", "under")}
    pairs = list(zip(said, truth, strict=True))
    return {
        "right": 100 * sum(a == b for a, b in pairs) / len(pairs),
        "opposite": 100 * sum(pair in opposite for pair in pairs) / len(pairs),
    }
