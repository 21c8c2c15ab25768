"""What is wanted of each method at its own task, and whether its runs show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

Found: TypeAlias = dict[str, Any]
Line: TypeAlias = tuple[str, str, str, bool]
"""What is claimed, what was measured, what is wanted, and whether it holds."""
Case: TypeAlias = tuple[str, str]
"""What a method is bad at, and how bad."""

COLOURED = ("sprites", "photographs")
WIDE = "autoencoder, as wide"  # its features are as wide as split-brain's two halves
CRITIC = (55, 95)  # percent: below it learnt nothing, above the painter has lost
GAME = (50, 95)  # the same where a tie is the goal
TIMES = 20  # as often as by chance: our own reading of "knows again"
NEAR = 0.25  # share of the true gradient energy by which samples may miss it
SYMMETRIC = {"trousers": "1", "dresses": "3", "shirts": "6"}


def share(made: float, usual: float) -> float:
    """By how many percent an error is smaller than another."""
    return 100 * (1 - made / usual)


def smaller(what: str, made: float, usual: float, least: float = 0.0) -> Line:
    """An error is smaller than a naive answer's, by so many percent at least."""
    wanted = f"{least:g} % less, or more" if least else "less"
    held = share(made, usual) >= least and made < usual
    return what, f"{made:.3g} against {usual:.3g} ({-share(made, usual):+.0f} %)", wanted, held


def right(what: str, percent: float, least: float, chance: float) -> Line:
    """So many answers are right."""
    wanted = f"{least:.3g} % or more (chance {chance:.3g})"
    return what, f"{percent:.1f} %", wanted, percent >= least


def between(percent: float, limits: tuple[float, float]) -> Line:
    """A critic is right neither too seldom nor too often."""
    low, high = limits
    what, wanted = "the critic tells real from made", f"{low} to {high} %"
    return what, f"{percent:.1f} %", wanted, low < percent < high


def exemplar(found: Found) -> Iterator[Line]:
    own, others = found["pairs"], [found[f"pairs, {who}"] for who in ("untrained", "pixels")]
    measured = f"{own:.1f} %, untrained {others[0]:.1f}, pixels {others[1]:.1f}"
    wanted = f"more than both (chance {found['pairs, chance']:.3g})"
    what = "finds the other view of a held-out image by its scores for the seeds"
    yield what, measured, wanted, own > max(others)
    chance = found["chance"]
    what = "names the seed of a new view (seeds are training images: it knows no others)"
    yield right(what, found["accuracy"], TIMES * chance, chance)


def bigan(found: Found) -> Iterator[Line]:
    for name, what in (("mean", "the mean image"), ("another", "a random training image")):
        usual = found[f"error of {'the ' * (name == 'mean')}{name}"]
        yield smaller(f"error of G(E(x)), against {what}", found["error"], usual)
    chance = found["own, chance"]
    yield right("its own G(E(x)) is nearest, of 100", found["own"], TIMES * chance, chance)
    yield between(found["critic"]["both"], GAME)
    made, true = found["gradient energy"], found["true gradient energy"]
    near = abs(made / true - 1) <= NEAR
    measured = f"{made:.4f}, true {true:.4f} ({100 * (made / true - 1):+.0f} %)"
    yield "gradient energy of its samples", measured, f"within {100 * NEAR:g} %", near


def rotation(found: Found) -> Iterator[Line]:
    yield right("names the turn of a garment", found["accuracy"], 85, 25)


def flips(found: Found) -> Iterator[Line]:
    yield right("tells whether a garment is upside down", found["up-down"], 90, 50)
    for name, of in SYMMETRIC.items():
        down, left = (found[f"{side} by class"][of] for side in ("up-down", "left-right"))
        measured = f"up-down {down:.1f} %, left-right {left:.1f} %"
        far = down >= 80 and down - 50 >= 2 * (left - 50)
        yield (
            f"up-down is told, left-right hardly, of {name}",
            measured,
            "80 % up-down, twice as far from 50",
            far,
        )


def solves(times: float) -> Callable[[Found], Iterator[Line]]:
    """A puzzle is solved so many times as often as by chance."""

    def lines(found: Found) -> Iterator[Line]:
        yield right(
            "solves its puzzle", found["accuracy"], times * found["chance"], found["chance"]
        )

    return lines


def inpainting(plain: Found) -> Iterator[Line]:
    for name, what in (("mean", "the mean image"), ("border", "the border, smoothly drawn on")):
        yield smaller(
            f"error in a hole, against {what}", plain["error"], plain[f"error of the {name}"]
        )


def super_resolution(plain: Found) -> Iterator[Line]:
    more = plain["decibels"] - plain["decibels of bicubic"]
    measured = (
        f"{plain['decibels']:.2f} dB against {plain['decibels of bicubic']:.2f} ({more:+.2f})"
    )
    yield "7 x 7 pixels to 28 x 28, against bicubic", measured, "1.5 dB more", more >= 1.5


def sharper(plain: Found, judged: Found) -> Iterator[Line]:
    energy, true = "gradient energy", plain["true gradient energy"]
    gaps = abs(judged[energy] - true), abs(plain[energy] - true)
    measured = f"{judged[energy]:.4f} against {plain[energy]:.4f}, true {true:.4f}"
    yield (
        "with a critic: gradient energy, against none",
        measured,
        "nearer the true",
        gaps[0] < gaps[1],
    )
    yield between(judged["critic"], CRITIC)


def autoencoder(found: Found) -> Iterator[Line]:
    what = f"error through {found['code']} numbers, against as many principal components"
    yield smaller(what, found["error"], found["error of PCA"])


def denoising(found: Found) -> Iterator[Line]:
    seen = found["error of what it sees"]
    yield smaller("output's error, against the noisy input's", found["error"], seen)


def vae(found: Found) -> Iterator[Line]:
    measured = f"{found['nats']:.1f} nats against {found['nats of the mean']:.1f}"
    worth = found["nats"] < found["nats of the mean"]
    yield "bound on -log p, against a code that tells nothing", measured, "less", worth
    used = f"{found['active']} of {found['code']} numbers, {found['divergence']:.1f} nats"
    yield "the code is in use", used, "some numbers", found["active"] > 0


def hidden(found: Found) -> Iterator[Line]:
    usual = found["error of the mean"]
    yield smaller("error on hidden patches, against the usual patch there", found["error"], usual)


def split_brain(found: Found) -> Iterator[Line]:
    for name in [name for name in found if name != "10 labels"]:
        what = f"{name} from the other half, against its mean"
        yield smaller(what, found[name]["error"], found[name]["error of the mean"])


def joined(halves: Found, plain: Found) -> Iterator[Line]:
    own = halves["10 labels"]
    usual = {name: own[name] for name in halves if name != "10 labels"}
    usual |= {"an autoencoder as wide": plain["10 labels"]["encoder"]}
    usual |= {"untrained": own["untrained"]}
    for name, percent in usual.items():
        what = f"features of both halves at 10 labels a class, against {name}"
        what += " alone" * (name in halves)
        more = own["encoder"] - percent
        yield what, f"{own['encoder']:.1f} against {percent:.1f} ({more:+.1f})", "more", more > 0


def colorization(bins: Found, l2: Found) -> Iterator[Line]:
    for answer, found in (("bins", bins), ("l2", l2)):
        for name in ("mean", "grey"):
            what = (
                f"error in ab, {answer}, against {'grey' if name == 'grey' else 'the mean colour'}"
            )
            usual = found["error of grey" if name == "grey" else "error of the mean"]
            yield smaller(what, found["error"], usual, 10)
    dull, vivid, true = l2["chroma"], bins["chroma"], bins["true chroma"]
    measured = f"{dull:.1f}, {vivid:.1f}, {true:.1f}"
    yield "mean chroma of l2, bins and truth", measured, "in this order", dull < vivid <= true


JUDGES: list[tuple[str, str, tuple[str, ...], Callable[..., Iterator[Line]]]] = [
    ("exemplar", "", ("exemplar",), exemplar),
    ("bigan", "", ("bigan",), bigan),
    ("rotation", "", ("rotation",), rotation),
    ("rotation", "flips", ("flips",), flips),
    ("relative-position", "", ("relative-position",), solves(2.5)),
    ("jigsaw", "", ("jigsaw",), solves(5)),
    ("inpainting", "", ("inpainting",), inpainting),
    ("inpainting", "", ("inpainting", "inpainting, critic"), sharper),
    ("super-resolution", "", ("super-resolution",), super_resolution),
    ("super-resolution", "", ("super-resolution", "super-resolution, critic"), sharper),
    ("autoencoder", "", ("autoencoder",), autoencoder),
    ("autoencoder", "with noise", ("denoising",), denoising),
    ("vae", "", ("vae",), vae),
    ("mae", "", ("mae",), hidden),
    ("simmim", "", ("simmim",), hidden),
    ("split-brain", "", ("split-brain",), split_brain),
    ("split-brain", "", ("split-brain", WIDE), joined),
    *(("split-brain", data, (f"split-brain, {data}",), split_brain) for data in COLOURED),
    *(
        ("split-brain", data, (f"split-brain, {data}", f"{WIDE}, {data}"), joined)
        for data in COLOURED
    ),
    *(
        (
            "colorization",
            data,
            (f"colorization, {data}", f"colorization by l2, {data}"),
            colorization,
        )
        for data in COLOURED
    ),
]


def bad_turns(garments: Found, digits: Found) -> Iterator[Case]:
    of = digits["by class"]
    worst = ", ".join(f"{n} {of[n]:.0f}" for n in sorted(of, key=of.__getitem__))
    yield (
        "what looks alike upside down: digits",
        f"{digits['accuracy']:.1f} % of turns named, of garments {garments['accuracy']:.1f}; "
        f"by digit, worst first: {worst}",
    )
    gains = [f["10 labels"]["encoder"] - f["10 labels"]["untrained"] for f in (digits, garments)]
    measured = f"{gains[0]:+.1f} points over untrained on digits, {gains[1]:+.1f} on garments"
    yield "its features where turns tell little, at 10 labels a class", measured


def bad_flips(found: Found) -> Iterator[Case]:
    by = found["left-right by class"]
    worst = min(by, key=by.__getitem__)
    yield (
        "left-right flips of what is symmetric",
        f"{by[worst]:.1f} % of them told in class {worst}, where 50 is chance; "
        f"{found['left-right']:.1f} overall",
    )


def blurred(found: Found) -> Iterator[Case]:
    ratio = 100 * found["gradient energy"] / found["true gradient energy"]
    yield "its answer is a mean, and so a blur", f"{ratio:.0f} % of the true gradient energy"


def dull(found: Found) -> Iterator[Case]:
    ratio = 100 * found["chroma"] / found["true chroma"]
    yield "the mean colour is greyish", f"{ratio:.0f} % of the true chroma"


BAD: list[tuple[str, str, tuple[str, ...], Callable[..., Iterator[Case]]]] = [
    ("rotation", "", ("rotation", "rotation, digits"), bad_turns),
    ("rotation", "flips", ("flips",), bad_flips),
    ("inpainting", "", ("inpainting",), blurred),
    ("super-resolution", "", ("super-resolution",), blurred),
    ("vae", "drawn from the prior", ("vae",), blurred),
    *(("colorization", f"l2, {data}", (f"colorization by l2, {data}",), dull) for data in COLOURED),
]


def judged(
    runs: list[dict[str, Any]],
    judges: list[tuple[str, str, tuple[str, ...], Callable[..., Iterator[Any]]]],
    names: tuple[str, ...],
) -> list[dict[str, Any]]:
    """What each judge whose runs are there says, by the first seed of each run."""
    found: dict[str, Found] = {}
    for run in runs:
        found.setdefault(run["name"], run["found"])
    return [
        {"method": method, "of": of, **dict(zip(names, said, strict=True))}
        for method, of, needed, judge in judges
        if all(name in found for name in needed)
        for said in judge(*(found[name] for name in needed))
    ]


def claims(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every claim, what was measured, what is wanted, and whether it "holds"."""
    return judged(runs, JUDGES, ("claim", "measured", "wanted", "holds"))


def bad_cases(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the methods are bad at, and how bad."""
    return judged(runs, BAD, ("case", "measured"))
