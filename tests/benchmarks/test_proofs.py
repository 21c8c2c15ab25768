"""The proofs run as long as the league, and score features of halves where there are some."""

import json

import numpy as np
import pytest
import torch

from benchmarks import claims, common, proofs, worlds
from unlabeled.encoders import Halves

STEPS = json.loads((common.RESULTS / "steps.json").read_text())["steps"]


@pytest.mark.parametrize(
    ("name", "data", "system"),
    [
        ("bigan", "fashion-mnist", "bigan"),
        ("flips", "fashion-mnist", "flips"),
        ("denoising", "fashion-mnist", "denoising"),
        ("inpainting, critic", "fashion-mnist", "inpainting"),
        ("rotation, digits", "fashion-mnist", "rotation"),
        ("autoencoder, as wide", "fashion-mnist", "split-brain"),
        ("colorization by l2, photographs", "photographs", "colorization"),
        ("autoencoder, as wide, sprites", "sprites", "split-brain"),
    ],
)
def test_each_takes_as_many_steps_as_the_plain_system_does_in_the_league(name, data, system):
    assert proofs.PROOFS[name].steps == STEPS[data][system]


def test_what_is_kept_took_as_many_and_is_judged_as_now():
    kept = json.loads((common.RESULTS / "proofs.json").read_text())
    assert {run["name"]: run["steps"] for run in kept["runs"]} == {
        name: proof.steps for name, proof in proofs.PROOFS.items()
    }
    assert kept["claims"] == claims.claims(kept["runs"])
    assert kept["bad"] == claims.bad_cases(kept["runs"])


def test_every_run_that_a_claim_or_a_bad_case_needs_is_one():
    needed = {name for judge in [*claims.JUDGES, *claims.BAD] for name in judge[2]}
    assert needed == proofs.PROOFS.keys()  # and none is run for nothing


def garments(n, told):
    """Two classes, of which the coarse half or the fine one tells."""
    chance = np.random.default_rng(n)
    y = np.arange(n) % 2
    if told == "coarse":
        level, stripes = 60 + 100 * y, chance.integers(0, 2, n)
    else:
        level, stripes = 60 + 100 * chance.integers(0, 2, n), y
    lines = np.where(np.arange(28) % 2, 40, -40) * stripes[:, None]
    x = level[:, None, None] + lines[:, None, :] + chance.integers(-5, 5, (n, 28, 28))
    return worlds.Samples(x.astype(np.uint8), y)


@pytest.mark.parametrize("told", ["coarse", "fine"])
def test_what_one_half_shows_that_half_and_both_can_tell(told):
    torch.manual_seed(0)
    encoder = Halves(1, 28, width=4).eval()
    found = proofs.probed(encoder, garments(60, told), garments(400, told), seed=0)
    (blind,) = {"coarse", "fine"} - {told}
    assert min(found[told], found["encoder"], found["untrained"]) > 90
    assert found[blind] < 75
    assert found[f"{told}, untrained"] > 90 > found[f"{blind}, untrained"]


def test_what_has_no_class_is_not_scored():
    """Photographs of the unlabelled folder are trained on, and no probe sees them."""
    torch.manual_seed(0)
    encoder = Halves(1, 28, width=4).eval()
    parts = garments(60, "coarse"), garments(400, "coarse")
    found = proofs.probed(encoder, *parts, seed=0)
    blank = np.zeros((30, 28, 28), np.uint8)
    more = [
        worlds.Samples(np.concatenate([x, blank]), np.append(y, [worlds.NONE] * 30))
        for x, y, _ in parts
    ]
    assert proofs.probed(encoder, *more, seed=0) == found


class Clock:
    """Counts what is run, and finds nothing."""

    def __init__(self):
        self.ran = []

    def __call__(self, name, seed, steps):
        self.ran.append((name, steps))
        return {"name": name, "seed": seed, "steps": steps, "seconds": {}, "found": {}}


def test_only_what_took_other_steps_or_is_missing_is_run_and_it_keeps_its_place(
    monkeypatch, tmp_path
):
    clock = Clock()
    monkeypatch.setattr(proofs, "one", clock)
    for part in ("claims", "bad_cases"):
        monkeypatch.setattr(proofs, part, lambda runs: [])
    monkeypatch.setattr(proofs, "RESULTS", tmp_path)
    monkeypatch.setattr(common, "RESULTS", tmp_path)
    old = [
        {"name": "vae", "seed": 0, "steps": 1, "found": {}},
        {"name": "mae", "seed": 0, "steps": STEPS["fashion-mnist"]["mae"], "found": {}},
    ]
    (tmp_path / "proofs.json").write_text(json.dumps({"runs": old}))
    monkeypatch.setattr("sys.argv", ["proofs", "--only", "bigan", "mae", "vae"])
    proofs.main()
    steps = STEPS["fashion-mnist"]
    assert clock.ran == [("bigan", steps["bigan"]), ("vae", steps["vae"])]
    kept = json.loads((tmp_path / "proofs.json").read_text())["runs"]
    assert [(run["name"], run["steps"]) for run in kept] == [
        (name, steps[name]) for name in ("vae", "mae", "bigan")
    ]
