"""From a finished run to everything its page shows."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unlabeled.catalog import Card
from unlabeled.data import Labels, Store
from unlabeled.data.batches import SHOWN, held_out, spread
from unlabeled.evaluate import basis, headline
from unlabeled.evaluate.embed import home
from unlabeled.evaluate.energies import STEADY, energies
from unlabeled.evaluate.protocols import column
from unlabeled.method import Method
from unlabeled.report import pool
from unlabeled.report.content import Content, Curves, Evaluation, Number, Row, Verdict
from unlabeled.report.things import Extremes, Things
from unlabeled.views import Batch
from unlabeled.views.dice import NEVER

ASKED = 512  # samples whose energies are asked
FEWEST, VALUES = 64, 2**23  # fewer where they are large: as many as have so many values
LONG = 70  # letters of a row of words that are shown
LEVELS = {"healthy": "good", "warning": "doubtful", "unfinished": "unfinished"}
LARGE = ("kNN", "linear", "10 labels", "100 labels")  # scores that are shown in large type


def content(
    config: Mapping[str, Any],
    card: Card,
    store: Store,
    method: Method[Any],
    metrics: Sequence[Mapping[str, Any]],
    verdict: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    times: Mapping[str, Any],
    labels: Labels | None = None,
) -> Content:
    """Gather the page of a run.

    Args:
        config: The run's config.json.
        card: What the method's source says.
        store: Its data, or other data of the same shape.
        method: The method as it was at the end, with its heads.
        metrics: The lines of metrics.jsonl.
        verdict: The run's verdict.json.
        evaluation: Its evaluation.json, or nothing.
        times: Its times.json, or nothing.
        labels: The samples' labels, where they are known; they are shown, and nothing is chosen
            by them.
    """
    method.eval()
    held = held_out(config["data"], store)
    index, seed = spread(len(store), SHOWN + held), config["seed"]
    at = lambda x: x.to(home(method))
    of = lambda part: Batch(at(store.read(part)), at(part), seed=seed, epoch=NEVER)
    batch, seen = of(index[:SHOWN]), of(index[-SHOWN:])  # it saw what it was trained on
    with torch.no_grad():
        views, picture = method.views(seen), method.picture(batch)
    drawn = pool.draw(method.encoder, store, labels)
    return Content(
        method=card.cls,
        data=store.source,
        about=card.idea,
        saw=_saw(store),
        own=store.fingerprint == config["data"]["fingerprint"],
        held=held > 0,
        verdict=_verdict(verdict),
        numbers=_numbers(evaluation),
        curves=curves(metrics, method.encoder.dim),
        views=_views(views, seen.data, store),
        picture={label: images.cpu().numpy() for label, images in picture.items()},
        neighbours=pool.neighbours(drawn),
        clusters=pool.clusters(drawn),
        map=pool.plane(drawn),
        extremes=extremes(method, store, drawn, config["seed"]),
        twins=pool.twins(drawn),
        spectrum=pool.spectrum(method.encoder, drawn),
        evaluation=_evaluation(evaluation),
        notes=[*config["rules"], *config["data"]["notes"], *config["encoder"]["notes"]],
        bad=store.bad,
        config={
            k: config[k] for k in ("method", "backbone", "settings", "recipe", "steps", "seed")
        },
        command=config["command"],
        paper=card.paper,
        facts=facts(config, times),
    )


def extremes(method: Method[Any], store: Store, drawn: pool.Pool, seed: int) -> Extremes:
    """The samples that stand out; of words none, whose energies are those of a whole line."""
    if drawn.text or len(drawn.index) <= SHOWN:
        return Extremes()
    strangest = pool.strangest(drawn)
    asked = min(ASKED, max(FEWEST, VALUES // drawn.store.data[0].size))
    found, steady = energies(method, store, drawn.index[:asked], seed=seed)
    if not steady >= STEADY:  # mostly chance, or no numbers
        return Extremes(steady=steady, strangest=strangest)
    hardest, easiest = pool.end(drawn, found), pool.end(drawn, found, low=True)
    return Extremes(hardest=hardest, easiest=easiest, steady=steady, strangest=strangest)


def facts(config: Mapping[str, Any], times: Mapping[str, Any]) -> dict[str, str]:
    """When, how long and on what a run was made, as its own records say."""
    found: dict[str, str] = {}
    on = config.get("hardware", {})
    if times:
        found["began"] = datetime.fromisoformat(times["began"]).strftime("%d %B %Y, %H:%M UTC")
        minutes, seconds = divmod(round(times["seconds"]), 60)
        hours, minutes = divmod(minutes, 60)
        parts = {"h": hours, "min": minutes, "s": seconds}
        found["trained for"] = " ".join(f"{n} {unit}" for unit, n in parts.items() if n) or "0 s"
    if on:
        found["processor"] = f"{on['processor']}, {on['cores']} cores"
    if on.get("gpu"):
        found["GPU"] = on["gpu"]
    if config["processes"] > 1:
        found["processes"] = str(config["processes"])
    return {
        **found,
        "device": f"{config['device']} {config['precision']}",
        "unlabeled": config["unlabeled"],
        **config["versions"],
    }


def _saw(store: Store) -> str:
    shape, n = store.shape, f"{len(store):,}"
    if shape.modality == "image":
        kind = "grey" if shape.channels == 1 else "colour"
        return f"{n} {kind} images of {shape.size} by {shape.size} pixels"
    if shape.modality == "series":
        return f"{n} series of {shape.size} steps and {shape.channels} channel(s)"
    return f"{n} rows of text, {shape.vocabulary - 1:,} different words"


def _verdict(found: Mapping[str, Any]) -> Verdict:
    level = LEVELS.get(found["level"], "bad")
    advice = [found["advice"]] if found.get("advice") else []
    return Verdict(level, found["words"], advice)


def _views(views: Sequence[Tensor], samples: Tensor, store: Store) -> list[tuple[str, Things]]:
    """The samples, and what the method was given of each."""
    if store.shape.modality == "text":
        return _words(views, store)
    seen = [v.cpu().numpy() for v in views if v.is_floating_point() and v.ndim in (3, 4)]
    named = [(f"view {i}", view) for i, view in enumerate(seen, 1)]
    return [("the sample", samples.cpu().numpy()), *named]


def _words(views: Sequence[Tensor], store: Store) -> list[tuple[str, Things]]:
    """The rows of words that a method was given; where it is told who meets whom, of one word."""
    said = lambda rows: [
        textwrap.shorten(" ".join(store.words[i] for i in row if i), LONG, placeholder=" …")
        for row in rows.tolist()
    ]
    rows = [view for view in views if view.ndim == 2 and not view.is_floating_point()]
    met = next((view for view in views if view.dtype == torch.bool and view.ndim == 3), None)
    if met is None:
        return [(f"view {i}", said(view)) for i, view in enumerate(rows, 1)]
    words, each = rows[0], torch.arange(len(met))
    best = met.sum(2).argmax(1)  # the word with the most neighbours
    one, company = words[each, best][:, None], words * met[each, best]
    shown = {"words": words, "one word": one, "neighbours": company, "chance words": rows[1]}
    return [(label, said(view)) for label, view in shown.items()]


def curves(metrics: Sequence[Mapping[str, Any]], width: int) -> Curves | None:
    """How training went, from the lines of metrics.jsonl; None where no step was done."""
    steps = [line for line in metrics if line.get("loss") is not None]
    looks = [line for line in metrics if line.get("health")]
    asked = [line for line in looks if line.get("knn") is not None]
    if not steps:
        return None
    spaces = {"encoder": "rank", "projection": "embed_rank"}
    ranks = {s: [x["health"].get(k) for x in looks] for s, k in spaces.items()}
    wide = {"encoder": width, "projection": looks[-1]["health"].get("embed_dim") if looks else None}
    return Curves(
        steps=np.array([line["step"] + 1 for line in steps]),
        loss=np.array([line["loss"] for line in steps], dtype=float),
        lr=np.array([line["lr"] for line in steps], dtype=float),
        nothing=looks[-1]["health"].get("learned_nothing") if looks else None,
        checked=np.array([line["step"] + 1 for line in looks]),
        rank={s: np.array(r, dtype=float) for s, r in ranks.items() if None not in r},
        width={space: dims for space, dims in wide.items() if dims},
        asked=np.array([line["step"] + 1 for line in asked]),
        named=np.array([line["knn"] for line in asked]),
    )


def _numbers(evaluation: Mapping[str, Any]) -> list[Number]:
    """The encoder's own scores, in large type, beside those of the network untrained."""
    scores = evaluation.get("scores", {})
    found, bare = scores.get("encoder", {}), scores.get("untrained", {})
    people = lambda x: (f"{x['correlation']:.2f}", f"agreement with people, {x['pairs']} pairs")
    worded: Any = lambda x: people(x) if "correlation" in x else (f"{headline(x)[1]:.1f} %",)
    beside = lambda k: f"untrained {worded(bare[k])[0]}" if k in bare else ""
    shown = {k: x for k, x in found.items() if "correlation" in x or k in LARGE}
    return [Number(k, *worded(x), beside=beside(k)) for k, x in shown.items()]


def _evaluation(evaluation: Mapping[str, Any]) -> Evaluation | None:
    """The encoder's scores beside its baselines'."""
    scores, settings = evaluation.get("scores"), evaluation.get("settings", {})
    if not scores:
        return None
    plainly = lambda found: {protocol: score(x) for protocol, x in found.items()}
    rows = [Row(name=k, scores=plainly(x), ours=k == "encoder") for k, x in scores.items()]
    layers: dict[str, dict[str, float]] = {}
    for who, curve in evaluation.get("layers", {}).items():
        for layer, found in curve.items():
            for protocol, x in found.items():
                line = protocol if who == "encoder" else f"{protocol}, {who}"
                layers.setdefault(line, {})[layer] = x["accuracy"] / 100
    every = scores.get("supervised", {}).get("linear")
    return Evaluation(
        rows=rows, basis=basis(evaluation), layers=layers, labels=_by_labels(scores, settings),
        every=every["accuracy"] / 100 if every else None, percent="classes" in settings,
    )  # fmt: skip


def score(found: Mapping[str, Any]) -> float | tuple[float, float]:
    """A protocol's headline: a share, with its spread where it has one, or a correlation."""
    if "correlation" in found:
        return found["correlation"]
    share = headline(found)[1] / 100
    return (share, found["deviation"] / 100) if "deviation" in found else share


def _by_labels(
    scores: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, dict[str, float | tuple[float, float]]]:
    """For each row its score by the number of labels a class, on frozen vectors and tuned.

    Not of the supervised network, which has seen all labels however few its probe is given.
    """
    frozen = {column(n): f"{n:,}" for n in settings.get("labels", ())}
    tuned = {f"tuned, {n} labels": f"{n:,}" for n in settings.get("finetune", {}).get("labels", ())}
    lines = {
        "encoder": ("encoder", frozen),
        "encoder, tuned": ("encoder", tuned),
        "random weights, tuned": ("untrained", tuned),
        **{who: (who, frozen) for who in scores if who != "supervised"},
    }
    found = {
        name: {names[key]: score(scores[who][key]) for key in names if key in scores.get(who, {})}
        for name, (who, names) in lines.items()
    }
    return {name: row for name, row in found.items() if row}
