"""What a finished run is asked in vain: one clear error, its exit code, and nothing written."""

import json

import numpy as np
import pytest

from unlabeled.cli import run


def call(*words):
    try:
        return run([str(word) for word in words])
    except SystemExit as left:
        return left.code


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a run on images, more of them with labels, and a text."""
    place = tmp_path_factory.mktemp("place")
    images = np.random.default_rng(0).integers(0, 256, (48, 1, 16, 16), dtype=np.uint8)
    np.save(place / "images.npy", images)
    np.save(place / "images-labels.npy", np.arange(48) % 2)
    np.save(place / "few.npy", images[:3])
    (place / "text.txt").write_text("a cat and a dog\n" * 50)
    said = ("--steps", 1, "--batch-size", 16, "--no-report", "--json", "--out", place / "RUN")
    assert not call("pretrain", "rotation", place / "images.npy", *said)
    return place


@pytest.fixture
def cli(capsys, place, monkeypatch):
    monkeypatch.chdir(place)

    def said(words):
        code, printed = call(*words.split()), capsys.readouterr()
        return code or 0, printed.out, printed.err

    return said


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        ("diagnose RUN text.txt", 3, "text.txt holds text, and the run was trained on images"),
        ("embed RUN text.txt --out x.parquet", 3, "trained on images"),
        ("evaluate RUN --train text.txt --test text.txt", 3, "trained on images"),
        ("report RUN --data text.txt", 3, "trained on images"),
        ("diagnose RUN few.npy --json", 3, "3 samples are too few"),
        ("evaluate RUN --train images.npy --test images.npy --protocol ,", 2, "no protocol is asked for"),
        ("evaluate RUN --train images.npy --test images.npy --protocol linear:mae --epochs 0", 2,
         "epochs must be at least 1, got 0"),
    ],
)  # fmt: skip
def test_one_error_says_why(cli, place, words, code, why):
    found, out, err = cli(words)
    assert (found, out) == (code, "")
    assert why in err
    assert "hint:" in err
    assert "Traceback" not in err
    assert not {"x.parquet", "evaluation.json"} & {p.name for p in place.rglob("*")}


def test_a_comma_too_many_names_no_protocol(cli):
    code, out, err = cli(
        "evaluate RUN --train images.npy --test images.npy --protocol knn, --no-baselines --json"
    )
    assert code == 0, err
    assert json.loads(out)["settings"]["protocols"] == ["knn"]
