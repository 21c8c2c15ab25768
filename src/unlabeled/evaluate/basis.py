"""What a table of scores rests on: samples and seeds; spread, protocol and cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from unlabeled.evaluate.judge import digest

SUPERVISED = (
    "supervised learnt its weights from all labels; in a column of few, only its probe has few"
)


def protocol_of(result: Mapping[str, Any]) -> str:
    """The hash of its settings: results compare where it is the same."""
    return result.get("protocol") or digest(result["settings"])


def basis(*results: Mapping[str, Any]) -> list[str]:
    """What to say beneath a table of scores.

    Args:
        results: What `Run.evaluate` returned: of one run, or of several by one protocol.

    Returns:
        A sentence on the samples and the seeds, where these are known, one on what the spread is
        over, the protocol and its cost, and where there is a supervised row what it has seen.
    """
    settings, about = results[0]["settings"], []
    if "train" in settings:
        about += [f"{settings['train']:,} labelled samples to learn from"]
        about += [f"{settings['test']:,} to score, {settings['classes']} classes"]
    elif "words" in settings:
        about += [f"{settings['words']:,} words"]
    seeds = lambda who: list(dict.fromkeys(x["seeds"][who] for x in results if who in x["seeds"]))
    if all("seeds" in x for x in results):
        own, others = seeds("run"), seeds("untrained")
        said = f"seed{'s' * (len(own) > 1)} {listed(own)}"
        about += [f"{said} (untrained: {listed(others)})" if others not in ([], own) else said]
    seconds = [f"{x['seconds']:.0f}" for x in results if "seconds" in x]
    cost = f", {listed(seconds)} s" if seconds else ""
    ends = ["; ".join(about)] if about else []
    ends += ["; ".join([*_spreads(results), f"protocol {protocol_of(results[0])}{cost}"])]
    ends += [SUPERVISED] * any("supervised" in x["scores"] for x in results)
    return [f"{words[0].upper()}{words[1:]}." for words in ends]


def _spreads(results: Iterable[Mapping[str, Any]]) -> list[str]:
    """What ± and brackets mean in these scores, where there are any."""
    every = [x for result in results for row in result["scores"].values() for x in row.values()]
    draws = sorted({len(x["draws"]) for x in every if "draws" in x})
    over = [f"{' or '.join(map(str, draws))} draws of the labels"] if draws else []
    over += ["the classes held out"] * any("deviation" in x and "draws" not in x for x in every)
    said = [f"± is the standard deviation over {', or over '.join(over)}"] if over else []
    brackets = any("interval" in x for x in every)
    return said + ["brackets hold 95 % of what redrawn pairs gave"] * brackets


def listed(values: Iterable[Any]) -> str:
    """Things in a sentence: 0, 1 and 2."""
    *most, last = map(str, values)
    return f"{', '.join(most)} and {last}" if most else last
