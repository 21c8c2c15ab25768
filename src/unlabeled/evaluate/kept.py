"""What a run's folder keeps: the columns of one protocol, gathered over several evaluations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unlabeled.evaluate.basis import protocol_of
from unlabeled.evaluate.judge import APART

DEPTHS = {"scores": 2, "layers": 3, "settings": 2, "seeds": 1}  # of names, down to what is replaced


def merged(kept: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any] | None:
    """Two evaluations of one encoder as one, the later winning where both have a column.

    They are merged where the protocol and the seeds are the same, and what both say of settings
    that are one column's or row's own: else a row would be one network here and another there.

    Args:
        kept: What `Run.evaluate` wrote before.
        found: What it returns now.

    Returns:
        Scores, layers, settings, seeds and notes of both, and the "seconds" of both together; where
        the later has every column of the earlier, the later. None where they do not go together.
    """
    before, now = kept["settings"], found["settings"]
    own = [name for name in APART if name != "protocols" and name in before and name in now]
    alike = all(_agree(before[name], now[name]) for name in own)
    if not (alike and "seeds" in kept and _agree(kept["seeds"], found["seeds"])):
        return None
    if protocol_of(kept) != protocol_of(found):
        return None
    if _columns(kept) <= _columns(found):
        return dict(found)
    parts = {name: (kept.get(name, {}), found.get(name, {})) for name in DEPTHS}
    whole = {name: _united(*pair, DEPTHS[name]) for name, pair in parts.items()}
    both = lambda a, b, name: list(dict.fromkeys((*a.get(name, ()), *b.get(name, ()))))
    if "protocols" in now:
        whole["settings"]["protocols"] = both(before, now, "protocols")
    whole |= {"notes": both(kept, found, "notes"), "protocol": protocol_of(found)}
    whole["seconds"] = kept["seconds"] + found["seconds"]
    return {name: value for name, value in whole.items() if value}


def _columns(result: Mapping[str, Any]) -> set[tuple[str, ...]]:
    """Where there is a number: by row and column, and by row, layer and column."""
    curves = result.get("layers", {})
    flat = {(who, name) for who, row in result["scores"].items() for name in row}
    deep = [(who, layer, row) for who, curve in curves.items() for layer, row in curve.items()]
    return flat | {(who, layer, name) for who, layer, row in deep for name in row}


def _agree(a: Any, b: Any) -> bool:
    """Whether nothing is said otherwise by one than by the other."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return all(_agree(a[name], b[name]) for name in a.keys() & b.keys())
    return a == b


def _united(a: Any, b: Any, depth: int) -> Any:
    """What either says, by names so many deep; what both say, as the second has it."""
    if not depth or not (isinstance(a, Mapping) and isinstance(b, Mapping)):
        return b
    return {**a, **{k: _united(a[k], x, depth - 1) if k in a else x for k, x in b.items()}}
