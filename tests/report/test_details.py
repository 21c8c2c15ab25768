import re

import pytest

from unlabeled.report.content import Evaluation, Row
from unlabeled.report.details import evaluation, score_table
from unlabeled.report.gather import _evaluation, _numbers, curves

FOUND = {
    "scores": {
        "encoder": {
            "kNN": {"accuracy": 88.0, "k=20": 88.0},
            "1 label": {"accuracy": 50.0, "deviation": 4.0, "draws": [46.0, 54.0]},
            "10 labels": {"accuracy": 75.0, "deviation": 1.0, "draws": [74.0, 76.0]},
            "retrieval": {"recall@1": 85.0, "mAP": 60.0},
            "anomaly": {"AUROC": 91.0, "deviation": 3.0},
        },
        "untrained": {"kNN": {"accuracy": 79.0}, "1 label": {"accuracy": 40.0}},
    },
    "layers": {
        "encoder": {"stage1": {"kNN": {"accuracy": 70.0}}, "out": {"kNN": {"accuracy": 88.0}}},
        "untrained": {"stage1": {"kNN": {"accuracy": 65.0}}},
    },
    "settings": {"classes": 10, "test": 10_000, "labels": [1, 10]},
}


def test_each_protocol_is_shown_by_its_headline():
    shown = _evaluation(FOUND)
    assert shown.rows[0].scores["retrieval"] == 0.85
    assert shown.rows[0].scores["anomaly"] == (0.91, 0.03)
    assert shown.layers == {
        "kNN": {"stage1": 0.7, "out": 0.88},
        "kNN, untrained": {"stage1": 0.65},
    }
    assert shown.labels == {
        "encoder": {"1": (0.5, 0.04), "10": (0.75, 0.01)},
        "untrained": {"1": 0.4},
    }
    assert [(number.name, number.value, number.beside) for number in _numbers(FOUND)] == [
        ("kNN", "88.0 %", "untrained 79.0 %"), ("10 labels", "75.0 %", "")
    ]  # fmt: skip


def test_words_have_correlations_and_no_curves():
    found = {"correlation": 0.31, "interval": [0.2, 0.4], "pairs": 300, "all": 353}
    evaluation = {"scores": {"encoder": {"WordSim-353": found}}, "settings": {"words": 9}}
    shown = _evaluation(evaluation)
    assert shown.rows[0].scores == {"WordSim-353": 0.31}
    assert not shown.labels
    assert _numbers(evaluation)[0].value == "0.31"


def test_the_curves_are_drawn_with_a_line_for_each_row_and_layer():
    page = str(evaluation(_evaluation(FOUND)))
    assert "Label by label" in page
    assert "Layer by layer" in page
    assert page.count("<svg") >= 2
    assert "score by labels a class" in page
    assert "recall at 1" in page  # the glossary


def test_frozen_tuned_and_from_random_weights_are_in_one_picture():
    row = lambda one, ten: {"1 label": {"accuracy": one}, "10 labels": {"accuracy": ten}}
    tuned = lambda ten: {"tuned, 10 labels": {"accuracy": ten, "deviation": 1.0, "draws": [ten]}}
    scores = {
        "encoder": {**row(50.0, 75.0), **tuned(80.0), "linear": {"accuracy": 90.0}},
        "untrained": {**row(40.0, 60.0), **tuned(62.0)},
        "supervised": {**row(85.0, 90.0), "linear": {"accuracy": 92.0}},
    }
    settings = {"classes": 3, "test": 9, "labels": [1, 10], "finetune": {"labels": [10]}}
    shown = _evaluation({"scores": scores, "settings": settings})
    assert shown.labels == {
        "encoder": {"1": 0.5, "10": 0.75},
        "encoder, tuned": {"10": (0.8, 0.01)},
        "random weights, tuned": {"10": (0.62, 0.01)},
        "untrained": {"1": 0.4, "10": 0.6},
    }
    assert shown.every == 0.92
    page = str(evaluation(shown))
    for name in shown.labels:
        assert f">{name}</text>" in page
    assert re.findall(r">(1|10)</text>", page) == ["1", "10"]
    assert "supervised, with all labels" in page


def test_fine_tuning_alone_is_a_picture_in_order():
    tuned = {f"tuned, {n} labels": {"accuracy": 5.0 + n, "deviation": 1.0} for n in (10, 100)}
    scores = {"encoder": {"linear": {"accuracy": 99.0}, **tuned}, "untrained": tuned}
    found = {"classes": 3, "test": 9, "labels": [1, 5, 10, 100], "finetune": {"labels": [10, 100]}}
    page = str(evaluation(_evaluation({"scores": scores, "settings": found})))
    assert re.findall(r">(1|5|10|100)</text>", page) == ["10", "100"]


def test_many_columns_are_tables_below_one_another():
    """At laptop width six stand beside the margin; none may be cut off."""
    scores = {f"protocol {i}": i / 10 for i in range(8)}
    rows = [Row(name="a", scores=scores), Row(name="b", scores={"protocol 7": 0.1})]
    shown = Evaluation(rows=rows)
    tables = re.findall(r"<table.*?</table>", score_table(shown))
    assert [table.count('scope="col"') for table in tables] == [4, 4]
    assert [table.count('scope="row"') for table in tables] == [1, 2]
    assert score_table(shown, most=10).count("<table") == 1
    assert "<table" not in score_table(Evaluation(rows=[]))


@pytest.mark.parametrize("labels", [{}, {"encoder": {"10": 0.7}}])
def test_one_point_is_no_curve(labels):
    shown = Evaluation(rows=[Row(name="a", scores={"kNN": 0.5})], labels=labels)
    page = str(evaluation(shown))
    assert "Label by label" not in page
    assert "Layer by layer" not in page


def test_the_course_of_knn_is_drawn_at_the_looks_that_asked():
    lines = [
        {"step": step, "loss": 1.0, "lr": 0.1, "health": {"rank": 2.0}, **asked}
        for step, asked in enumerate([{"knn": 40.0}, {}, {"knn": 55.5}])
    ]
    found = curves(lines, 8)
    assert found.asked.tolist() == [1, 3]
    assert found.named.tolist() == [40.0, 55.5]
