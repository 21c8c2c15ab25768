"""Which samples belong together, by number, by name or by what a pattern finds in their names."""

import importlib

import numpy as np
import pytest

from unlabeled.data.store import Store
from unlabeled.encoders import ConvNet, Shape
from unlabeled.errors import DataError, UsageError
from unlabeled.evaluate import evaluate
from unlabeled.evaluate.few import ALONE, chosen, few, fewest
from unlabeled.evaluate.groups import grouped
from unlabeled.evaluate.linear import folds, linear

CLASSES = np.arange(24) % 2


def scans():
    """Two scans of each of twelve patients; every second patient is of the second class."""
    chance = np.random.default_rng(0)
    data = chance.integers(0, 256, (24, 1, 16, 16), np.uint8)
    keys = [f"{i % 2}/patient-{i % 12:02}/{i}.png" for i in range(24)]
    return Store(data, Shape("image", 1, 16), keys, "scans"), CLASSES


def test_numbers_names_and_patterns_name_the_same_groups():
    patients = np.arange(24) % 12
    assert np.array_equal(grouped(scans(), 7 * patients), patients)
    assert np.array_equal(grouped(scans(), np.array([f"p{i:02}" for i in patients])), patients)
    assert np.array_equal(grouped(scans(), r"patient-\d+"), patients)
    assert np.array_equal(grouped(scans(), r"patient-(\d)\d"), patients // 10)  # the bracket


@pytest.mark.parametrize(
    ("groups", "error", "message"),
    [
        ("patient-[", UsageError, r"the pattern of groups 'patient-\[' cannot be read"),
        (
            r"clinic-\d",
            DataError,
            r"no group in the names of 24 of 24 samples, such as 0/patient-00",
        ),
        (np.arange(12), DataError, r"24 samples have groups of shape \(12,\); one each"),
        (CLASSES, DataError, "a class has all its training samples in one group"),
    ],
)
def test_groups_that_cannot_be_used_are_refused(groups, error, message):
    with pytest.raises(error, match=message):
        grouped(scans(), groups)


def test_the_fewest_groups_of_a_class_are_counted():
    assert fewest(np.array([0, 0, 0, 1, 1])) == 2
    assert fewest(np.array([0, 0, 0, 1, 1]), np.array([5, 5, 6, 7, 7])) == 1
    assert fewest(np.array([0, 0, 0, 1, 1]), np.array([5, 5, 6, 7, 8])) == 2


def test_few_labels_of_one_group_each_have_nothing_to_choose_the_penalty_by():
    chance = np.random.default_rng(0)
    x, y = chance.standard_normal((400, 60)).astype(np.float32), np.arange(400) % 2
    x[:, 0] += y
    given = {"classes": 2, "labels": 8, "draws": 3}
    alone = few((x, y), (x, y), groups=y, **given)["draws"]  # a group a class
    for draw, score in enumerate(alone):
        rows = chosen(y, 8, draw)
        fixed = linear((x[rows], y[rows]), (x, y), classes=2, strengths=ALONE)["accuracy"]
        assert score == pytest.approx(fixed, abs=0.3)
    assert alone != few((x, y), (x, y), groups=np.arange(400), **given)["draws"]


def test_groups_reach_every_choice_and_the_protocol(monkeypatch):
    seen = []

    def spy(labels, parts, seed, groups=None):
        seen.append(groups is not None)
        return folds(labels, parts, seed, groups)

    for name in ("linear", "few", "communities"):
        module = importlib.import_module(f"unlabeled.evaluate.{name}")
        monkeypatch.setattr(module, "folds", spy)
    train, net = scans(), ConvNet(1, 16, width=4)

    def asked(protocol, **given):
        seen.clear()
        found = evaluate(net, train, train, protocols=(protocol,), beside=(), draws=1, **given)
        return found, list(seen)

    for protocol in ("linear", "few", "linear:dinov2"):
        plain, before = asked(protocol, epochs=1)
        known, after = asked(protocol, epochs=1, groups=r"patient-\d+")
        assert before
        assert after
        assert not any(before)
        assert after.count(True) >= 1
        assert known["settings"]["groups"][0] == 12
        assert {k: v for k, v in known["settings"].items() if k != "groups"} == plain["settings"]
    other, _ = asked("linear", groups=np.arange(24) % 6)
    assert len({plain["protocol"], known["protocol"], other["protocol"]}) == 3


def test_many_labels_of_few_groups_choose_the_penalty_by_whole_groups():
    chance = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 10)
    y = groups % 2
    x = chance.standard_normal((40, 30))[groups] + 0.3 * chance.standard_normal((400, 30))
    x = (x + 0.5 * y[:, None]).astype(np.float32)
    given = {"classes": 2, "labels": 100, "draws": 3}  # so many that each draw is fitted alone
    rows = [chosen(y, 100, draw) for draw in range(3)]
    alone = [
        linear((x[r], y[r]), (x, y), classes=2, seed=draw, groups=groups[r])["accuracy"]
        for draw, r in enumerate(rows)
    ]
    assert few((x, y), (x, y), groups=groups, **given)["draws"] == alone
    assert few((x, y), (x, y), **given)["draws"] != alone
