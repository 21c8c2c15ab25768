"""From files to a page, through the command line, as a newcomer would."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

import unlabeled
from unlabeled import catalog
from unlabeled.data import open_data, open_labeled


def call(*words, cwd, check=True):
    done = subprocess.run(
        [sys.executable, "-m", "unlabeled", *map(str, words)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1", "UNLABELED_CACHE": str(cwd / "cache")},
    )
    assert not check or done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Two folders of class folders with real pictures, one broken, in a read-only tree."""
    root = tmp_path_factory.mktemp("photos")
    shape = open_data("sample").shape
    for part in ("train", "test"):
        store, labels = open_labeled(f"sample:{part}", like=shape)
        for label in range(3):
            folder = root / part / labels.names[label].replace("/", "-")
            folder.mkdir(parents=True)
            for i in np.flatnonzero(labels.values == label)[:40]:
                Image.fromarray(store.data[i, 0]).save(folder / f"{i}.png")
    return root


def test_from_a_folder_to_a_page(photos, tmp_path):
    run = tmp_path / "run"
    told = call(
        "pretrain", "simclr", photos / "train", "--steps", 12, "--out", run, "--json", cwd=tmp_path
    )
    assert json.loads(told.stdout)["run"] == str(run)

    call("embed", run, photos / "test", "--out", "x.parquet", cwd=tmp_path)
    table = pq.read_table(tmp_path / "x.parquet")
    assert table.num_rows == 120
    assert table.column_names == ["key", "embedding"]
    assert table["key"][0].as_py().endswith(".png")

    scores = call(
        "evaluate", run, "--train", photos / "train", "--test", photos / "test",
        "--protocol", "knn,linear", "--json", cwd=tmp_path,
    )  # fmt: skip
    found = json.loads(scores.stdout)["scores"]
    assert {"encoder", "untrained", "raw", "PCA"} <= set(found)
    assert found["encoder"]["kNN"]["accuracy"] > 60  # of three classes, one of them trousers

    words = call("diagnose", run, "--json", cwd=tmp_path)
    assert json.loads(words.stdout)["level"] == "healthy"
    call("report", run, cwd=tmp_path)
    page = (run / "report.html").read_text()
    assert "SimCLR" in page
    assert not [p for p in photos.rglob("*") if p.is_file() and p.suffix != ".png"]


def test_stopped_and_resumed_is_the_same_run(tmp_path):
    """SIGTERM mid-run leaves a checkpoint and exit code 75; --resume ends with the same bytes."""
    words = ["pretrain", "byol", "sample", "--steps", "16", "--batch-size", "32", "--no-report"]
    call(*words, "--out", "straight", cwd=tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "unlabeled", *words, "--out", "stopped"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    metrics = tmp_path / "stopped" / "metrics.jsonl"
    while not metrics.exists() or '"step": 2' not in metrics.read_text():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    said = process.communicate()[1]
    if process.returncode == 0:
        pytest.skip("the run ended before the signal came")
    assert process.returncode == 75
    assert "unlabeled pretrain --resume stopped" in said
    call("pretrain", "--resume", "stopped", "--no-report", cwd=tmp_path)
    one, other = (tmp_path / name / "encoder.safetensors" for name in ("straight", "stopped"))
    assert one.read_bytes() == other.read_bytes()


def test_a_word_journey(tmp_path):
    text = tmp_path / "text.txt"
    rng = np.random.default_rng(0)
    animals, tools = ["cat", "dog", "horse", "cow"], ["saw", "drill", "nail", "hammer"]
    lines = [" ".join(rng.choice(kind, 8)) for _ in range(600) for kind in (animals, tools)]
    text.write_text("\n".join(lines))
    run = unlabeled.pretrain(
        "word2vec", text, epochs=30, out=tmp_path / "run", quiet=True, report=False, batch_size=64
    )
    table = run.encoder.table.weight.detach()
    unit = table / table.norm(dim=1, keepdim=True).clamp(min=1e-9)
    at = {word: i for i, word in enumerate(run.words)}
    same = float(unit[at["cat"]] @ unit[at["dog"]])
    other = float(unit[at["cat"]] @ unit[at["drill"]])
    assert same > other + 0.3
    for part in ("train", "test"):
        for name, kind in (("animals", animals), ("tools", tools)):
            (tmp_path / part / name).mkdir(parents=True)
            texts = "\n".join(" ".join(rng.choice(kind, 40)) for _ in range(20))
            (tmp_path / part / name / "texts.txt").write_text(texts)
    found = run.evaluate(train=tmp_path / "train", test=tmp_path / "test", protocols=("knn",))
    assert set(found["scores"]) == {"encoder", "encoder, idf", "untrained", "TF-IDF", "PCA"}
    assert found["scores"]["encoder"]["kNN"]["accuracy"] == 100
    assert found["settings"]["test"] == 40  # each text fills two rows


def test_a_series_journey(tmp_path):
    rng = np.random.default_rng(0)
    t = np.linspace(0, 8 * np.pi, 96)
    rate = np.repeat([1.0, 2.5], 64)
    series = np.sin(rate[:, None] * t + rng.uniform(0, 6, (128, 1))) + 0.1 * rng.standard_normal(
        (128, 96)
    )
    np.save(tmp_path / "waves.npy", series.astype(np.float32))
    run = unlabeled.pretrain(
        "cpc", tmp_path / "waves.npy", epochs=5, out=tmp_path / "run", quiet=True, report=True
    )
    vectors = run.embed()
    labels = np.repeat([0, 1], 64)
    unit = vectors - vectors.mean(0)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    cosine = unit @ unit.T - 2 * np.eye(128)
    assert (labels[cosine.argmax(1)] == labels).mean() > 0.9
    assert (tmp_path / "run" / "report.html").exists()


def test_in_memory_data_and_a_method_of_ones_own(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (64, 3, 16, 16), dtype=np.uint8)
    mine = tmp_path / "mine.py"
    shutil.copy(catalog.card("rotation").path, mine)
    run = unlabeled.pretrain(str(mine), images, steps=2, out=tmp_path / "run", quiet=True)
    assert run.embed(images).shape == (64, run.encoder.dim)
    assert unlabeled.load(tmp_path / "run").config["method"] == str(mine)
