"""From numbers to plain words: did it work, and if not, what happened and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unlabeled.diagnose.probe import Health

POINT = 0.05  # a spread under which vectors count as one point
FEW = 2.0  # directions under which vectors count as a line
FALLEN = 0.3  # share of the untrained network's value under which a number has fallen
ALIKE = 0.05  # share of the prototypes' entropy under which all samples choose the same few
STUCK = 0.01  # share of "learned nothing" within which a loss has not moved
SETTLED = 0.2  # share of a run after which a loss that has not moved is called stuck


@dataclass(frozen=True)
class Verdict:
    """What the numbers say.

    Attributes:
        ok: Whether there is nothing to worry about.
        level: "healthy", "warning", "nothing learned", "collapsed" or "diverged".
        words: The finding, in plain words, with its numbers.
        advice: What to try; empty where nothing is wrong.
    """

    ok: bool
    level: str
    words: str
    advice: str = ""


def verdict(history: Sequence[Health], *, steps: int | None = None) -> Verdict:
    """Judge a run by its looks so far.

    A network before training already has a low rank and a small spread, so a collapse is called
    only where they have fallen far below what they were at step 0.

    Args:
        history: The looks, oldest first; the first is of the untrained network.
        steps: Steps of the whole run, where it has not ended.

    Returns:
        The most serious finding.
    """
    first, last = history[0], history[-1]
    if last.loss is not None and not abs(last.loss) < float("inf"):
        return Verdict(False, "diverged", f"Diverged: the loss is {last.loss}.", "Lower --lr.")
    if last.step == 0:
        return Verdict(True, "healthy", "Not trained yet.")
    return (
        _collapse(first, last)
        or _stuck(history, steps)
        or _doubts(first, last)
        or _good(first, last)
    )


def _collapse(first: Health, last: Health) -> Verdict | None:
    for where, space in (("loss's space", "embed_"), ("encoder's space", "")):
        then, now = (getattr(h, f"{space}spread") for h in (first, last))
        rank_then, rank = (getattr(h, f"{space}rank") for h in (first, last))
        dim = getattr(last, f"{space}dim")
        if now < POINT and now < FALLEN * then:
            return Verdict(
                False,
                "collapsed",
                f"Collapsed: every sample gets nearly the same vector in the {where} (spread "
                f"{now:.4f}, {then:.2f} before training; effective rank {rank:.1f} of {dim}"
                f"{_loss_too(last)}).",
                "Lower --lr; keep the predictor, the negatives or the teacher's momentum; batch "
                "norm in the projector helps.",
            )
        if rank < FEW and rank < FALLEN * rank_then:
            return Verdict(
                False,
                "collapsed",
                f"Collapsed to a line: the vectors use {rank:.1f} of {dim} directions in the "
                f"{where}, {rank_then:.1f} before training{_loss_too(last)}.",
                "Lower --lr, raise the batch size, or weaken the views.",
            )
    if last.usage is not None and last.usage < ALIKE:
        return Verdict(
            False,
            "collapsed",
            f"Collapsed: nearly all samples choose the same prototype (entropy {last.usage:.2f} of "
            "1).",
            "Lower --epsilon, freeze the prototypes for longer, or lower --lr.",
        )
    return None


def _loss_too(last: Health) -> str:
    if last.loss is None or last.learned_nothing is None:
        return ""
    return f"; loss {last.loss:.3f}, and a constant encoder has {last.learned_nothing:.3f}"


def _stuck(history: Sequence[Health], steps: int | None) -> Verdict | None:
    last = history[-1]
    nothing = last.learned_nothing
    early = steps is not None and last.step < SETTLED * steps
    if not nothing or last.loss is None or early:
        return None
    if last.loss > (1 - STUCK) * nothing:
        return Verdict(
            False,
            "nothing learned",
            f"Nothing learned: the loss is {last.loss:.3f}, and an encoder that returns a constant "
            f"has {nothing:.3f}.",
            "Train longer, change --lr by a factor of three, or check that the task can be solved "
            "on this data.",
        )
    return None


def _doubts(first: Health, last: Health) -> Verdict | None:
    if last.rank < FALLEN * first.rank and last.rank < 0.05 * last.dim:
        return Verdict(
            False,
            "warning",
            f"Doubtful: the encoder uses {last.rank:.1f} of {last.dim} directions, "
            f"{first.rank:.1f} before training. It may have kept too little.",
            "Compare with the untrained network: unlabeled evaluate; weaker views keep more.",
        )
    return None


def _good(first: Health, last: Health) -> Verdict:
    parts = [f"effective rank {last.rank:.0f} of {last.dim} ({first.rank:.0f} before training)"]
    if last.retrieval is not None and first.retrieval is not None:
        parts.append(
            f"it finds a sample's other view {last.retrieval:.0%} of the time "
            f"({first.retrieval:.0%} before)"
        )
    if last.learned_nothing and last.loss is not None:
        parts.append(
            f"loss {last.loss:.3f} against {last.learned_nothing:.3f} for having learned nothing"
        )
    return Verdict(True, "healthy", "Healthy: no sign of collapse; " + ", ".join(parts) + ".")
