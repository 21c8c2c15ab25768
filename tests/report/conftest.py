"""Pages to write: everything is on them, for each kind of data, with any text in any place."""

import dataclasses
import json
import shutil
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import unlabeled
from unlabeled.report.content import (
    Content,
    Curves,
    Evaluation,
    Number,
    Row,
    Spectrum,
    Verdict,
)
from unlabeled.report.things import Clusters, End, Extremes, Map, Neighbours, Things, Twins

KINDS = ("grey", "colour", "series", "text")


def samples(kind: str, n: int) -> Things:
    chance = np.random.default_rng(0)
    if kind == "text":
        return [f"word{i}" for i in range(n)]
    if kind == "series":
        return chance.standard_normal((n, 2, 50)).cumsum(2)
    return chance.integers(0, 256, (n, 1 if kind == "grey" else 3, 12, 12), dtype=np.uint8)


def full(kind: str) -> Content:
    """A page with every section on it."""
    chance = np.random.default_rng(1)
    things, n = samples(kind, 24), 24
    some = lambda rows: (
        things[rows] if isinstance(things, np.ndarray) else [things[i] for i in rows]
    )
    order = [np.array([1, 2, 3]), np.array([4, 5, 6])]
    near = np.stack([some(o) for o in order]) if kind != "text" else [some(o) for o in order]
    return Content(
        method="SimCLR",
        data="holiday photos",
        about="Recognise the other view.",
        saw="24 samples",
        verdict=Verdict("good", "It works.", ["Train longer."]),
        numbers=[
            Number("kNN", "88.4 %", beside="untrained 79.1 %"),
            Number("speed", "1,234", "how fast it was"),
        ],
        curves=Curves(
            steps=np.arange(100),
            loss=np.linspace(5, 3, 100) + 0.1 * chance.standard_normal(100),
            lr=np.linspace(1e-3, 0, 100),
            nothing=5.54,
            checked=np.array([0, 50, 99]),
            rank={"encoder": np.array([3.0, 20, 31]), "projection": np.array([2.0, 10, 12])},
            width={"encoder": 64, "projection": 32},
        ),
        views=[("as stored", some(range(8))), ("changed", some(range(8, 16)))],
        picture={"hidden": some(range(3)), "guessed": some(range(3))},
        neighbours=Neighbours(
            queries=some([0, 7]),
            nearest=near,
            cosine=np.array([[0.9, 0.8, -0.1], [0.7, 0.6, 0.5]]),
            chance=0.12,
            labels=(["cat", "dog"], [["cat", "dog", "cat"], ["dog", "dog", "bird"]]),
        ),
        map=Map(
            points=chance.standard_normal((n, 2)),
            things=things,
            how="t-SNE, perplexity 7",
            kept=0.61,
            names=[f"photos/{i}.png" for i in range(n)],
            labels=["cat" if i % 3 else "dog" for i in range(n)],
        ),
        clusters=Clusters(
            sheets=[some(range(9)), some(range(9, 14))],
            sizes=[1903, 97],
            purity=[("cat", 0.83), ("dog", 0.64)],
        ),
        spectrum=Spectrum(
            values={"trained": 0.9 ** np.arange(64), "untrained": 0.5 ** np.arange(64)},
            rank={"trained": 22.2, "untrained": 4.1},
            samples=1500,
        ),
        **({} if kind == "text" else standing_out(things)),
        evaluation=Evaluation(
            basis=["10 test images.", "Protocol 2ec15f40d2c0."],
            rows=[
                Row(name="this run", scores={"kNN": 0.884, "10 labels": (0.741, 0.012)}, ours=True),
                Row(name="untrained", scores={"kNN": 0.791, "odd": 0.5}),
            ],
            layers={"kNN": {"stage1": 0.7, "out": 0.8}},
            labels={"this run": {"1": 0.5, "10": (0.741, 0.012)}, "tuned": {"10": 0.76}},
        ),
        notes=["The batch is 64, as the data is small."],
        bad=[("a.jpg", "0 bytes"), ("b.jpg", "ends early")],
        config={"seed": 0, "recipe": {"lr": 1e-3, "optimizer": "adamw"}},
        command="unlabeled pretrain simclr photos",
        paper="Chen et al. 2020, https://arxiv.org/abs/2002.05709",
        facts={"time": "2 min"},
    )


def standing_out(things: Things) -> dict[str, Any]:
    """What is shown of single samples, but not of words."""
    some = lambda rows: End(
        things=things[rows],
        names=[f"folder/sample-{i}.jpeg" for i in rows],
        values=np.linspace(7.25, 1.5, len(rows)),
        among=876,
        labels=[f"kind {i}" for i in rows],
    )
    twins = Twins(
        left=things[[0, 1]],
        right=things[[2, 3]],
        names=[("folder/one.png", "folder/copy of one.png"), ("folder/two.png", "folder/2.png")],
        vectors=np.array([0.0, 0.087]),
        differ=np.array([0.0, 0.42]),
        close=13,
        same=1,
        nearly=3,
        among=400,
        of=4000,
    )
    extremes = Extremes(
        hardest=some([4, 5]), easiest=some([6, 7]), steady=0.875, strangest=some([8, 9])
    )
    return {"extremes": extremes, "twins": twins}


def everywhere(value: Any, change: Callable[[str], str]) -> Any:
    """The same value with every string in it changed, keys of mappings too."""
    if isinstance(value, str):
        return change(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            f.name: everywhere(getattr(value, f.name), change) for f in dataclasses.fields(value)
        }
        return type(value)(**fields)
    if isinstance(value, Mapping):
        return {everywhere(k, change): everywhere(v, change) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(everywhere(v, change) for v in value)
    return value


@pytest.fixture(params=KINDS)
def content(request) -> Content:
    return full(request.param)


@pytest.fixture
def images() -> Content:
    return full("colour")


@pytest.fixture
def spread():
    return everywhere


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two real runs of one method on the same samples, and labels that have judged them."""
    root = tmp_path_factory.mktemp("runs")
    chance = np.random.default_rng(0)
    labels = np.arange(96) % 3
    images = chance.integers(0, 80, (96, 1, 16, 16), dtype=np.uint8)
    images[np.arange(96), 0, 4 * labels] = 255  # a bright row says which class
    np.save(root / "images.npy", images)
    for name, seed in (("one", 0), ("two", 1)):
        run = unlabeled.pretrain("rotation", str(root / "images.npy"), out=root / name, steps=3, seed=seed,
                                 batch_size=32, device="cpu", report=False, quiet=True)  # fmt: skip
        run.evaluate(train=(images[:64], labels[:64]), test=(images[64:], labels[64:]),
                     protocols=("knn",), beside=("untrained", "raw"))  # fmt: skip
    return root


@pytest.fixture
def altered(runs, tmp_path):
    """Copies of the two runs, files of the second changed by a function of what they hold."""

    def alter(**changes):
        copies = []
        for name in ("one", "two"):
            copies.append(shutil.copytree(runs / name, tmp_path / name, dirs_exist_ok=True))
        for file, change in changes.items():
            path = copies[1] / f"{file}.json"
            if change is None:
                path.unlink()
            else:
                path.write_text(json.dumps(change(json.loads(path.read_text()))))
        return copies

    return alter
