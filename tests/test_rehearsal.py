"""What a run will take, measured by a few real steps: its memory against that of a real run."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from unlabeled import pretraining, rehearsal

RUN = ("pretrain", "simclr", "sample", "--steps", "3", "--precision", "fp32", "--json")
PEAK = (
    "import resource, sys; from unlabeled.cli import run\n"
    "try: run(sys.argv[1:])\n"
    "except SystemExit: pass\n"
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
)


def plan(batch):
    return pretraining.plan(
        "simclr", "sample", steps=3, batch_size=batch, precision="fp32", quiet=True
    )["memory_mib"]


def test_a_batch_of_twice_the_size_keeps_twice_as_much():
    one, two = plan(32), plan(64)
    assert two["activations"] == pytest.approx(2 * one["activations"], rel=0.1)
    for what in ("weights", "gradients", "moments", "samples"):
        assert one[what] == two[what]
    assert one["moments"] == pytest.approx(2 * one["gradients"], abs=0.2)  # AdamW's two
    assert one["samples"] == pytest.approx(8000 * 28 * 28 / 2**20, abs=0.1)


def test_what_is_kept_is_counted_once_and_weights_are_not():
    layers = nn.Sequential(nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, 10))
    kept = rehearsal._Kept(layers.parameters())
    with torch.autograd.graph.saved_tensors_hooks(kept.see, lambda x: x):
        layers(torch.zeros(50, 100, requires_grad=True)).sum()
    assert kept.bytes == 4 * 50 * (100 + 100)  # the input and the hidden units: ReLU keeps no more


def test_a_real_run_takes_about_as_much(tmp_path):
    words = [*RUN, "--batch-size", "256"]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    call = lambda *more: subprocess.run(
        [sys.executable, "-c", PEAK, *words, *more],
        cwd=tmp_path, env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    planned = json.loads(call("--dry-run").stdout)
    real = int(call("--no-report").stderr.splitlines()[-1]) / 2**20
    assert planned["memory_mib"]["activations"] > 50  # the batch is what matters here
    assert 0.4 < planned["memory_gib"] / real < 1.5
