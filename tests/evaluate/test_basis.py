"""What a table says that it rests on is what its scores were made with."""

import pytest

from unlabeled.evaluate.basis import basis, listed
from unlabeled.evaluate.judge import digest

SETTINGS = {"train": 60_000, "test": 10_000, "classes": 10}


def result(seed=0, seconds=57.4, **scores):
    found = {"scores": {"encoder": scores, "untrained": {}}, "settings": SETTINGS, "protocol": "ab"}
    return {**found, "seconds": seconds, "seeds": {"run": seed, "untrained": 0}}


def test_samples_seeds_protocol_and_cost_are_named():
    assert basis(result(kNN={"accuracy": 1.0})) == [
        "60,000 labelled samples to learn from; 10,000 to score, 10 classes; seed 0.",
        "Protocol ab, 57 s.",
    ]
    about, cost = basis(result(), result(7, 60.6), result(7, 3))
    assert about.endswith("seeds 0 and 7 (untrained: 0).")
    assert cost == "Protocol ab, 57, 61 and 3 s."


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ([{"accuracy": 1.0, "deviation": 0.1, "draws": [1.0] * 5}], "over 5 draws of the labels;"),
        (
            [{"deviation": 0.1, "draws": [1.0] * n} for n in (5, 3, 5)],
            "over 3 or 5 draws of the labels;",
        ),
        ([{"AUROC": 9.0, "deviation": 0.1}], "over the classes held out;"),
        (
            [{"AUROC": 9.0, "deviation": 0.1}, {"deviation": 0.1, "draws": [1.0] * 2}],
            "over 2 draws of the labels, or over the classes held out;",
        ),
    ],
)
def test_it_says_what_the_spread_is_over(scores, words):
    named = {f"column {i}": score for i, score in enumerate(scores)}
    assert basis(result(**named))[1].startswith(f"± is the standard deviation {words} protocol ab")


def test_of_words_it_explains_the_brackets():
    score = {"WordSim-353": {"correlation": 0.3, "interval": [0.2, 0.4], "pairs": 300}}
    settings = {"words": 19_000, "window": 5}
    assert basis({"scores": {"encoder": score}, "settings": settings}) == [
        "19,000 words.",
        f"Brackets hold 95 % of what redrawn pairs gave; protocol {digest(settings)}.",
    ]


def test_it_says_that_the_supervised_network_saw_all_labels():
    seen = result(kNN={"accuracy": 1.0})
    assert not any("upervised" in words for words in basis(seen))
    full = {**seen, "scores": {**seen["scores"], "supervised": {"10 labels": {"accuracy": 2.0}}}}
    told = basis(seen, full)
    assert told[:2] == basis(seen, seen)
    assert told[2:] == [
        "Supervised learnt its weights from all labels; in a column of few, only its probe has few."
    ]


def test_a_list_reads_as_one():
    assert [listed("a"), listed("ab"), listed("abc")] == ["a", "a and b", "a, b and c"]
