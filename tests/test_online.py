"""Nearest neighbours with labels, beside a run: right, for whoever watches, and for nobody else."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch

import unlabeled
from unlabeled.data import Labels, Store, open_apart
from unlabeled.data.labels import Opened
from unlabeled.encoders import ConvNet, Series, Shape
from unlabeled.errors import DataError
from unlabeled.online import FEWEST, MOST, OnlineKNN, named

chance = np.random.default_rng(0)


def by_hand(vectors, labels, k, temperature=0.07):
    """Wu et al. 2018, eq. 9 and below, one sample at a time: each is left out of its own vote."""
    unit = np.asarray(vectors, np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    right = []
    for i, v in enumerate(unit):
        near = sorted((-(v @ u), j) for j, u in enumerate(unit) if j != i)[:k]
        votes = dict.fromkeys(set(labels), 0.0)
        for minus, j in near:
            votes[labels[j]] += np.exp(-minus / temperature)
        right.append(max(votes, key=votes.__getitem__) == labels[i])
    return 100 * np.mean(right)


@pytest.mark.parametrize(("n", "k"), [(60, 20), (60, 1), (12, 20)])
def test_each_is_named_by_its_nearest_others(n, k):
    labels = chance.integers(0, 3, n)
    vectors = chance.standard_normal((n, 5)) + np.eye(5)[labels]
    found = named(torch.tensor(vectors), torch.tensor(labels), classes=3, k=k)
    assert found == pytest.approx(by_hand(vectors, labels.tolist(), k))


def test_a_sample_among_many_equal_ones_is_still_left_out():
    nobody_is_like_another = torch.arange(40)
    assert named(torch.ones(40, 4), nobody_is_like_another, classes=40, k=1) == 0


def opened(data, labels, modality="image"):
    store = Store(data, Shape(modality, 1, data.shape[2]), keys=range(len(data)))
    return Opened(store, lambda: Labels.of(labels))


@pytest.mark.parametrize(("asked", "had"), [(10, FEWEST), (300, 300), (20_000, MOST)])
def test_as_many_as_the_run_can_spare(asked, had):
    data = np.zeros((12_000, 1, 8, 8), np.uint8)
    online = OnlineKNN(opened(data, np.arange(12_000) % 2), samples=asked, seed=0)
    assert len(online.index) == len(online.index.unique()) == had


@pytest.mark.parametrize("modality", ["image", "series"])
def test_it_names_what_an_encoder_tells_apart_and_leaves_no_trace(modality):
    labels = np.arange(513) % 2
    if modality == "image":
        data = chance.integers(0, 60, (513, 1, 16, 16), dtype=np.uint8)
        data[labels == 1, :, :8] += 150
        encoder = ConvNet(1, 16, width=4).train()
    else:
        wave = np.sin(np.arange(32) * np.where(labels, 0.3, 1.5)[:, None])
        data = (wave + 0.1 * chance.standard_normal((513, 32)))[:, None].astype(np.float32)
        encoder = Series(1, 32, dim=32).train()
    before = {name: t.clone() for name, t in encoder.state_dict().items()}
    online, sizes = OnlineKNN(opened(data, labels, modality), samples=513, seed=0), []
    watch = encoder.register_forward_hook(lambda *given: sizes.append(len(given[2])))
    random, first = torch.get_rng_state(), online(encoder)
    watch.remove()
    assert first > 95
    assert online(encoder) == first
    assert sizes == [257, 256]  # batch norm could do nothing with a rest of one
    assert encoder.training
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(before[name], t) for name, t in encoder.state_dict().items())


@pytest.mark.parametrize("labels", [None, np.zeros(50, int)])
def test_without_labels_or_with_one_there_is_none(labels, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((50, 8, 8), np.uint8))
    if labels is not None:
        np.save(tmp_path / "x-labels.npy", labels)
    with pytest.raises(DataError, match=r"no labels|all the same"):
        OnlineKNN(open_apart(str(tmp_path / "x.npy")), samples=50, seed=0)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The same run on the same images: with their labels beside them, with others, with none."""
    images = chance.integers(0, 256, (80, 12, 12), dtype=np.uint8)
    true, found = np.arange(80) % 2, {}
    images[true == 1, :6] //= 4
    for name, labels in {"true": true, "others": chance.permutation(true), "none": None}.items():
        place = tmp_path_factory.mktemp(name)
        np.save(place / "x.npy", images)
        if labels is not None:
            np.save(place / "x-labels.npy", labels)
        said = {"batch_size": 16, "device": "cpu", "quiet": True, "report": name == "true"}
        found[name] = unlabeled.pretrain(
            "rotation", str(place / "x.npy"), steps=10, out=place / "run", **said
        )
    return found


def test_labels_change_nothing_but_what_is_shown(runs):
    def left(run):
        weights = (run.folder / "encoder.safetensors").read_bytes()
        lines = [{k: x for k, x in line.items() if k != "knn"} for line in run.metrics()]
        return weights, lines, run.verdict

    assert left(runs["true"]) == left(runs["others"]) == left(runs["none"])
    asked = {name: [x["knn"] for x in run.metrics() if "knn" in x] for name, run in runs.items()}
    assert len(asked["true"]) == len(asked["others"]) == 5
    assert asked["none"] == []
    assert min(asked["true"]) > max(asked["others"])  # and those it shows are the right ones


def test_the_page_draws_its_course(runs):
    text = re.sub(r"<[^>]*>", " ", (runs["true"].folder / "report.html").read_text())
    assert "kNN, percent" in text
    assert "kNN, percent" not in runs["none"].report().read_text()


def test_a_resumed_run_remembers_what_it_showed(runs, tmp_path, capsys):
    source = runs["true"].config["data"]["source"]
    run = unlabeled.pretrain(
        "rotation", source, steps=10, batch_size=16, device="cpu", report=False, out=tmp_path
    )
    lines = (tmp_path / "metrics.jsonl").read_text()
    known = [json.loads(line)["knn"] for line in lines.splitlines() if "knn" in line]
    assert f"kNN {known[-1]:.1f}%" in capsys.readouterr().err
    assert known == [x["knn"] for x in runs["true"].metrics() if "knn" in x]
    unlabeled.pretraining.resume(run.folder, report=False)
    assert (tmp_path / "metrics.jsonl").read_text() == lines
