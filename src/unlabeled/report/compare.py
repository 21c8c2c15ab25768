"""Two runs or more side by side: in one JSON object, and as one HTML file."""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from unlabeled.data import open_data
from unlabeled.errors import UnlabeledError, UsageError
from unlabeled.evaluate import headline
from unlabeled.evaluate.basis import basis, listed, protocol_of
from unlabeled.report.charts import Line, digits, line_chart, smooth, thin
from unlabeled.report.choice import choice, equal, unlike
from unlabeled.report.content import MEANINGS, Evaluation, Row, Verdict
from unlabeled.report.details import plain, score_table
from unlabeled.report.gather import LEVELS, curves, facts, score
from unlabeled.report.markup import Markup, join, name, prose, tag
from unlabeled.report.page import badge, document, put, spoken
from unlabeled.report.pictures import gallery, thing
from unlabeled.report.pool import draw, neighbours
from unlabeled.report.sections import panel, section
from unlabeled.train import weights
from unlabeled.train.folder import RunFolder, difference

NAMES = {
    "rankme": "RankMe", "rank": "effective rank", "retrieval": "views found",
    "usage": "prototypes used",
}  # fmt: skip
ASIDE = ("samples", "step", "dim", "embed_dim")  # numbers of a look that are no measures
LESS, UNMARKED = ("loss", "alignment", "uniformity"), ("learned nothing", "std")
OTHER = ("epochs", "recipe.epochs", "shape", "data", "encoder", "rules", "hardware", "command")
ASKED, AMONG = 6, 1_000  # samples whose neighbours are shown, and samples they are looked for among
RUN = ("", "method", "data", "steps", "trained for", "verdict, without labels")
STAR = "A star marks the best run of a column; dots run from its lowest number to its highest."
AGAIN = "One run is one draw: try another --seed before you believe a small difference."
CARE = (
    "Less is better in loss, alignment and uniformity. Only healthy runs bear stars, losses only "
    "where the task is the same, and ranks only where the width is. No one of these is the goal."
)

Run = dict[str, Any]


def compare(runs: Iterable[Any], out: str | Path | None = None) -> dict[str, Any]:
    """Lay runs side by side: verdicts, measures, scores that compare, settings that differ.

    Args:
        runs: Two or more: their folders, or what `load` gave.
        out: Where to write the page, if anywhere.

    Returns:
        One JSON object. "words", what they "rest" on where that is no score, and "warnings" come
        first; each of "runs" has a "label", by which it is known to the rest: the "measures"
        without labels, the "scores" by protocol, each with the labels that are "best" in a column
        and its "basis" in words, and the "settings" that differ.

    Raises:
        UsageError: Where there is but one run, one is there twice, or a folder holds none.
        MachineError: Where the page cannot be written.
    """
    places = [Path(getattr(run, "folder", run)).resolve() for run in runs]
    twice = [place for i, place in enumerate(places) if place in places[:i]]
    if twice or len(places) < 2:
        said = f"{twice[0]} is named twice" if twice else f"it takes two runs, not {len(places)}"
        hint = "unlabeled compare runs/simclr-photos runs/byol-photos"
        raise UsageError(f"nothing to compare: {said}", hint=hint)
    root = os.path.commonpath([place.parent for place in places])
    read = [_read(i, str(place.relative_to(root)), place) for i, place in enumerate(places)]
    scores = {p: _scores(read, p) for p in dict.fromkeys(run["protocol"] for run in read) if p}
    words, rest = choice(read, scores)
    found = {"words": words, "rest": rest, "warnings": _warnings(read), "runs": read}
    found |= {"measures": _measures(read), "scores": scores, "settings": _differing(read)}
    if out is not None:
        put(out, page(found))
    return found


def _read(number: int, name: str, folder: Path) -> Run:
    config, metrics = RunFolder.config_of(folder), RunFolder(folder).metrics()
    paths = [folder / f"{kind}.json" for kind in ("verdict", "evaluation", "times")]
    found, judged, times = (json.loads(p.read_text()) if p.exists() else {} for p in paths)
    done = config["steps"] if found else metrics[-1]["step"] + 1 if metrics else 0
    state = f"Not ended: {done:,} of {config['steps']:,} steps are done."
    hint = f"unlabeled pretrain --resume {folder}"
    found = found or {"ok": False, "level": "unfinished", "words": state, "advice": hint}
    return {
        "label": chr(ord("A") + number) if number < 26 else str(number + 1),
        "look": f"k{number % 7}",
        "name": name,
        "run": str(folder),
        "done": done,
        "times": times,
        "facts": facts(config, times),
        "verdict": {k: found[k] for k in ("ok", "level", "words", "advice")},
        "health": health(found, metrics),
        "protocol": protocol_of(judged) if judged else None,
        "evaluation": judged,
        "config": config,
    }


def health(found: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The numbers at a run's end, of its encoder as it is used; else those of its last look."""
    last = next((line["health"] for line in reversed(metrics) if line.get("health")), {})
    return {name: found.get(name, value) for name, value in last.items()}


def _best(rows: Mapping[str, Mapping[str, float]], marked: Collection[str]) -> dict[str, list[str]]:
    """For each column the marked rows that are best to three digits, unless all of them are."""
    found = {}
    for column in dict.fromkeys(column for row in rows.values() for column in row):
        values = {who: rows[who][column] for who in marked if column in rows[who]}
        top = (min if column in LESS else max)(values.values(), default=0)
        best = [who for who in values if equal(values[who], top)]
        found[column] = best if len(best) < len(values) and column not in UNMARKED else []
    return found


def _measures(runs: Sequence[Run]) -> dict[str, Any]:
    """What the last looks found. Only healthy runs are marked, and only by what compares."""
    title = lambda key: NAMES.get(key, key.replace("embed_", "loss-space ").replace("_", " "))
    said = lambda row: {title(k): x for k, x in row.items() if k not in ASIDE and x is not None}
    rows: Any = {run["label"]: said({"rankme": None, **run["health"]}) for run in runs}
    best = _best(rows, [run["label"] for run in runs if run["verdict"]["ok"]])
    tasks = [[run["config"][k] for k in ("method", "settings", "recipe")] for run in runs]
    apart = {"loss", "loss-space rank"} if any(task != tasks[0] for task in tasks) else set()
    other = len({run["health"].get("samples") for run in runs}) > 1
    apart |= {"RankMe", "effective rank"} if other or unlike(runs, "encoder", "dim") else set()
    apart |= set(best) if unlike(runs, "data", "fingerprint") else set()
    return {"rows": rows, "best": {k: [] if k in apart else who for k, who in best.items()}}


def _scores(runs: Sequence[Run], protocol: str) -> dict[str, Any]:
    """What one protocol found: of its runs, then of their baselines, those that are alike once."""
    runs = [run for run in runs if run["protocol"] == protocol]
    own = {run["label"]: run["evaluation"]["scores"] for run in runs}
    rows = {label: found["encoder"] for label, found in own.items()}
    for label, found in own.items():
        for who, row in found.items():
            if who != "encoder":
                rows[who if rows.get(who, row) == row else f"{who} of {label}"] = row
    numbers = {who: {k: headline(x)[1] for k, x in row.items()} for who, row in rows.items()}
    how = runs[0]["evaluation"].get("settings", {})
    said = basis(*(run["evaluation"] for run in runs))
    return {"rows": rows, "best": _best(numbers, own), "settings": how, "basis": said}


def _differing(runs: Sequence[Run]) -> dict[str, dict[str, Any]]:
    """The settings that are not the same in all runs, by their full names."""
    first, names = runs[0]["config"], dict[str, None]()
    for run in runs:
        names |= dict.fromkeys(difference(first, run["config"]))
    step = lambda part, key: part.get(key) if isinstance(part, dict) else None
    value = lambda run, key: functools.reduce(step, key.split("."), run["config"])
    shown = [key for key in names if not key.startswith(OTHER)]
    found = {key: {run["label"]: value(run, key) for run in runs} for key in shown}
    return dict(sorted(found.items(), key=lambda pair: None in pair[1].values()))


def _warnings(runs: Sequence[Run]) -> list[str]:
    """What a reader must know before comparing, a sentence each."""
    said = []
    if unlike(runs, "data", "fingerprint"):
        said += ["The runs saw different data: what was found without labels does not compare."]
    if widths := unlike(runs, "encoder", "dim"):
        said += [f"The encoders are {listed(widths)} wide: RankMe and ranks do not compare."]
    judged = {run["protocol"]: run["evaluation"]["settings"] for run in runs if run["protocol"]}
    if len(judged) > 1:
        first, *others = judged.values()
        names = {key.partition(".")[0] for other in others for key in difference(first, other)}
        why = f": they differ in {listed(sorted(names))}" if names else ""
        said += [f"Scores by different protocols do not compare{why}. Each has its own table."]
    lacking = [run["label"] for run in runs if not run["protocol"]] if judged else []
    said += [f"{label} has no scores." for label in lacking]
    if len({run["facts"].get("processor") for run in runs} - {None}) > 1:
        said += ["The machines differ: times do not compare."]
    left = [run["label"] for run in runs if run["verdict"]["level"] == "unfinished"]
    return [*said, *(f"{label} has not ended." for label in left)]


def page(found: Mapping[str, Any]) -> str:
    """The comparison as HTML."""
    runs, wide = found["runs"], functools.partial(section, look="wide")
    chips = {run["label"]: tag("b", run["label"], class_=f"chip {run['look']}") for run in runs}
    who = {r["label"]: join(chips[r["label"]], " ", name(r["name"])) for r in runs}
    data = listed(dict.fromkeys(run["config"]["data"]["source"] for run in runs))
    minds = [tag("p", tag("b", "Mind: "), name(x), class_="evidence") for x in found["warnings"]]
    rest = tag("p", prose(found["rest"]), class_="evidence") if found["rest"] else None
    eyebrow = tag("p", f"{len(runs)} runs compared, on ", name(data), class_="eyebrow")
    rows = [[name(k), *(name(plain(x)) for x in v.values())] for k, v in found["settings"].items()]
    return document(
        f"{len(runs)} runs compared",
        tag("header", eyebrow, tag("h1", name(found["words"])), rest, *minds),
        wide("The runs", _table(RUN, [_facts(run, who[run["label"]]) for run in runs])),
        *(
            wide(f"With labels, by protocol {x}", STAR, AGAIN, *t["basis"], _scored(t, who))
            for x, t in found["scores"].items()
        ),
        wide("Without labels", STAR, CARE, _scored(found["measures"], who)),
        wide("How training went", _training(runs)),
        _alike(runs, chips),
        wide("What was set differently", _table(["", *chips.values()], rows)),
    )


def _table(head: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Markup:
    """A table whose first column names its rows."""
    body = [tag("tr", tag("th", x, scope="row"), *(tag("td", c) for c in row)) for x, *row in rows]
    top = tag("tr", *(tag("th", x, scope="col") for x in head))
    return tag("table", tag("thead", top), tag("tbody", *body), class_="compared")


def _facts(run: Run, who: Markup) -> list[Any]:
    """A run's row in the first table, by the columns of RUN."""
    config, verdict, facts = run["config"], run["verdict"], run["facts"]
    level = LEVELS.get(verdict["level"], "bad")
    said = " ".join(spoken(Verdict(level, verdict["words"])))
    return [
        who,
        join(name(Path(config["method"]).stem), tag("small", name(config["backbone"]))),
        join(
            name(config["data"]["source"]), tag("small", f"{config['data']['samples']:,} samples")
        ),
        digits(run["done"]),
        join(facts.get("trained for", "–"), tag("small", name(facts.get("processor", "")))),
        join(badge(Verdict(level, "")), tag("small", name(said))),
    ]


def _scored(table: Mapping[str, Any], who: Mapping[str, Markup]) -> Markup:
    plainly = lambda row: {k: score(x) if isinstance(x, dict) else x for k, x in row.items()}
    rows = [Row(name=x, scores=plainly(row)) for x, row in table["rows"].items()]
    percent = "classes" in table.get("settings", {})
    return score_table(Evaluation(rows=rows, percent=percent), table["best"], who, most=10)


def _training(runs: Sequence[Run]) -> Markup:
    """The losses, each over what learning nothing costs, and the effective ranks."""
    losses, ranks = [], []
    for run in runs:
        found = curves(RunFolder(run["run"]).metrics(), run["config"]["encoder"]["dim"])
        said: Any = {"label": f"{run['label']} {run['name']}", "look": run["look"]}
        share = lambda steps, run=run: 100 * steps / run["config"]["steps"]
        if found and found.nothing:
            loss = smooth(found.loss, max(1, len(found.loss) // 40)) / found.nothing
            losses.append(thin(Line(share(found.steps), loss, **said)))
        if found and "encoder" in found.rank:
            ranks.append(Line(share(found.checked), found.rank["encoder"], **said))
    drawn: Any = {"width": 540, "height": max(300, 40 + 14 * len(runs)), "zero": True}
    drawn["end"] = "{} % of each run"
    loss = line_chart(losses, label="losses", reference=(1.0, "learned nothing"), **drawn)
    rank = line_chart(ranks, label="effective ranks", **drawn)
    left = panel("Loss", "over what learning nothing costs, where that is known and not 0", loss)
    right = panel("Effective rank", MEANINGS["effective rank"], rank)
    return tag("div", left, right, class_="panels halves")


def _alike(runs: Sequence[Run], chips: Mapping[str, Markup]) -> Markup | None:
    """What each finds alike, where all ended, saw the same samples, and those are still there."""
    first, near = runs[0]["config"], {}
    form = lambda config: (config["data"]["fingerprint"], config["shape"], config["reading"])
    with contextlib.suppress(UnlabeledError):  # there is no encoder, or the samples are gone
        if all(form(run["config"]) == form(first) for run in runs):
            store = open_data(first["data"]["source"], **first["reading"])
            seen = runs if store.fingerprint == first["data"]["fingerprint"] else []
            nets = {x["label"]: weights.encoder(Path(x["run"]), x["config"]) for x in seen}
            near = {who: neighbours(draw(net, store, most=AMONG)) for who, net in nets.items()}
    if not near:
        return None
    words = lambda things: [", ".join(things)] if isinstance(things, list) else things
    blocks = []
    for i, query in enumerate(near["A"].queries[:ASKED]):
        rows = [(chips[who], words(found.nearest[i])) for who, found in near.items()]
        asked = tag("figure", thing(query), class_="query")
        blocks.append(tag("div", asked, gallery(rows, bands=1)))
    said = "Samples drawn by chance, and what each run's encoder places nearest to them."
    return section("What each finds alike", said, tag("div", *blocks, class_="versus"), look="wide")
