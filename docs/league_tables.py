"""The tables of the league."""

from __future__ import annotations

from typing import Any

from standings import (
    LAYER,
    TITLES,
    about,
    by_system,
    cell,
    earlier,
    gains,
    protocols,
    runs_on,
    untrained,
)  # fmt: skip
from tables import Run, head, row, signed, spread

from unlabeled import catalog
from unlabeled.evaluate.protocols import column

SAMPLES = ("raw", "TF-IDF")  # baselines of the samples alone, whatever the network
BASES = {
    "raw": "raw, for {}",
    "TF-IDF": "TF-IDF, for {}",
    "PCA": "PCA, as wide as {}",
    "supervised": "supervised {}, all labels",
}
HEADLINES = ("kNN", "linear", "10 labels")


def short() -> str:
    """The README's table: every system on Fashion-MNIST, and what training added."""
    runs = [*runs_on("fashion-mnist"), *runs_on("rows")]
    words = words_of(runs_on("wordnet"))
    if not runs:
        return "Not measured yet: `make league`."
    twins = untrained(runs)
    lines = head("", *HEADLINES, "gain, kNN", "gain, 10 labels", "seeds")
    for system, own in by_system(runs).items():
        cells = [cell(own, name) for name in HEADLINES]
        more = [signed(gains(own, twins, name)) for name in ("kNN", "10 labels")]
        lines.append(row(system, *cells, *more, len(own)))
    lines += baselines(runs, HEADLINES, 3)
    here = {r["system"] for r in runs} | {"word2vec" for _ in runs_on("wordnet")}
    done = {r["system"] for data in TITLES for r in runs_on(data)}
    left = ""
    for said, names in (
        ("On other data alone ([the league](docs/league.md))", done - here),
        ("Not measured here yet", set(catalog.cards()) - done - here),
    ):
        left += f"{said}: {', '.join(sorted(names))}. " if names else ""
    behind = [
        system
        for system, own in by_system(runs).items()
        if sum(gains(own, twins, "10 labels")) <= 0
    ]
    no_use = f"Not yet better than untrained at 10 labels: {', '.join(behind)}." if behind else ""
    parts = ["\n".join(lines), SHORT_NOTE, no_use, words, left.strip()]
    return "\n\n".join(part for part in parts if part)


def long() -> str:
    """Every kind of data, every column."""
    parts = []
    for data, title in TITLES.items():
        runs = runs_on(data)
        if runs:
            parts += [f"## {title}", about(runs), table(runs), tuned(runs), ahead(runs)]
    words = words_of(runs_on("wordnet"))
    parts += ["## Words", words] if words else []
    return "\n\n".join(filter(None, parts)) or "Not measured yet: `make league`."


def table(runs: list[Run]) -> str:
    """Every system beside its baselines: mean ± deviation over the seeds there are."""
    columns = runs[0]["evaluation"]["scores"]["encoder"]
    names = [*(name for name in columns if "ahead" not in name and "tuned" not in name), LAYER]
    twins = untrained(runs)
    lines = head(
        "", *names, "gain, linear", "gain, best layer", "gain, kNN", "gain, 10 labels",
        "RankMe", "network", "seeds", "steps", "CPU s / 2",
    )  # fmt: skip
    for system, own in by_system(runs).items():
        cells = [cell(own, name) for name in names]
        more = [signed(gains(own, twins, name)) for name in ("linear", LAYER, "kNN", "10 labels")]
        seconds = sum(part["cpu"] for r in own for part in r["seconds"].values()) / len(own) / 2
        seen = [r["RankMe"] for r in own if "RankMe" in r]
        facts = [spread([x["after"] / x["before"] for x in seen], 2) if seen else ""]
        steps = ", ".join(dict.fromkeys(f"{r['steps']:,}{earlier(r)}" for r in own))
        facts += [own[0]["backbone"], len(own), steps, f"{seconds:.0f}"]
        lines.append(row(system, *cells, *more, *facts))
    shown = (run for own in by_system(runs).values() for run in own)
    notes = ["", EARLIER_NOTE] if any(map(earlier, shown)) else []
    full = " or ".join(dict.fromkeys(r["system"] for r in runs if "supervised" in scored(r)))
    notes += ["", BASES_NOTE.format(full)] if full else []
    return "\n".join([*lines, *baselines(runs, names, 9), *notes])


def tuned(runs: list[Run]) -> str:
    """All weights trained with few labels, from these weights and from random ones."""
    for run in runs:
        scores = run["evaluation"]["scores"]
        names = [name for name in scores["encoder"] if name.startswith("tuned")]
        if names:
            rows = {f"{run['system']}, all weights": "encoder", "*random weights*": "untrained"}
            whole = (scores[who][name] for who in rows.values() for name in names)
            cells = [f"{x['accuracy']:.1f} ± {x['deviation']:.1f}" for x in whole]
            split = [cells[: len(names)], cells[len(names) :]]
            few = [name.removeprefix("tuned, ") for name in names]
            lines = head("fine-tuned", *few)
            lines += [row(who, *part) for who, part in zip(rows, split, strict=True)]
            frozen = [f"{scores['encoder'][name]['accuracy']:.1f}" for name in few]
            lines.append(row(f"{run['system']}, frozen", *frozen))
            return "\n".join([*lines, "", TUNED_NOTE])
    return ""


def ahead(runs: list[Run]) -> str:
    """Whether a context tells the true future from fifteen others."""
    own = [r for r in runs if any("ahead" in name for name in r["evaluation"]["scores"]["encoder"])]
    if not own:
        return ""
    names = [name for name in own[0]["evaluation"]["scores"]["encoder"] if "ahead" in name]
    lines = head("the future among sixteen", *names, "seeds")
    for who in ("encoder", "untrained", "last part"):
        here = [r for r in own if names[0] in r["evaluation"]["scores"].get(who, ())]
        title = own[0]["system"] if who == "encoder" else f"*{who}*"
        if here:
            lines.append(row(title, *(cell(here, name, who) for name in names), len(here)))
    return "\n".join([*lines, "", AHEAD_NOTE])


def baselines(runs: list[Run], names: list[str] | tuple[str, ...], empty: int) -> list[str]:
    """The rows of what a system must beat, and of what labels give; one for each network."""
    twins, lines, blank = untrained(runs), [], [""] * empty
    for backbone in dict.fromkeys(b for b, _ in twins):
        own = [run for (b, _), run in twins.items() if b == backbone]
        cells = [cell(own, name, "untrained") for name in names]
        lines.append(row(f"*untrained {backbone}*", *cells, *blank))
    for base, title in BASES.items():
        known = [r for r in runs if base in scored(r)]
        groups = {
            r["backbone"]: [x for x in known if x["backbone"] == r["backbone"]] for r in known
        }
        if base in SAMPLES:
            told = {tuple(cell([r], name, base) for name in names) for r in known}
            groups = {"": known[:1]} if len(told) == 1 else groups
        for backbone, own in groups.items():
            unfair = few_labels(own[0]) if base == "supervised" else ()
            cells = ["" if name in unfair else cell(own, name, base) for name in names]
            lines.append(row(f"*{title.format(backbone) if backbone else base}*", *cells, *blank))
    return lines


def scored(run: Run) -> dict[str, Any]:
    """The scores of a run by who has them: the encoder, and its baselines."""
    return run["evaluation"]["scores"]


def few_labels(run: Run) -> set[str]:
    """The columns in which a probe has but few labels, or a small share of them."""
    settings = run["evaluation"]["settings"]
    return {column(n) for n in (*settings["labels"], *settings["shares"])}


def words_of(runs: list[Run]) -> str:
    """Agreement of word vectors with people."""
    if not runs:
        return ""
    names = list(runs[0]["evaluation"]["scores"]["encoder"])
    lines = head("words", *names, "seeds")
    for who in runs[0]["evaluation"]["scores"]:
        cells = []
        for name in names:
            scores = [r["evaluation"]["scores"].get(who, {}) for r in runs]
            cells.append(word_cell([found[name] for found in scores if name in found]))
        lines.append(row("word2vec" if who == "encoder" else f"*{who}*", *cells, len(runs)))
    probed = [PROBED_NOTE] if "part of speech" in names else []
    return "\n".join([*lines, "", WORDS_NOTE, *probed, *filter(None, [protocols(runs)])])


def word_cell(found: list[dict[str, Any]]) -> str:
    """A correlation or an accuracy over the seeds, and of how many."""
    if not found:
        return ""
    what, digits = ("correlation", 2) if "correlation" in found[0] else ("accuracy", 1)
    n = found[0].get("pairs", found[0].get("n"))
    return f"{spread([f[what] for f in found], digits)} (n={n})"


SHORT_NOTE = (
    "Percent right on Fashion-MNIST's 10,000 test images: frozen features of the last layer, last "
    "checkpoint, mean ± standard deviation over seeds (10 labels: of means over five draws), about "
    "a minute of training on two cores without labels. A gain is what training added to the same "
    "network with the same seed. cpc-series reads an image as a series of rows. A supervised "
    "network saw all 60,000 labels, so it has no place among 10. [More columns, and other data]"
    "(docs/league.md); `make league` repeats it."
)
BASES_NOTE = (
    "PCA: as many principal components of the samples as the network's output is wide. Supervised: "
    "the network trained with all labels, for as many steps as {} takes; it has no number where a "
    "column stands for few labels."
)
EARLIER_NOTE = (
    "\\* From before the steps were settled for a quiet minute of this processor: fewer than its "
    "due, on a slower machine or beside other work. `make league` runs it anew."
)
TUNED_NOTE = (
    "So many labels a class; 200 steps of AdamW, the head first; mean ± deviation over three draws "
    "of the labels, one seed. Frozen: the linear probe of the table above."
)
AHEAD_NOTE = (
    "CPC's own test: percent of times that the code of a part so far ahead is picked among sixteen "
    "of the test set; chance is 6.25. Last part: its code in place of a context."
)
WORDS_NOTE = (
    "Spearman's correlation of cosines with people's judgements, trained on the glosses of "
    "WordNet; n pairs have both words in the vocabulary. ± is the standard deviation over seeds."
)
PROBED_NOTE = (
    "Analogies by 3CosAdd without the inputs, percent right of the n whose words are all known; "
    "parts of speech by a linear probe, percent right of n held-out words that WordNet knows as "
    "one part alone."
)
