"""The command line under `torchrun`: one run, one page, one voice."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import unlabeled
from unlabeled import cli

SAID = {
    "steps": 3, "batch_size": 8, "optimizer": "sgd", "lr": 0.01, "precision": "fp32",
    "device": "cpu",
}  # fmt: skip


def test_two_processes_make_one_run_like_that_of_one(tmp_path):
    np.save(tmp_path / "x.npy", np.random.default_rng(0).integers(0, 256, (32, 16, 16), np.uint8))
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in SAID.items()]
    words = ["pretrain", "rotation", "x.npy", *flags, "--out", "two", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
         "-m", "unlabeled", *words],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["run"] == "two"  # one object, not two
    assert sorted(path.name for path in tmp_path.iterdir()) == ["two", "x.npy"]
    assert (tmp_path / "two" / "report.html").read_text().count("</html>") == 1
    config = unlabeled.load(tmp_path / "two").config
    assert config["processes"] == 2

    one = unlabeled.pretrain(
        "rotation", tmp_path / "x.npy", out=tmp_path / "one", quiet=True, report=False, **SAID
    )
    together = load_file(tmp_path / "two" / "encoder.safetensors")
    alone = load_file(one.folder / "encoder.safetensors")
    assert together.keys() == alone.keys()
    for name, weights in alone.items():
        torch.testing.assert_close(together[name], weights, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("rank", "prefix"), [("0", "error: no"), ("1", "error: process 1: no")])
def test_what_is_wrong_everywhere_is_said_by_the_first_process(capsys, monkeypatch, rank, prefix):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", rank)
    waited = []
    monkeypatch.setattr(cli.time, "sleep", waited.append)
    assert cli.run(["pretrain", "smclr", "sample"]) == 2
    said = capsys.readouterr()
    assert said.err.startswith(prefix)
    assert said.out == ""
    assert waited == ([cli.MANNERS] if rank == "1" else [])  # by then torchrun has ended it
