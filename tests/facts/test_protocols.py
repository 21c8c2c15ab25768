"""What each community's linear protocol does, from its own code."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from unlabeled.evaluate.communities import COMMUNITIES, runs

IMAGENET, CPU, GPU = 1_281_167, torch.device("cpu"), torch.device("cuda")


def rates(name, per_epoch, n=IMAGENET):
    """The rate of each step of the first head, epochs by steps."""
    run = COMMUNITIES[name].fitted(n, None, GPU)
    steps = per_epoch * int(run.epochs)
    found = [run.rates[0] * run.rate(t, steps) for t in range(steps)]
    return np.array(found).reshape(int(run.epochs), per_epoch)


@pytest.mark.parametrize(
    ("name", "base", "epochs", "milestones"),
    [("vissl", 0.01, 28, (8, 16, 24)), ("solo", 0.3, 100, (60, 80))],
)
def test_the_rate_falls_tenfold_at_their_milestones(name, base, epochs, milestones):
    weight = nn.Parameter(torch.zeros(1))
    theirs = torch.optim.SGD([weight], base)
    schedule = torch.optim.lr_scheduler.MultiStepLR(theirs, milestones, gamma=0.1)
    for row in rates(name, 5):
        np.testing.assert_allclose(row, theirs.param_groups[0]["lr"], rtol=1e-9)
        theirs.step()
        schedule.step()
    assert len(rates(name, 5)) == epochs


def test_simclrs_rate_is_a_cosine_of_steps_from_a_tenth_times_the_batch_over_256():
    found = rates("simclr", 7).ravel()
    expected = [0.1 * 4096 / 256 * 0.5 * (1 + math.cos(math.pi * t / 630)) for t in range(630)]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_maes_rate_is_that_of_its_lr_sched():
    for (epoch, step), ours in np.ndenumerate(rates("mae", 6)):
        at, peak = epoch + step / 6, 0.1 * 16384 / 256
        half = 0.5 * (1 + math.cos(math.pi * (at - 10) / (90 - 10)))
        assert ours == pytest.approx(peak * (at / 10 if at < 10 else half), rel=1e-9)


@pytest.mark.parametrize(
    ("name", "base", "per_epoch", "each"), [("dino", 1e-3, 3, 1), ("dinov2", 1e-5, 4, 4)]
)
def test_dinos_cosine_moves_with_the_epoch_and_dinov2s_with_the_step(name, base, per_epoch, each):
    found = rates(name, per_epoch)
    weight = nn.Parameter(torch.zeros(1))
    theirs = torch.optim.SGD([weight], base * 1024 / 256)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(theirs, len(found) * each, eta_min=0)
    for row in found.reshape(-1, per_epoch // each):
        np.testing.assert_allclose(row, theirs.param_groups[0]["lr"], rtol=1e-6, atol=1e-12)
        theirs.step()
        schedule.step()


def test_on_imagenet_all_settings_are_theirs():
    batches = {"vissl": 256, "simclr": 4096, "solo": 256, "mae": 16384, "dino": 1024}
    epochs = {"vissl": 28, "simclr": 90, "solo": 100, "mae": 90, "dino": 100, "dinov2": 10}
    asked = runs([f"linear:{name}" for name in epochs], IMAGENET, None, GPU)
    assert list(asked) == [f"linear:{name}" for name in epochs]
    for name in epochs:
        run = asked[f"linear:{name}"]
        assert run.epochs == epochs[name]
        assert run.momentum == 0.9
        assert run.lr == batches.get(name, 1024) / 256
        assert run.batch == batches.get(name, round(1024 / 0.9))  # a tenth is passed over
    assert sorted(COMMUNITIES["dinov2"].rates) == pytest.approx(
        [m * 10.0**e for e in range(-5, -1) for m in (1, 2, 5)] + [0.1]
    )


def test_small_data_has_small_batches_and_a_cpu_few_epochs_and_the_column_says_so():
    cifar = COMMUNITIES["simclr"].fitted(50_000, None, GPU)
    assert (cifar.batch, cifar.lr, cifar.epochs) == (512, 2.0, 90)  # as its authors do there
    assert COMMUNITIES["mae"].fitted(100, None, CPU).batch == 32
    assert COMMUNITIES["mae"].fitted(20, None, CPU).batch == 20
    assert list(runs(("linear:mae", "knn"), 100, None, CPU)) == ["linear:mae, 10 of 90 epochs"]
    assert list(runs(("linear:dinov2",), 100, None, CPU)) == ["linear:dinov2"]
    assert list(runs(("linear:solo",), 100, 12, GPU)) == ["linear:solo, 12 of 100 epochs"]
    assert list(runs(("linear:solo",), 100, 500, CPU)) == ["linear:solo"]


def test_a_cut_runs_through_the_whole_schedule():
    cut = COMMUNITIES["solo"].fitted(IMAGENET, 10, GPU)
    assert [cut.rate(t, 10) for t in (0, 5, 6, 7, 8, 9)] == pytest.approx(
        [1, 1, 0.1, 0.1, 0.01, 0.01]
    )
    warm = COMMUNITIES["mae"].fitted(IMAGENET, 9, GPU)
    assert warm.rate(0, 9) == 0
    assert warm.rate(1, 9) == warm.lr
