"""How data is read is said once, to `pretrain`; all that follows reads it so."""

import json
import shlex

import numpy as np
import pytest
from PIL import Image

import unlabeled
from unlabeled.cli import run
from unlabeled.data import open_data


@pytest.fixture
def cli(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNLABELED_CACHE", str(tmp_path / "cache"))

    def call(*words):
        try:
            code = run([str(word) for word in words])
        except SystemExit as left:
            code = left.code
        said = capsys.readouterr()
        assert not code, said.err
        return said.out

    return call


def deep(folder, top):
    """Sixteen pictures of sixteen bits, with values from 0 up to `top`."""
    folder.mkdir()
    chance = np.random.default_rng(top)
    for i in range(16):
        values = chance.integers(0, top + 1, (16, 16)).astype(np.uint16)
        Image.fromarray(values).save(folder / f"{i:02}.png")
    return folder


TRAIN = ("--steps", 1, "--batch-size", 8, "--out", "run", "--no-report", "--json")


@pytest.mark.parametrize("said", [("--value-range", 0, 4095), ()])
def test_other_pictures_keep_the_runs_range_of_values(cli, tmp_path, said):
    bright, dark = deep(tmp_path / "bright", 4000), deep(tmp_path / "dark", 400)
    cli("pretrain", "rotation", bright, *said, *TRAIN)
    done = unlabeled.load("run")
    low, high = done.config["data"]["spans"]["I"]
    assert (low, high) == (0, 4095) if said else low < high < 4001
    seen = done.data(dark).data
    assert np.array_equal(seen, open_data(dark, value_range=(low, high)).data)
    assert seen.max() < 30  # alone it would be stretched to white
    assert open_data(dark).data.max() == 255
    assert np.array_equal(done.data().data, open_data(bright, value_range=(low, high)).data)

    cli("embed", "run", dark, "--out", "x.parquet")
    cli("pretrain", "--resume", "run", "--no-report", "--json")


def test_a_text_is_read_again_as_it_was(cli, tmp_path):
    text = tmp_path / "text.txt"
    rare = " ".join(f"rare{i}" for i in range(20))
    text.write_text("\n".join(["the cat sat on the mat with a dog", rare] * 2 + ["once only"]))
    cli("pretrain", "word2vec", text, "--min-count", 2, "--length", 6, *TRAIN)
    done = unlabeled.load("run")
    assert done.shape.size == 6
    assert "rare7" in done.words
    assert "once" not in done.words
    assert np.array_equal(done.data().data, open_data(text, min_count=2, length=6).data)
    assert done.data(["a cat and a rare7 dog"]).data.tolist() == [
        [done.words.index(w) for w in ("a", "cat", "a", "rare7", "dog")] + [0]
    ]
    cli("pretrain", "--resume", "run", "--no-report", "--json")


def test_a_modality_is_taken_at_its_word(cli, tmp_path):
    np.save("rows.npy", np.random.default_rng(0).integers(1, 9, (32, 16)))
    plan = cli("pretrain", "cpc", "rows.npy", "--modality", "series", "--steps", 1,
               "--dry-run", "--json")  # fmt: skip
    assert "read as series" in " ".join(json.loads(plan)["rules"])


def test_the_command_says_how_the_data_was_read(cli, tmp_path):
    bright = deep(tmp_path / "bright", 4000)
    words = ("--value-range", "-1.0", "4095.0", "--size", "16", "--allow-bad", "0.5",
             "--recipe", "paper", "--clip", "1.0", "--warmup", "0.1", "--batch-size", "8")  # fmt: skip
    plan = json.loads(cli("pretrain", "rotation", bright, *words, "--dry-run", "--json"))
    command = shlex.split(plan["command"])
    at = command.index("--value-range")
    assert command[at + 1 : at + 3] == ["-1.0", "4095.0"]
    for flag in ("--size 16", "--allow-bad 0.5", "--recipe paper", "--clip 1.0"):
        assert flag in plan["command"]
    assert "--min-count" not in plan["command"]  # nobody said so
    again = json.loads(cli(*command[1:], "--dry-run", "--json"))
    assert again["command"] == plan["command"]
    assert again["recipe"] == {**plan["recipe"], "epochs": again["recipe"]["epochs"]}
