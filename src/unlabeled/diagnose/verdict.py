"""From numbers to plain words: did it work, and if not, what happened and what to do.

The rules were set between runs that worked and runs that were broken on purpose. A network before
training may have a small spread, and ranks fall in runs that work; word vectors even gather in a
narrow cone at first. So a collapse is called where numbers fall far below what they were at step
0, and only while the loss agrees: an encoder that scores better than a constant is none. But a
loss proves nothing where all samples choose one prototype: to agree on it is to have no loss.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from unlabeled.diagnose.probe import Health

CONSTANT = 1e-3  # a spread that is rounding error: every sample has the same vector
POINT = 0.03  # a spread under which vectors count as one point, if it has fallen
FALLEN = 0.3  # share of the untrained network's spread or rank under which it has fallen
SHRUNK = 0.6  # the same for the spread in the space of a loss that a constant would solve
LINE = 2.0  # directions under which vectors count as a line
FEWER = 0.25  # share of the untrained network's rank under which an encoder has narrowed, if ...
NARROWER = 0.15  # ... rank times spread, its volume as it were, is under this share
PLUNGED = 1 / 3  # the same within the first steps: there a run that works keeps more than half, ...
SOON, FIRST = 0.025, 100  # ... namely in this share of the run, while the rate warms up, and these
ALIKE = 0.05  # share of the prototypes' entropy under which all samples choose the same few
EXPLODED = 10.0  # times the loss of having learned nothing, or of the first step
BETTER = 0.02  # share of "learned nothing" by which a loss is better than a constant's
STUCK = 0.01  # share of "learned nothing" within which a loss has not moved
SETTLED = 0.5  # share of a run after which a loss that has not moved is called stuck
LATELY = 3  # looks that must agree on it


@dataclass(frozen=True)
class Verdict:
    """What the numbers say.

    Attributes:
        ok: Whether there is nothing to worry about.
        level: "healthy", "warning", "nothing learned", "collapsed" or "diverged".
        words: The finding, in plain words, with its numbers. A collapse is called by its name:
            complete (all samples alike), dimensional (few directions are left) or cluster (all
            choose one prototype).
        advice: What to try; empty where nothing is wrong.
    """

    ok: bool
    level: str
    words: str
    advice: str = ""


def verdict(history: Sequence[Health], *, steps: int | None = None) -> Verdict:
    """Judge a run by its looks so far.

    Args:
        history: The looks, oldest first; the first is of the untrained network. One look alone is
            judged by itself.
        steps: Steps of the whole run, where it has not ended.

    Returns:
        The most serious finding.
    """
    first, last = history[0], history[-1]
    found = _diverged(history) or _constant(last)
    if found or last.step == 0:
        return found or Verdict(True, "healthy", "Not trained yet.")
    nothing = last.learned_nothing
    scores = bool(nothing) and last.loss is not None and last.loss < (1 - BETTER) * nothing
    return (
        _one_cluster(last)
        or (None if scores else _collapsed(first, last))
        or _stuck(history, steps)
        or _narrowed(history, steps)
        or healthy(first, last)
    )


def _diverged(history: Sequence[Health]) -> Verdict | None:
    last = history[-1]
    losses = [look.loss for look in history if look.loss is not None]
    if not all(map(math.isfinite, (last.spread, last.embed_spread, *losses[-1:]))):
        what = "the loss" if losses and not math.isfinite(losses[-1]) else "the encoder's output"
        return _bad("diverged", f"Diverged: {what} is not a finite number.", SLOWER)
    usual = max([*losses[:1], last.learned_nothing or 0.0])
    if len(losses) > 1 and usual > 0 and losses[-1] > EXPLODED * usual:
        words = f"Diverged: the loss has risen to {losses[-1]:.3g}, from {losses[0]:.3g}"
        return _bad("diverged", words + f" at first{_chance(last)}.", SLOWER)
    return None


def _constant(last: Health) -> Verdict | None:
    """Exactly one vector for all: the only collapse that needs no look before training."""
    for where, spread, std, rank, dim in _spaces(last):
        if spread < CONSTANT:
            words = f"Complete collapse: every sample gets the same vector in {where} (std "
            words += f"{std:.2g}, effective rank {rank:.1f} of {dim}{_loss(last)})."
            return _bad("collapsed", words, APART)
    return None


def _collapsed(first: Health, last: Health) -> Verdict | None:
    solved = last.learned_nothing == 0  # nothing in the loss forbids a constant
    for then, now, compared in zip(_spaces(first), _spaces(last), (True, False), strict=True):
        where, spread, std, rank, dim = now
        shrunk = compared and solved and spread < SHRUNK * then[1]
        if shrunk or (spread < POINT and spread < FALLEN * then[1]):
            words = "Complete collapse: " + ("the loss falls because " if shrunk else "")
            words += f"samples move together in {where} (spread {spread:.3f}, {then[1]:.3f} before "
            words += f"training; std {std:.2g}, effective rank {rank:.1f} of {dim}{_loss(last)})."
            return _bad("collapsed", words, APART)
        alone = first is last
        if rank < LINE and (alone or rank < FALLEN * then[3]):
            words = f"Dimensional collapse: the vectors use {rank:.1f} of {dim} directions in "
            words += where + ("" if alone else f", {then[3]:.1f} before training") + "."
            return _bad("collapsed", words, SLOWER)
    return None


def _one_cluster(last: Health) -> Verdict | None:
    if last.usage is None or last.usage >= ALIKE:
        return None
    words = "Cluster collapse: nearly all samples choose the same prototype (entropy of their use "
    words += f"{last.usage:.2f} of 1{_loss(last)})."
    advice = "Lower --epsilon, let the prototypes rest for longer (--frozen), or lower --lr."
    return _bad("collapsed", words, advice)


def _stuck(history: Sequence[Health], steps: int | None) -> Verdict | None:
    """A loss where a constant has it; of a loss that is 0 there, only geometry can tell."""
    settled = [h for h in history if h.step and h.step >= SETTLED * (steps or 0)][-LATELY:]
    nothing = history[-1].learned_nothing
    losses = [h.loss for h in settled if h.loss is not None]
    early = steps is not None and len(losses) < LATELY and history[-1].step < steps
    if not nothing or not losses or early or min(losses) <= (1 - STUCK) * nothing:
        return None
    words = (
        f"Nothing learned: the loss is {losses[-1]:.3f}, and an encoder that returns a constant "
    )
    advice = "Train longer, change --lr by a factor of three either way, or ask whether this task "
    advice += "can be solved on this data at all."
    return _bad("nothing learned", words + f"has {nothing:.3f}.", advice)


def _narrowed(history: Sequence[Health], steps: int | None) -> Verdict | None:
    # ranks fall in runs that work, and spreads in others; both do where steps are far too large,
    # and then for longer than one look
    first, last = history[0], history[-1]
    soon = last.step <= min(SOON * (steps or 0), FIRST)
    small = len(history) > 1 and all(
        look.rank < FEWER * first.rank
        and look.rank * look.spread < NARROWER * first.rank * first.spread
        for look in history[1:][-2:]
    )
    if not (small or (soon and last.rank < PLUNGED * first.rank)):
        return None
    words = f"Dimensional collapse: the encoder has narrowed to {last.rank:.1f} of {last.dim} "
    words += f"directions, from {first.rank:.1f} before training; its spread is {last.spread:.2f}, "
    words += f"{first.spread:.2f} before{_loss(last)}. Much of what it saw untrained it sees no "
    return _bad("warning", f"{words}more.", f"{SLOWER} Weaker views keep more, too.")


def healthy(first: Health, last: Health, trained: Health | None = None) -> Verdict:
    """What a run came to in which nothing went wrong.

    Args:
        first: A look at the untrained network; `last` itself where there is none.
        last: The last look, by the same measure.
        trained: The look that knows the loss, if that is another one.
    """
    what, now, then = "RankMe", last.rankme, first.rankme
    if math.isnan(now + then):  # a run of before RankMe was looked at
        what, now, then = "effective rank", last.rank, first.rank
    before = "" if first is last else f" ({then:.0f} before training)"
    parts = [f"{what} {now:.0f} of {min(last.dim, last.samples)}{before}"]
    if last.retrieval is not None:
        found = f"a sample's other view is found {last.retrieval:.0%} of the time"
        parts.append(found + ("" if first is last else f" ({first.retrieval:.0%} before)"))
    words = "Healthy: no sign of collapse; " + ", ".join(parts) + _loss(trained or last, ", ") + "."
    return Verdict(True, "healthy", words)


LOSS_SPACE, ENCODER_SPACE = "the space that the loss compares", "the encoder's space"
SLOWER = "Lower --lr, by a factor of ten first, or warm up for longer (--warmup)."
APART = (
    "Lower --lr. Keep what holds samples apart: the predictor and a slow teacher, the negatives, "
    "or the variance term; batch norm in the projector helps."
)


def _spaces(look: Health) -> list[tuple[str, float, float, float, int]]:
    """(where, spread, std, rank, width) of both spaces; std is a dimension's, of unit vectors.

    The first is the one that the loss compares, unless that is the encoder's, or was not looked at.
    """
    inner, outer = look.embed_dim, look.dim
    own = (look.embed_spread, look.embed_rank, inner) == (look.spread, look.rank, outer)
    where = ENCODER_SPACE if own else LOSS_SPACE
    return [
        (where, look.embed_spread, look.embed_spread / inner**0.5, look.embed_rank, inner),
        (ENCODER_SPACE, look.spread, look.std, look.rank, outer),
    ]


def _bad(level: str, words: str, advice: str) -> Verdict:
    return Verdict(False, level, words, advice)


def _loss(last: Health, before: str = "; ") -> str:
    return "" if last.loss is None else f"{before}loss {last.loss:.3f}{_chance(last)}"


def _chance(last: Health) -> str:
    nothing = last.learned_nothing
    return "" if nothing is None else f", {nothing:.3f} where nothing is learned"
