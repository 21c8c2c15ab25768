"""Run folders: what they hold, what they refuse, and what a resumed run drops."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from unlabeled.data.store import Store
from unlabeled.encoders import Shape
from unlabeled.errors import UsageError
from unlabeled.train.folder import RunFolder, difference, fresh, told

CONFIG = {"method": "simclr", "recipe": {"lr": 0.1, "batch": 64}, "seed": 0}


def test_a_new_folder_holds_the_settings_and_what_was_left_out(tmp_path):
    store = Store(
        np.zeros((2, 4), np.int32),
        Shape("text", 1, 4, 3),
        ["a", "b"],
        bad=[("odd\udcff<b>.png", "no picture")],
        words=("", "the", "cat"),
    )
    with RunFolder.create(tmp_path / "runs" / "one", CONFIG, store) as place:
        assert RunFolder.config_of(place.path) == CONFIG
        assert place.checkpoints.is_dir()
        place.quarantine("late.png", "it went away")
        rows = [json.loads(x) for x in (place.path / "quarantine.jsonl").read_text().splitlines()]
        assert rows == [
            {"file": "odd\udcff<b>.png", "reason": "no picture"},
            {"file": "late.png", "reason": "it went away"},
        ]
        assert json.loads((place.path / "vocabulary.json").read_text()) == ["", "the", "cat"]
        assert place.metrics() == []
        assert not list(place.path.glob("*.tmp-*"))


def test_a_run_is_never_written_over(tmp_path):
    RunFolder.create(tmp_path, CONFIG).close()
    with pytest.raises(UsageError, match="holds a run already") as caught:
        RunFolder.create(tmp_path, CONFIG)
    assert f"--resume {tmp_path}" in str(caught.value)
    RunFolder.open(tmp_path).close()  # the refusal let go of the lock


def test_a_folder_without_a_run_cannot_go_on(tmp_path):
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(UsageError, match="holds no run"):
            RunFolder.open(path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UsageError, match="holds no run"):
        RunFolder.config_of(tmp_path)


def test_metrics_are_lines_that_any_reader_takes_as_soon_as_they_are_written(tmp_path):
    with RunFolder.create(tmp_path, CONFIG) as place:
        place.log(step=0, loss=torch.tensor(1.5), rank=np.float32(0.5), terms={"a": math.nan})
        place.log(step=1, loss=math.inf)
        lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
        never = lambda word: pytest.fail(f"{word} is no JSON")
        assert [json.loads(line, parse_constant=never) for line in lines] == place.metrics()
        assert place.metrics() == [
            {"step": 0, "loss": 1.5, "rank": 0.5, "terms": {"a": None}},
            {"step": 1, "loss": None},
        ]


def test_a_resumed_run_writes_its_steps_again_and_drops_a_torn_line(tmp_path):
    with RunFolder.create(tmp_path, CONFIG) as place:
        for step in range(5):
            place.log(step=step)
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 5, "lo')
    with RunFolder.open(tmp_path) as place:
        assert [line["step"] for line in place.metrics()] == [0, 1, 2, 3, 4]
        place.rewind(3)  # steps 0, 1 and 2 are done
        place.log(step=3)
        assert [line["step"] for line in place.metrics()] == [0, 1, 2, 3]


def test_fresh_names_count_up_and_suit_any_disk(tmp_path):
    root = tmp_path / "runs"
    names = [fresh("simclr-photos", root).name for _ in range(3)]
    assert names == ["simclr-photos", "simclr-photos-2", "simclr-photos-3"]
    assert fresh("../a b/ü*?", root).name == "a-b-ü"
    assert fresh("..", root).name == "run"
    assert len(fresh("x" * 400, root).name) <= 100
    RunFolder.create(root / "simclr-photos", CONFIG).close()  # an empty folder may hold a new run


def test_differences_are_told_field_by_field():
    new = {"method": "byol", "recipe": {"lr": 0.1, "batch": 32, "clip": 1.0}, "seed": 0}
    changes = difference(CONFIG, new)
    assert changes == {
        "method": ("simclr", "byol"),
        "recipe.batch": (64, 32),
        "recipe.clip": (None, 1.0),
    }
    assert told(changes).splitlines()[1] == "  recipe.batch: 64 then, 32 now"
    assert difference(CONFIG, json.loads(json.dumps(CONFIG))) == {}
    assert difference({"a": (1, 2)}, {"a": [1, 2]}) == {}  # a file knows no tuples
    assert difference({"a": {"b": 1}}, {"a": 3}) == {"a": ({"b": 1}, 3)}
