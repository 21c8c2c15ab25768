"""From a finished run to everything its page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unlabeled.catalog import Card
from unlabeled.data import Store
from unlabeled.encoders import PAD, Encoder
from unlabeled.evaluate import embed, headline
from unlabeled.evaluate.protocols import column
from unlabeled.method import Method
from unlabeled.report.content import (
    Content,
    Curves,
    Evaluation,
    Map,
    Neighbours,
    Number,
    Row,
    Things,
    Verdict,
)
from unlabeled.report.layout import lay_out
from unlabeled.views import Batch

SHOWN, NEAR = 8, 6  # samples whose views and neighbours are shown, and neighbours of each
POOL, MAPPED = 4_000, 1_000  # samples among which neighbours are looked for, and on the map
WORDS = ("water", "small", "king", "run", "music", "disease", "green", "money")
PARTS = ("words", "their neighbours", "chance words")  # of a skip-gram's views
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
    """
    method.eval()
    batch = _batch(store, _spread(len(store), SHOWN), config["seed"])
    with torch.no_grad():
        views, picture = method.views(batch), method.picture(batch)
    near, plane = geometry(method.encoder, store)
    return Content(
        method=card.cls,
        data=store.source,
        about=card.idea,
        saw=_saw(store),
        verdict=_verdict(verdict),
        numbers=_numbers(evaluation),
        curves=curves(metrics, method.encoder.dim),
        views=_views(views, store),
        picture={label: images.cpu().numpy() for label, images in picture.items()},
        neighbours=near,
        map=plane,
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


def _spread(n: int, count: int) -> Tensor:
    """`count` samples spread over the data by chance, always the same ones."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(0))[:count]


def _batch(store: Store, index: Tensor, seed: int) -> Batch:
    return Batch(store.read(index), index, seed=seed)


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


def _views(views: Sequence[Tensor], store: Store) -> list[tuple[str, Things]]:
    """The samples, and what the method was given of each; of words, the first few pairs."""
    index = _spread(len(store), SHOWN)
    if store.shape.modality == "text":
        return [(label, _said(rows, store)) for label, rows in zip(PARTS, views, strict=False)]
    seen = [v.cpu().numpy() for v in views if v.is_floating_point() and v.ndim in (3, 4)]
    named = [(f"view {i}", view) for i, view in enumerate(seen, 1)]
    return [("the sample", store.read(index).numpy()), *named]


def _said(rows: Tensor, store: Store) -> list[str]:
    """For each row of tokens its first few words."""
    return [" ".join(store.words[i] for i in row.flatten().tolist() if i)[:60] for row in rows]


def geometry(
    encoder: Encoder, store: Store, most: int = POOL, mapped: int = MAPPED
) -> tuple[Neighbours, Map]:
    """Nearest neighbours of a few samples and a map of more; words are samples of a table.

    Args:
        encoder: What places them.
        store: The samples, of which the same are drawn each time.
        most: Samples that neighbours are looked for among; all words are.
        mapped: Samples on the map; of words half as many.
    """
    if store.shape.modality == "text":
        names = store.words[1:]
        vectors = encoder.table.weight.detach()[PAD + 1 :].float()  # pyright: ignore
        asked = [names.index(w) for w in WORDS if w in names] or list(range(min(SHOWN, len(names))))
        pool: Things = names
        kept = min(mapped // 2, len(names))
    else:
        index = _spread(len(store), most)
        part = store.subset(index.numpy())
        vectors = torch.from_numpy(embed(encoder, part)["out"])
        pool, names, kept = part.data, part.keys, min(mapped, len(part))
        asked = list(range(min(SHOWN, len(part))))
    unit = torch.nn.functional.normalize(vectors, dim=1)
    scores = unit[asked] @ unit.T
    scores[torch.arange(len(asked)), asked] = -torch.inf  # nobody is their own neighbour
    cosine, nearest = scores.topk(min(NEAR, len(unit) - 1), dim=1)
    layout = lay_out(vectors[:kept].numpy())
    near = Neighbours(
        queries=_some(pool, asked),
        nearest=_nested(pool, nearest),
        cosine=cosine.numpy(),
        chance=_chance(unit[:kept]),
    )
    plane = Map(
        points=layout.points,
        things=_some(pool, list(range(kept))),
        how=layout.how,
        kept=layout.kept,
        names=list(names[:kept]),
    )
    return near, plane


def _chance(unit: Tensor) -> float:
    """The mean cosine of two different vectors of a set."""
    n = len(unit)
    return float(((unit @ unit.T).sum() - n) / (n * (n - 1)))


def _some(pool: Things, rows: list[int]) -> Things:
    return pool[rows] if isinstance(pool, np.ndarray) else [pool[i] for i in rows]


def _nested(pool: Things, rows: Tensor) -> Any:
    return (
        pool[rows.numpy()]
        if isinstance(pool, np.ndarray)
        else [_some(pool, r.tolist()) for r in rows]
    )


def curves(metrics: Sequence[Mapping[str, Any]], width: int) -> Curves | None:
    """How training went, from the lines of metrics.jsonl; None where no step was done."""
    steps = [line for line in metrics if line.get("loss") is not None]
    looks = [line for line in metrics if line.get("health")]
    if not steps:
        return None
    spaces = {"encoder": "rank", "projection": "embed_rank"}
    ranks = {s: [x["health"].get(k) for x in looks] for s, k in spaces.items()}
    return Curves(
        steps=np.array([line["step"] + 1 for line in steps]),
        loss=np.array([line["loss"] for line in steps], dtype=float),
        lr=np.array([line["lr"] for line in steps], dtype=float),
        nothing=looks[-1]["health"].get("learned_nothing") if looks else None,
        checked=np.array([line["step"] + 1 for line in looks]),
        rank={s: np.array(r, dtype=float) for s, r in ranks.items() if None not in r},
        width={"encoder": width},
    )


def _numbers(evaluation: Mapping[str, Any]) -> list[Number]:
    """The encoder's own scores, in large type."""
    found = evaluation.get("scores", {}).get("encoder", {})
    return [
        Number(
            name, f"{score['correlation']:.2f}", f"agreement with people, {score['pairs']} pairs"
        )
        if "correlation" in score
        else Number(name, f"{headline(score)[1]:.1f} %")
        for name, score in found.items()
        if "correlation" in score or name in LARGE
    ]


def _evaluation(evaluation: Mapping[str, Any]) -> Evaluation | None:
    """The encoder's scores beside its baselines'."""
    scores, settings = evaluation.get("scores"), evaluation.get("settings", {})
    if not scores:
        return None
    rows = [
        Row(
            name=name,
            scores={protocol: score(x) for protocol, x in found.items()},
            ours=name == "encoder",
        )
        for name, found in scores.items()
    ]
    layers: dict[str, dict[str, float]] = {}
    for layer, found in evaluation.get("layers", {}).items():
        for protocol, x in found.items():
            layers.setdefault(protocol, {})[layer] = x["accuracy"] / 100
    how = ""
    if "classes" in settings:
        how = f"{settings['test']:,} samples never trained on, {settings['classes']} classes"
    return Evaluation(
        rows=rows,
        how=how,
        layers=layers,
        labels=_by_labels(scores, settings.get("labels", ())),
        percent="classes" in settings,
    )


def score(found: Mapping[str, Any]) -> float | tuple[float, float]:
    """A protocol's headline: a share, with its spread where it has one, or a correlation."""
    if "correlation" in found:
        return found["correlation"]
    share = headline(found)[1] / 100
    return (share, found["deviation"] / 100) if "deviation" in found else share


def _by_labels(
    scores: Mapping[str, Any], counts: Sequence[int]
) -> dict[str, dict[str, float | tuple[float, float]]]:
    """For each row its score by the number of labels a class."""
    names = {column(n): f"{n:,}" for n in counts}
    return {
        who: {names[name]: score(found[name]) for name in names if name in found}
        for who, found in scores.items()
        if names.keys() & found.keys()
    }
