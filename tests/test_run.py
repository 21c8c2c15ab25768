"""A finished run: the energies of its own samples, of others, and those that it refuses."""

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

import unlabeled
from unlabeled import catalog
from unlabeled.errors import DataError, UsageError
from unlabeled.views import Batch


def stripes(n, seed=0):
    """Images of stripes, upright and lying."""
    chance = np.random.default_rng(seed)
    wave = 128 + 100 * np.sin(np.arange(16) + chance.uniform(0, 6, (n, 1, 1)))
    images = np.where(np.arange(n)[:, None, None] % 2, wave, wave.transpose(0, 2, 1))
    return images[:, None].astype(np.uint8)


def trained(method, folder, images, **said):
    return unlabeled.pretrain(
        method, images, batch_size=32, device="cpu", precision="fp32", out=folder, report=False,
        quiet=True, **said,
    )  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return trained("autoencoder", tmp_path_factory.mktemp("run") / "run", stripes(64), steps=4)


def test_an_energy_is_the_samples_own_loss_in_the_order_of_the_data(run):
    images = stripes(40, seed=1)
    found = run.energies(images)
    assert found.dtype == np.float32
    store = run.data(images)
    method = run.method(store).eval()
    with torch.no_grad():
        _, clean = method.views(Batch(torch.from_numpy(images), torch.arange(40)))
        rebuilt = method.rebuild(clean).double()
    expected = (rebuilt - clean).square().mean((1, 2, 3)).numpy()
    assert found == pytest.approx(expected, rel=1e-4)
    assert found[::-1] == pytest.approx(run.energies(images[::-1].copy()), rel=1e-4)


def test_the_column_is_the_runs_energies(run, tmp_path):
    images = stripes(12, seed=1)
    assert run.write_embeddings(images, tmp_path / "x.parquet", energy=True) == 12
    written = pq.read_table(tmp_path / "x.parquet")
    assert written.column_names == ["key", "embedding", "energy"]
    assert np.array_equal(written["energy"].to_numpy(), run.energies(images))
    run.write_embeddings(images, tmp_path / "x.parquet")
    assert pq.read_table(tmp_path / "x.parquet").column_names == ["key", "embedding"]


def test_a_method_that_shows_its_own_images_in_their_place_is_refused(tmp_path):
    """It shows one image whichever is asked about."""
    source = catalog.card("rotation").path.read_text()
    path, whole = tmp_path / "mine.py", "augment(batch, self.encoder.size, weak)"
    path.write_text(source.replace(whole, f"{whole} * 0 + 0.5").replace("class Rot", "class MyRot"))
    run = trained(str(path), tmp_path / "run", stripes(64), steps=1)
    with pytest.raises(UsageError, match="energies of MyRotation say nothing"):
        run.energies(stripes(200, seed=1))


def test_exemplar_has_an_energy_of_samples_that_it_never_saw(tmp_path):
    """It is trained on seeds alone, and asked of the samples themselves: of more than it knew."""
    run = trained("exemplar", tmp_path / "run", stripes(64), seeds=8, steps=12, crop=0.9)
    assert len(np.unique(run.energies(stripes(200, seed=1)))) > 100


def test_a_sample_alone_has_nothing_to_be_compared_with(run):
    with pytest.raises(DataError, match="at least 2"):
        run.energies(stripes(1))


def test_energies_that_are_mostly_chance_come_with_a_warning(tmp_path):
    """Nothing tells one blank image from another but the views drawn of it."""
    blank = (128 + np.arange(64)[:, None, None, None] % 2 + np.zeros((1, 16, 16))).astype(np.uint8)
    run = trained("simclr", tmp_path / "run", blank, steps=1)
    with pytest.warns(UserWarning, match="mostly chance"):
        run.energies(blank)


def test_energy_is_a_protocol_of_a_run(run):
    images, kinds = stripes(40, seed=1), np.arange(40) % 2
    told = run.evaluate(
        train=(images, kinds), test=(images, kinds), protocols=("energy",), beside=()
    )
    assert set(told["scores"]["encoder"]["energy"]) == {"AUROC", "deviation", "reliability"}


def test_a_run_from_a_device_that_is_not_here_is_opened_on_the_cpu(run, tmp_path):
    shutil.copytree(run.folder, tmp_path / "run")
    config = json.loads((run.folder / "config.json").read_text())
    elsewhere = {**config, "device": "cuda:7"}
    (tmp_path / "run" / "config.json").write_text(json.dumps(elsewhere))
    again = unlabeled.load(tmp_path / "run")
    images = stripes(12, seed=1)
    assert np.array_equal(again.energies(images), run.energies(images))
    assert again.report(images).exists()


def test_the_untrained_network_has_the_seed_of_the_run(tmp_path):
    images, upright = stripes(64), np.arange(64) % 2
    run = trained("autoencoder", tmp_path / "run", images, seed=3, steps=1)
    said = {"train": (images, upright), "test": (images, upright), "protocols": ("knn",)}
    assert run.evaluate(**said)["seeds"] == {"run": 3, "untrained": 3}
    assert run.evaluate(**said, seed=1)["seeds"] == {"run": 3, "untrained": 1}


def test_data_of_another_kind_is_refused_wherever_a_run_takes_any(run, tmp_path):
    lines, labels = ["a cat"] * 20, np.arange(20) % 2
    text = unlabeled.data.open_data(lines, min_count=1)
    for ask in (
        lambda: run.data(lines),
        lambda: run.data(text),
        lambda: run.diagnose(text),
        lambda: run.embed(lines),
        lambda: run.energies(lines),
        lambda: run.write_embeddings(lines, tmp_path / "x.parquet"),
        lambda: run.evaluate(train=(lines, labels), test=(lines, labels)),
        lambda: run.evaluate(train=(stripes(20), labels), test=(text, labels)),
        lambda: run.report(lines),
    ):
        with pytest.raises(DataError, match="holds text, and the run was trained on images"):
            ask()
    assert not (tmp_path / "x.parquet").exists()


def test_what_means_nothing_to_a_judge_is_refused(run):
    labelled = (stripes(40), np.arange(40) % 2)
    for said, why in (({"epochs": 0}, "epochs must be at least 1"), ({"protocols": ()}, "asked")):
        with pytest.raises(UsageError, match=why):
            run.evaluate(train=labelled, test=labelled, **{"protocols": ("linear:mae",), **said})


def kept(run):
    return json.loads((run.folder / "evaluation.json").read_text())


@pytest.fixture
def judged(run, tmp_path):
    """A copy of the run, and how to judge it on few samples."""
    copied = unlabeled.load(shutil.copytree(run.folder, tmp_path / "run"))
    (copied.folder / "evaluation.json").unlink(missing_ok=True)
    images, upright = stripes(64), np.arange(64) % 2
    part = {"train": (images, upright), "test": (images[:32], upright[:32])}
    return copied, lambda *names, **said: copied.evaluate(**part, protocols=names, **said)


def test_columns_of_one_protocol_are_kept_together(judged):
    run, judge = judged
    first = judge("knn", "layers", layers=("stage1",))
    assert kept(run) == first
    second = judge("linear", "layers", layers=("out",), beside=("raw",))
    assert set(second["scores"]) == {"encoder", "raw"}  # what is returned is what was asked for
    assert set(second["scores"]["raw"]) == {"linear"}
    assert "notes" not in second
    whole = kept(run)
    for result in (first, second):
        for who, row in result["scores"].items():
            assert whole["scores"][who].items() >= row.items()
        for who, curve in result["layers"].items():
            assert whole["layers"][who].items() >= curve.items()
    assert {who: set(row) for who, row in whole["scores"].items()} == {
        "encoder": {"kNN", "linear"},
        "raw": {"kNN", "linear"},
        "untrained": {"kNN"},
        "PCA": {"kNN"},
    }
    assert whole["layers"]["encoder"].keys() == {"stage1", "out"}
    assert whole["settings"] == {
        **first["settings"],
        "protocols": ["knn", "layers", "linear"],
    }
    assert whole["seeds"] == first["seeds"]
    assert whole["protocol"] == first["protocol"]
    assert whole["seconds"] == first["seconds"] + second["seconds"]
    page = run.report(stripes(64)).read_text()
    assert "untrained" in page


def test_what_is_asked_again_is_kept_once(judged):
    run, judge = judged
    judge("knn", beside=())
    again = judge("knn", "linear", beside=())
    assert kept(run) == again


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"draws": 2}),  # another protocol
        ({"beside": ("untrained",)}, {"beside": ("untrained",), "seed": 9}),
        ({"supervised": True}, {"supervised": True, "seed": 9}),
        ({"protocol": "matching"}, {"protocol": "matching", "seed": 9}),
    ],
    ids=["protocol", "untrained", "supervised", "views"],
)
def test_what_does_not_go_together_is_replaced(judged, before, after):
    run, judge = judged
    for said, protocol in ((before, "linear"), (after, "knn")):
        asked = {"beside": (), **said}
        found = judge(asked.pop("protocol", protocol), protocol, **asked)
    assert "this replaces it" in found.pop("notes")[0]
    assert kept(run) == found
    assert "linear" not in found["scores"]["encoder"]


def test_rows_of_other_seeds_that_share_nothing_go_together(judged):
    run, judge = judged
    judge("knn", beside=("untrained",))
    judge("linear", beside=("raw",), seed=9)
    assert kept(run)["scores"].keys() == {"encoder", "untrained", "raw"}
    assert kept(run)["seeds"] == {"run": 0, "untrained": 0}
