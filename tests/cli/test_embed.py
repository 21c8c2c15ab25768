"""`unlabeled embed --energy`: a third column, or one line that says why not."""

import numpy as np
import pyarrow.parquet as pq

from unlabeled import catalog
from unlabeled.cli import run


def call(*words):
    try:
        return run([str(word) for word in words])
    except SystemExit as left:
        return left.code


def test_energies_are_a_column_or_refused_in_a_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chance = np.random.default_rng(0)
    np.save("images.npy", chance.integers(0, 256, (48, 1, 16, 16), dtype=np.uint8))
    said = ("--steps", 1, "--batch-size", 16, "--no-report", "--json")
    assert not call("pretrain", "autoencoder", "images.npy", "--out", "one", *said)
    blind = catalog.card("rotation").path.read_text().replace("size, weak)", "size, weak) * 0")
    (tmp_path / "blind.py").write_text(blind)
    assert not call("pretrain", "./blind.py", "images.npy", "--out", "other", *said)
    capsys.readouterr()

    assert not call("embed", "one", "images.npy", "--out", "x.parquet", "--energy")
    assert capsys.readouterr().out == "x.parquet: 48 rows\n"
    written = pq.read_table("x.parquet")
    assert written.column_names == ["key", "embedding", "energy"]
    assert written["energy"].type == "float"

    assert call("embed", "other", "images.npy", "--out", "y.parquet", "--energy") == 2
    first, *rest = capsys.readouterr().err.strip().splitlines()
    assert "the energies of Rotation say nothing of these samples" in first
    assert [line for line in rest if line and not line.startswith("hint:")] == []
    assert not (tmp_path / "y.parquet").exists()
