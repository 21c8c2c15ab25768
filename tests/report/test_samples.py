"""Single samples on the page: clusters, extremes and pairs are there with their names and words."""

import dataclasses
import re

import numpy as np
import pytest

from unlabeled.report.content import Spectrum
from unlabeled.report.pictures import strip
from unlabeled.report.samples import apart, short, together, twice
from unlabeled.report.sections import directions
from unlabeled.report.things import Clusters, Extremes


def words(markup: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", markup).split())


def test_a_sheet_for_each_cluster_with_its_size_and_its_commonest_label(content):
    shown = together(content.clusters)
    many = "words" if isinstance(content.clusters.sheets[0], list) else "samples"
    assert f"2 clusters of 2,000 {many}" in words(shown)
    assert f"1,903 {many} 83% cat" in words(shown)
    assert f"97 {many} 64% dog" in words(shown)
    assert "commonest label" in words(shown)
    if isinstance(content.clusters.sheets[0], list):
        assert "word0, word1, word2" in words(shown)
        assert "word9, word10" in words(shown)
    else:
        assert shown.count('class="label"') == 2


def test_a_small_clusters_samples_stand_side_by_side(images):
    things = images.clusters.sheets[0][:8]
    shown = together(Clusters(sheets=[things, things[:2]], sizes=[9, 2]))
    assert strip(dict(enumerate(things[:2])), columns=8) in shown


def test_without_labels_no_word_of_them(content):
    shown = together(dataclasses.replace(content.clusters, purity=()))
    assert "label" not in words(shown)
    assert "1,903 " in words(shown)


def test_what_stands_out_says_how_much_and_what_it_is_called(images):
    shown = words(apart(images.extremes))
    for said in ("hardest", "easiest", "strangest", "of 876 samples", "7.25", "1.50"):
        assert said in shown
    assert "7.25 sample-4 kind 4 1.50 sample-5 kind 5" in shown
    assert "folder" not in shown  # that is under the pointer
    nameless = dataclasses.replace(images.extremes.hardest, labels=())
    assert "kind 4" not in words(apart(dataclasses.replace(images.extremes, hardest=nameless)))
    assert 'title="folder/sample-4.jpeg"' in apart(images.extremes)
    assert "broken file, a wrong label" in shown
    assert "correlate 0.88" in shown


def test_energies_that_are_mostly_chance_are_not_mentioned(images):
    shown = words(apart(Extremes(strangest=images.extremes.strangest)))
    assert "strangest" in shown
    assert "hardest" not in shown
    assert "energy" not in shown
    assert "own task" not in shown  # nothing is known of it
    shown = words(
        apart(dataclasses.replace(images.extremes, hardest=None, easiest=None, steady=0.31))
    )
    assert "hangs on chance" in shown
    assert "correlate 0.31" in shown


@pytest.mark.parametrize(
    ("called", "shown"),
    [
        ("a/b/cat.png", "cat.png"), ("17", "17"), ("a/", "a"), ("/", "/"), ("x" * 12, "x" * 12),
        ("x/photograph.jpeg", "photograph"), (f"x/{'a' * 30}{'b' * 8}.png", f"…aaa{'b' * 8}"),
        ("." + "h" * 20, f"…{'h' * 11}"),
    ],
)  # fmt: skip
def test_a_name_is_short_and_keeps_its_end(called, shown):
    assert short(called, 12) == shown


def test_pairs_are_named_and_counted(images):
    shown = words(twice(images.twins))
    assert "79,800 pairs of 400 samples" in shown
    assert "13 lie" in shown
    assert "Of these, equal in every pixel: 1. Nearly so" in shown
    assert "chance do: 3." in shown
    assert "In all 4,000 samples there may be 100 times as many" in shown
    assert "one.png copy of one.png pixels equal, vectors by 0.0%" in shown
    assert "pixels differ by 42%, vectors by 8.7%" in shown


def test_nothing_is_extrapolated_from_no_pair_or_from_all_samples(images):
    for changed in ({"same": 0, "nearly": 0}, {"of": 400}):
        shown = words(twice(dataclasses.replace(images.twins, **changed)))
        assert "times as many" not in shown
        assert ("every pixel: none. Nearly so" in shown) == ("same" in changed)
    assert "every pixel" not in words(twice(dataclasses.replace(images.twins, close=0)))


def test_more_pairs_than_are_compared_are_not_said_to_be(images):
    shown = words(twice(dataclasses.replace(images.twins, close=5000)))
    assert "Of the nearest 1,000, equal" in shown


def test_a_spectrum_falls_by_decades_and_ranks_are_marked():
    values = {"trained": np.array([4.0, 0.4, 0.04, 0.0]), "untrained": np.array([2.0, 2, 2, 2])}
    shown = directions(Spectrum(values=values, rank={"trained": 1.5, "untrained": 4.0}, samples=90))
    assert "90 vectors" in words(shown)
    assert "RankMe 1.50 trained" in words(shown)
    assert "RankMe 4 untrained" in words(shown)
    lines = [
        re.findall(r"([\d.]+) ([\d.]+)", d) for d in re.findall(r'd="M([^"]*)" class="line', shown)
    ]
    falling, flat = ([(float(x), float(y)) for x, y in line] for line in lines)
    assert len(falling) == 3  # nothing is drawn for a direction that is not used
    steps = np.diff([y for _, y in falling])
    assert steps[0] == pytest.approx(steps[1], abs=0.11)
    assert len({y for _, y in flat}) == 1
    marks = re.findall(r'd="M([\d.]+) [^"]*" class="mark', shown)
    assert float(marks[1]) == pytest.approx(flat[3][0], abs=0.06)
    assert float(marks[0]) == pytest.approx((flat[0][0] + flat[1][0]) / 2, abs=0.11)
    for tick in (">100%<", ">10%<", ">1%<"):
        assert tick in shown
