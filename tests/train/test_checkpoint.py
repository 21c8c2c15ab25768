"""Checkpoints: what they hold and what they refuse."""

from __future__ import annotations

import dataclasses
import json
import zipfile

import pytest
import torch
from safetensors.torch import load_file
from specimens import SMALL, Tiny, differing, everything, go
from torch import nn

from unlabeled.encoders import ConvNet
from unlabeled.errors import DataError, MachineError, UsageError
from unlabeled.train import checkpoint
from unlabeled.train.loop import Trainer

CASE = Tiny("swav")


@pytest.fixture
def saved(tmp_path):
    trainer = CASE.trainer(6)
    go(trainer, 3)
    return trainer, checkpoint.save(tmp_path / "checkpoints", trainer, {"best": [1, 2.5]})


def test_it_holds_everything_and_nothing_that_runs(saved):
    trainer, path = saved
    assert path.name == "step-00000003"
    assert sorted(file.name for file in path.iterdir()) == [
        "MANIFEST.json", "model.safetensors", "optimizer.safetensors", "state.json",
    ]  # fmt: skip
    assert json.loads((path.parent / "latest.json").read_text()) == {
        "checkpoint": "step-00000003", "step": 3,
    }  # fmt: skip
    state = json.loads((path / "state.json").read_text())
    assert (state["schema"], state["step"]) == (1, 3)
    assert state["versions"]["torch"] == torch.__version__
    assert state["run"]["recipe"]["lr"] == SMALL.lr
    held = {**load_file(path / "model.safetensors"), **load_file(path / "optimizer.safetensors")}
    now = everything(trainer)
    assert held.keys() | {"counts", "samples"} == now.keys()
    assert all(torch.equal(x, now[name]) for name, x in held.items())
    assert not any(zipfile.is_zipfile(file) for file in path.iterdir())  # as pickles of torch are


def test_a_fresh_trainer_goes_on_from_it(saved):
    trainer, path = saved
    other = CASE.trainer(6, seed=1)
    assert differing(everything(trainer), everything(other))
    assert checkpoint.restore(path, other) == {"best": [1, 2.5]}
    assert not differing(everything(trainer), everything(other))
    for p, q in zip(trainer.method.parameters(), other.method.parameters(), strict=True):
        a, b = trainer.optimizer.state.get(p, {}), other.optimizer.state.get(q, {})
        assert {k: x.stride() for k, x in a.items()} == {k: x.stride() for k, x in b.items()}


def test_a_buffer_that_is_not_persistent_and_one_that_grows_come_back(tmp_path):
    def made():
        method = Tiny("rotation").build()
        method.table = nn.Buffer(torch.zeros(3), persistent=False)
        method.labels = nn.Buffer(torch.zeros(0, dtype=torch.long))
        return Tiny("rotation").trainer(4, method=method)

    trainer, other = made(), made()
    trainer.method.table += 2
    trainer.method.labels = torch.arange(32)
    checkpoint.save(tmp_path, trainer)
    checkpoint.restore(tmp_path, other)
    assert other.method.table.tolist() == [2, 2, 2]
    assert torch.equal(other.method.labels, torch.arange(32))
    assert "labels" in dict(other.method.named_buffers())


def test_a_step_saved_twice_is_kept_and_old_ones_are_pruned(saved):
    trainer, path = saved
    before = (path / "state.json").stat().st_mtime_ns
    assert checkpoint.save(path.parent, trainer) == path
    assert (path / "state.json").stat().st_mtime_ns == before
    for to in (4, 5, 6):
        go(trainer, to)
        checkpoint.save(path.parent, trainer)
    (path.parent / "step-00000004" / "MANIFEST.json").unlink()
    checkpoint.prune(path.parent, keep=2)
    assert sorted(p.name for p in path.parent.glob("step-*")) == ["step-00000005", "step-00000006"]


def test_an_empty_folder_has_no_newest(tmp_path):
    assert checkpoint.newest(tmp_path) is None
    assert checkpoint.newest(tmp_path / "absent") is None
    with pytest.raises(DataError, match="no whole checkpoint"):
        checkpoint.restore(tmp_path, CASE.trainer(6))


CHANGES = {
    "recipe.lr: 0.01 then, 0.1 now": {"recipe": dataclasses.replace(SMALL, lr=0.1)},
    "steps: 6 then, 7 now": {"steps": 7},
    "batch: 8 then, 16 now": {"batch": 16},
    "accumulate: 1 then, 2 now": {"accumulate": 2},
}


@pytest.mark.parametrize("told", CHANGES)
def test_another_run_is_refused_field_by_field(saved, told):
    _, path = saved
    with pytest.raises(UsageError, match="is of another run") as caught:
        checkpoint.restore(path, CASE.trainer(**{"steps": 6, **CHANGES[told]}))
    assert told in str(caught.value)


def test_another_method_and_other_data_are_refused(saved):
    _, path = saved
    with pytest.raises(UsageError, match="method: SwAV then, SimCLR now"):
        checkpoint.restore(path, Tiny("simclr").trainer(6))
    other = CASE.trainer(6)
    other.batches.store = dataclasses.replace(CASE.store, fingerprint="other")
    with pytest.raises(UsageError, match=r"data\.fingerprint:  then, other now"):
        checkpoint.restore(path, other)


def test_tensors_that_do_not_fit_are_named(saved):
    trainer, path = saved
    case = Tiny("swav")
    encoder = ConvNet(3, 16, width=8)
    method = case.cls(encoder, **case.settings())
    other = Trainer(method, trainer.batches, trainer.recipe, steps=6)
    with pytest.raises(DataError, match=r"of another shape or type: encoder\.stage1") as caught:
        checkpoint.restore(path, other)
    assert "more" in str(caught.value)


def rewrite(path, **changes):
    """Change state.json and seal the checkpoint anew, as another version would have."""
    state = json.loads((path / "state.json").read_text()) | changes
    (path / "state.json").write_text(json.dumps(state))
    seals = {f.name: checkpoint.seal(f) for f in path.iterdir() if f.name != "MANIFEST.json"}
    (path / "MANIFEST.json").write_text(json.dumps({"files": seals}))


def test_a_run_from_before_a_setting_was_there_goes_on(saved):
    """It ran as the setting's default says; with anything else it is another run."""
    _, path = saved
    run = json.loads((path / "state.json").read_text())["run"]
    for new in ("drops", "beta2"):
        del run["recipe"][new]
    usual = {f.name: f.default for f in CASE.trainer(6).method.hyperparameters()}
    del run["settings"][next(k for k, x in run["settings"].items() if x == usual[k])]
    rewrite(path, run=run)
    other = CASE.trainer(6)
    checkpoint.restore(path, other)
    assert other.step == 3
    for told, change in (("beta2: 0.999 then, 0.9 now", {"beta2": 0.9}),
                         ("drops: None then, [[0.5, 0.1]] now", {"drops": ((0.5, 0.1),)})):  # fmt: skip
        with pytest.raises(UsageError) as caught:
            checkpoint.restore(path, CASE.trainer(6, recipe=dataclasses.replace(SMALL, **change)))
        assert told in str(caught.value)


def test_a_newer_schema_is_refused_with_the_versions(saved):
    _, path = saved
    rewrite(path, schema=2, versions={"unlabeled": "9.1"})
    with pytest.raises(MachineError, match=r"schema 2, written by unlabeled 9\.1") as caught:
        checkpoint.restore(path, CASE.trainer(6))
    assert "pip install unlabeled==9.1" in str(caught.value)
    assert caught.value.code == 4


def test_an_older_schema_is_migrated_or_refused(saved, monkeypatch):
    trainer, path = saved
    rewrite(path, schema=0)
    with pytest.raises(MachineError, match="schema 0"):
        checkpoint.restore(path, CASE.trainer(6))

    def lift(parts):
        state, weights, moments = parts
        return {**state, "extra": "from schema 0"}, weights, moments

    monkeypatch.setitem(checkpoint.MIGRATIONS, 0, lift)
    other = CASE.trainer(6)
    assert checkpoint.restore(path, other) == "from schema 0"
    assert not differing(everything(trainer), everything(other))
