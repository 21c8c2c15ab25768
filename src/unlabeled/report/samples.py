"""The page's pictures of single samples: what falls together, stands out, is there twice."""

from __future__ import annotations

import math

from unlabeled.report.charts import digits
from unlabeled.report.markup import Markup, name, tag
from unlabeled.report.pictures import gallery, thing
from unlabeled.report.sections import SURFACE, section
from unlabeled.report.things import CLOSE, COMPARED, MANY, Clusters, End, Extremes, Twins, kind

WIDE, NARROW = 26, 10  # letters of a name that are shown; all of them are under the pointer
VALUES = {"image": "pixel", "series": "value"}
ENDS = ("hardest for the task", "easiest for the task", "strangest to the encoder")


def together(shown: Clusters) -> Markup:
    """Clusters, and the samples in the middle of each."""
    what = kind(shown.sheets[0])
    many = MANY.get(what, "samples")
    labels = [f"{share:.0%} {label}" for label, share in shown.purity] or [""] * len(shown.sizes)
    rows = [
        (f"{digits(size)} {many} {label}".strip(), sheet if what != "text" else [", ".join(sheet)])
        for size, label, sheet in zip(shown.sizes, labels, shown.sheets, strict=True)
    ]
    pure = (
        "Beside each stands its commonest label and the share that has it. Neither the encoder nor "
        "the clusters saw a label; they are here for you to check."
    )
    return section(
        "What falls together",
        f"{len(rows)} clusters of {digits(sum(shown.sizes))} {many}, found by k-means in the "
        "encoder's space. Of each those nearest to its centre, the largest cluster first.",
        pure if shown.purity else None,
        gallery(rows, bands=1, same=False),
        good="rows that you can put a name to, each a different one.",
        bad=f"rows alike only in {SURFACE[what]}; or one cluster that holds nearly everything.",
    )


def apart(shown: Extremes) -> Markup:
    """The hardest, the easiest and the strangest samples."""
    hard, strange, said = shown.hardest, shown.strangest, []
    rows = zip(ENDS, (hard, shown.easiest, strange), strict=True)
    again = f"another such measurement is expected to correlate {shown.steady:.2f} with this one"
    if hard:
        said = [
            "Hardest and easiest have the highest and the lowest energy in the method's own task, "
            f"of {digits(hard.among)} samples drawn by chance, over several draws of their views; "
            f"{again}. The easiest are often plain, or one of a kind."
        ]
    elif math.isfinite(shown.steady):
        task = "Which samples are hard for the method's own task hangs on chance more than on them"
        said = [f"{task}, so none is shown: {again}."]
    if strange:
        among = f"Strangest lie furthest from their ten nearest among {digits(strange.among)}"
        said += [f"{among}; the number is one minus the mean cosine."]
    return section(
        "What stands out",
        *said,
        "What stands out is often a broken file, a wrong label or a rare thing: look there first.",
        tag("div", *(_row(title, end) for title, end in rows if end), class_="ends"),
        good="samples that you find hard or strange too.",
        bad="blank, broken or foreign files: take them out and train again.",
    )


def _row(title: str, end: End) -> Markup:
    each = zip(end.things, end.values, end.names, end.labels or [""] * len(end.names), strict=True)
    figures = [
        tag("figure", thing(sample), tag("span", digits(float(value)), class_="cosine"),
            tag("figcaption", name(short(called, NARROW))),
            tag("figcaption", name(label)) if label else None, title=called)
        for sample, value, called, label in each
    ]  # fmt: skip
    row = tag("div", *figures, class_=f"row {kind(end.things)}")
    return tag("div", tag("div", title, class_="label"), row, class_="band")


def short(called: str, most: int) -> str:
    """A name without its folders; of a long one only its end, where names differ, and no suffix."""
    last = called.rstrip("/").rpartition("/")[2] or called
    stem = last if len(last) <= most else last.rpartition(".")[0] or last
    return stem if len(stem) <= most else f"…{stem[1 - most :]}"


def twice(shown: Twins) -> Markup:
    """Pairs of samples that are the same, or nearly, or that the encoder holds for the same."""
    what = VALUES[kind(shown.left)]
    pairs = [_pair(shown, i, what) for i in range(len(shown.left))]
    among = shown.among * (shown.among - 1) // 2
    seen = f"Of the nearest {digits(COMPARED)}" if shown.close > COMPARED else "Of these"
    same, nearly = (digits(n) if n else "none" for n in (shown.same, shown.nearly))
    equal = (
        f"{seen}, equal in every {what}: {same}. Nearly so, differing by less than {CLOSE:.0%} of "
        f"what two drawn by chance do: {nearly}."
    )
    if shown.same + shown.nearly and shown.of > shown.among:
        times = (shown.of / shown.among) ** 2
        equal += f" In all {digits(shown.of)} samples there may be {times:.0f} times as many."
    return section(
        "What is there twice",
        f"Of the {digits(among)} pairs of {digits(shown.among)} samples, {digits(shown.close)} lie "
        "in the encoder's space at less than a tenth of the distance of two drawn by chance.",
        equal if shown.close else None,
        "A near-duplicate counts twice in training. Where one of a pair is in the training part "
        "and the other in the test part, the test comes out too well.",
        tag("div", *pairs, class_=f"twins {kind(shown.left)}"),
        good="two different things, alike in what matters.",
        bad="one thing under two names.",
    )


def _pair(shown: Twins, i: int, what: str) -> Markup:
    differ = float(shown.differ[i])
    write = lambda share: f"{share:.1%}" if share < CLOSE else f"{share:.0%}"
    said = f"{what}s equal" if differ == 0 else f"{what}s differ by {write(differ)}"
    names = [tag("p", name(short(called, WIDE))) for called in shown.names[i]]
    both = tag("div", thing(shown.left[i]), thing(shown.right[i]))
    words = tag("figcaption", *names, tag("p", f"{said}, vectors by {write(shown.vectors[i])}"))
    return tag("figure", both, words, title=" and ".join(shown.names[i]))
