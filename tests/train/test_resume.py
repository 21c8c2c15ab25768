"""N steps are k steps, a stop, and N - k steps: bit for bit."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from specimens import SMALL, Tiny, differing, everything, go
from torch import nn

from unlabeled import catalog
from unlabeled.train import checkpoint

STEPS = 7
STOPS = (
    0,
    1,
    3,
    4,
    6,
)  # before the first, mid-pass, last of a pass, first of a pass, before the last
METHODS = list(catalog.cards())


def resumed_everywhere(case, folder, stops=STOPS, **how):
    """The state at the end of a straight run, and of runs stopped and gone on with at each stop."""
    straight = case.trainer(STEPS, **how)
    checkpoint.save(folder, straight, {"stop": 0})
    losses = []
    for step in straight.run():
        losses.append(step.loss)
        if straight.step in stops:
            checkpoint.save(folder, straight, {"stop": straight.step})
    for stop in stops:
        other = case.trainer(STEPS, seed=1 + stop, **how)
        assert checkpoint.restore(folder / f"step-{stop:08d}", other) == {"stop": stop}
        again = [step.loss for step in other.run()]
        assert torch.equal(torch.stack(losses[stop:]), torch.stack(again)), f"stopped at {stop}"
        yield everything(straight), everything(other)


@pytest.mark.parametrize("name", METHODS)
def test_a_resumed_run_is_the_same_run(name, tmp_path):
    case = Tiny(name)
    assert STEPS > len(case.trainer(STEPS).batches) == 4
    for one, other in resumed_everywhere(case, tmp_path):
        assert not differing(one, other)


@pytest.mark.parametrize("name", METHODS)
def test_a_resumed_run_is_the_same_run_in_parts(name, tmp_path):
    for one, other in resumed_everywhere(Tiny(name), tmp_path, (1, 4), accumulate=2):
        assert not differing(one, other)


@pytest.mark.parametrize(
    ("optimizer", "moment"), [("sgd", "momentum"), ("lars", "momentum"), ("adam", "exp_avg_sq")]
)
def test_every_optimizer_resumes(optimizer, moment, tmp_path):
    recipe = dataclasses.replace(SMALL, optimizer=optimizer, lr=0.1, drops=((0.3, 0.5),))
    for one, other in resumed_everywhere(Tiny("byol"), tmp_path, (0, 3), recipe=recipe):
        assert any(moment in name for name in one)
        assert not differing(one, other)


def test_dropout_resumes_too(tmp_path):
    class Case(Tiny):
        def encoder(self):
            encoder = super().encoder()
            encoder.stage3.append(nn.Dropout(0.5))
            return encoder

    for one, other in resumed_everywhere(Case("rotation"), tmp_path, (1, 4)):
        assert not differing(one, other)


def test_what_a_caller_draws_or_looks_at_between_steps_changes_nothing():
    case = Tiny("byol")
    plain, watched = case.trainer(4), case.trainer(4)
    go(plain, 4)
    for _ in watched.run():
        torch.rand(5)
        watched.method.encoder.eval()
    assert not differing(everything(plain), everything(watched))
