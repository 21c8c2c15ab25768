"""Runs side by side: nothing is compared that does not compare, and nothing is left unsaid."""

import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest

import unlabeled
from unlabeled.errors import MachineError, UsageError
from unlabeled.report.charts import Line, line_chart
from unlabeled.report.compare import _best

HOSTILE = """ "'><img src=https://evil.example/x.png onerror="document.title='pwned'"></style>\x1b\u202e"""


class Structure(HTMLParser):
    """Elements with their attributes, and the text."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.elements, self.text = [], ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += f"{data} "


def shown(runs, tmp_path):
    path = tmp_path / "page.html"
    found = unlabeled.compare(runs, path)
    return found, Structure(path.read_text())


def test_all_that_was_recorded_stands_side_by_side(runs, tmp_path):
    found, page = shown([runs / "one", unlabeled.load(runs / "two")], tmp_path)
    assert [run["label"] for run in found["runs"]] == ["A", "B"]
    for label, name in (("A", "one"), ("B", "two")):
        verdict = json.loads((runs / name / "verdict.json").read_text())
        row = found["measures"]["rows"][label]
        assert row["effective rank"] == verdict["rank"]
        assert row["loss-space spread"] == verdict["embed_spread"]
        assert row["learned nothing"] == pytest.approx(np.log(4))
        assert verdict["words"].removesuffix(".").split("; ")[-1][1:] in page.text
        assert name in page.text
    recorded = {k for k, x in verdict.items() if isinstance(x, float)}
    assert len(row) == len(recorded)
    for words in ("effective rank", "alignment", "samples", "convnet",
                  "How training went", "What each finds alike", "kNN", "raw", "learned nothing"):  # fmt: skip
        assert words in page.text, words
    assert found["settings"] == {"seed": {"A": 0, "B": 1}}
    assert found["warnings"] == []


def test_the_best_are_best_by_the_numbers(runs, altered, tmp_path):
    judged = json.loads((runs / "one" / "evaluation.json").read_text())
    right = judged["scores"]["encoder"]["kNN"]["accuracy"]

    def better(judged):
        judged["scores"]["encoder"]["kNN"] = {"accuracy": right + 1.5}
        judged["scores"]["untrained"]["kNN"] = {"accuracy": 12.5}
        return judged

    found, page = shown(altered(evaluation=better), tmp_path)
    (table,) = found["scores"].values()
    assert table["best"] == {"kNN": ["B"]}
    assert found["words"].startswith("Best by kNN: two, ")
    assert set(table["rows"]) == {"A", "B", "raw", "untrained", "untrained of B"}
    ranks = {who: row["effective rank"] for who, row in found["measures"]["rows"].items()}
    assert found["measures"]["best"]["effective rank"] == [max(ranks, key=ranks.get)]
    aligned = {who: row["alignment"] for who, row in found["measures"]["rows"].items()}
    assert found["measures"]["best"]["alignment"] == [min(aligned, key=aligned.get)]
    assert found["measures"]["best"]["std"] == found["measures"]["best"]["learned nothing"] == []
    stars = sum(len(best) for part in (table, found["measures"]) for best in part["best"].values())
    assert page.text.count("★") == stars


def test_a_tie_of_all_is_no_lead():
    rows = {"A": {"kNN": 80.04, "loss": 1.0}, "B": {"kNN": 79.96}, "C": {"kNN": 70.0, "loss": 0.5}}
    assert _best(rows, ["A", "B", "C"]) == {"kNN": ["A", "B"], "loss": ["C"]}
    assert _best(rows, ["A", "B"]) == {"kNN": [], "loss": []}
    assert _best(rows, []) == {"kNN": [], "loss": []}
    assert _best({"A": {"kNN": 80.0}, "B": {"kNN": 80.04}}, ["A", "B"]) == {"kNN": []}


def test_scores_of_two_protocols_are_never_in_one_table(altered, tmp_path):
    def another(judged):
        judged["settings"] |= {"draws": 9, "neighbours": [5]}
        return {**judged, "protocol": "another"}

    found, page = shown(altered(evaluation=another), tmp_path)
    assert [next(iter(table["rows"])) for table in found["scores"].values()] == ["A", "B"]
    assert not set("AB") <= set(found["scores"]["another"]["rows"])
    assert all(best == [] for table in found["scores"].values() for best in table["best"].values())
    (warning,) = found["warnings"]
    assert warning.startswith("Scores by different protocols do not compare: they differ in ")
    assert "draws and neighbours. Each has its own table." in warning
    assert warning in page.text
    assert found["words"].startswith("Without labels, ")
    assert page.text.count("With labels, by protocol") == 2


def test_a_table_says_what_it_rests_on(altered, tmp_path):
    found, page = shown(altered(), tmp_path)
    (table,) = found["scores"].values()
    assert table["basis"][0].endswith("3 classes; seeds 0 and 1.")
    assert re.fullmatch(r"Protocol [0-9a-f]{12}, \d+ and \d+ s\.", table["basis"][1])
    assert " ".join(table["basis"]) in page.text


def test_a_run_without_scores_beside_one_that_has_some_is_named(altered):
    assert unlabeled.compare(altered(evaluation=None))["warnings"] == ["B has no scores."]


def test_losses_of_two_tasks_bear_no_star(altered):
    def longer(config):
        config["recipe"]["batch"] = 16
        return config

    assert len(unlabeled.compare(altered())["measures"]["best"]["loss"]) == 1
    assert unlabeled.compare(altered(config=longer))["measures"]["best"]["loss"] == []


def test_runs_of_different_data_are_compared_with_a_warning(altered, tmp_path):
    def other(config):
        config["data"] |= {"source": "elsewhere", "fingerprint": "0" * 64}
        return config

    found, page = shown(altered(config=other), tmp_path)
    assert "The runs saw different data" in found["warnings"][0]
    assert "elsewhere" in page.text
    assert "What each finds alike" not in page.text


def test_a_run_that_has_not_ended_says_so(altered, tmp_path):
    folders = altered(verdict=None)
    (folders[1] / "encoder.safetensors").unlink()
    metrics = folders[1] / "metrics.jsonl"
    lines = metrics.read_text().splitlines()
    metrics.write_text("\n".join([*lines[:2], lines[2][:20]]))  # it died while it wrote
    found, page = shown(folders, tmp_path)
    run = found["runs"][1]
    assert run["done"] == 1
    assert run["verdict"]["level"] == "unfinished"
    assert re.search("Not ended +1 of 3 steps are done.", page.text)
    assert found["warnings"] == ["B has not ended."]
    assert not any("B" in best for best in found["measures"]["best"].values())
    assert "What each finds alike" not in page.text


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        ([], "two runs, not 0"),
        (["one"], "two runs, not 1"),
        (["one", "two", "two/../one"], "named twice"),
        (["one", "nowhere"], "holds no run"),
    ],
)
def test_what_cannot_be_compared_is_refused(runs, folders, words):
    with pytest.raises(UsageError, match=words):
        unlabeled.compare([runs / folder for folder in folders])


def test_a_page_that_cannot_be_written_is_an_error_of_the_machine(runs):
    with pytest.raises(MachineError, match="cannot be written"):
        unlabeled.compare([runs / "one", runs / "two"], runs / "images.npy" / "page.html")


def losses(source):
    chart = source[source.index('aria-label="losses"') :].split("</svg>")[0]
    return re.findall(r'<path d="([^"]*)" class="line', chart)


def test_a_loss_is_drawn_over_what_learning_nothing_costs(altered, tmp_path):
    """Ten times the loss where nothing costs ten times as much is the same line."""
    folders = altered()
    lines = [json.loads(x) for x in (folders[0] / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        line["loss"] = line["loss"] * 10 if "loss" in line else None
        if "health" in line:
            line["health"]["learned_nothing"] *= 10
    (folders[1] / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))
    unlabeled.compare(folders, tmp_path / "page.html")
    first, second = losses((tmp_path / "page.html").read_text())
    assert first == second
    for line in lines:
        if "health" in line:
            line["health"]["learned_nothing"] = 0
    (folders[1] / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))
    unlabeled.compare(folders, tmp_path / "page.html")
    assert len(losses((tmp_path / "page.html").read_text())) == 1


def test_hostile_text_is_shown_and_harmless(altered, tmp_path):
    def said(words):
        def config(old):
            recipe = {**old["recipe"], words: words}
            data = {**old["data"], "source": words, "fingerprint": words}
            hardware = {"processor": words, "cores": 2}
            return {
                **old,
                "method": words,
                "backbone": words,
                "recipe": recipe,
                "data": data,
                "hardware": hardware,
            }

        def verdict(old):
            return {**old, "words": words}

        def evaluation(old):
            rows = {**old["scores"], words: {words: {"accuracy": 3.0}}}
            return {**old, "scores": rows, "protocol": words}

        folders = altered(config=config, verdict=verdict, evaluation=evaluation)
        second = folders[1].rename(folders[1].with_name(words.replace("/", "-")))
        found, page = shown([folders[0], second], tmp_path)
        shutil.rmtree(second)
        return found, page, (tmp_path / "page.html").read_text()

    _, good, _ = said(re.sub(r"\S", "a", HOSTILE))
    _, bad, source = said(HOSTILE)
    assert [(e, list(a)) for e, a in bad.elements] == [(e, list(a)) for e, a in good.elements]
    assert bad.text.count("onerror=") >= 8
    for _, attributes in bad.elements:
        assert "style" not in attributes
        for key in {"src", "href"} & set(attributes):
            assert attributes[key].startswith("data:")
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", source)


def test_each_of_many_runs_is_named_at_its_line(runs, altered, tmp_path):
    more = [shutil.copytree(runs / "one", tmp_path / f"more{i}") for i in range(26)]
    found, page = shown([*altered(), *more], tmp_path)
    assert [run["label"] for run in found["runs"]][24:] == ["Y", "Z", "27", "28"]
    for words in ("A one", "C more0", "28 more25"):
        assert page.text.count(words) >= 2  # at both of its lines
    assert page.text.count("What each finds alike") == 1


def test_the_same_runs_give_the_same_page(runs, tmp_path):
    pair = [runs / "one", runs / "two"]
    unlabeled.compare(pair, tmp_path / "a" / "x.html")
    unlabeled.compare(pair, tmp_path / "y.html")
    assert (tmp_path / "a" / "x.html").read_bytes() == (tmp_path / "y.html").read_bytes()


def test_names_at_the_lines_ends_stay_apart_and_above_the_axis():
    flat = [Line(np.arange(3), np.full(3, 0.01 * i), f"run {i}") for i in range(9)]
    high = Line(np.arange(3), np.full(3, 50.0), "high")
    chart = line_chart([*flat, high], label="l", width=540, height=200, zero=True)
    places = sorted(float(y) for y in re.findall(r'y="([\d.]+)" class="name', chart))
    assert len(places) == 10
    assert np.diff(places).min() >= 12.9
    assert places[-1] <= 200 - 24 + 4
    assert places[0] < 30
