"""A run that collapses is told so by name in its first two percent; one that works hears nothing.

Each is the run that `unlabeled pretrain` makes, on small images, stopped after two percent.
"""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from unlabeled import catalog
from unlabeled.log import Log
from unlabeled.pretraining import prepare
from unlabeled.train.folder import RunFolder
from unlabeled.watch import EARLY, Watch

Mutant = runpy.run_path(str(Path(__file__).parents[1] / "mutants.py"))["Mutant"]
STEPS, BATCH = 1000, 64

BROKEN = [
    Mutant("without a predictor", "", "Complete collapse: the loss falls because samples move",
           "byol", {"mlp(self.projection, self.hidden, self.projection)": "torch.nn.Identity()"}),
    Mutant("without centring", "", "Cluster collapse: nearly all samples choose the same",
           "swav", {"sinkhorn(scores, epsilon=self.epsilon)":
                    "(scores / self.epsilon).softmax(1)"}),
    Mutant("with one prototype", "", "Cluster collapse: nearly all samples choose the same",
           "swav", {"default=3000, low=2": "default=3000, low=1", '"prototypes": 128':
                    '"prototypes": 1'}),
]  # fmt: skip
TOO_FAST = {  # a thousand times the recipe's rate
    "simclr": "Dimensional collapse: the encoder has narrowed",
    "swav": "Dimensional collapse: the encoder has narrowed",
    "rotation": "Dimensional collapse: the encoder has narrowed",
    "autoencoder": "Dimensional collapse: the encoder has narrowed",
    "byol": "Complete collapse: the loss falls because samples move",
}


@pytest.fixture
def heard(tmp_path, capsys):
    """What a run says on the standard error by the end of its first two percent."""

    def listen(method, **settings):
        ready = prepare(method, "digits", steps=STEPS, batch_size=BATCH, **settings)
        with RunFolder.create(tmp_path / "run", ready.config, ready.store) as place:
            watch = Watch(ready, place, Log(quiet=True))
            watch.begin()
            for step in ready.trainer.run():
                watch.see(step)
                if step.number + 1 == round(EARLY[-1] * STEPS):
                    break
        return capsys.readouterr().err

    return listen


def test_two_percent_is_the_last_early_look():
    assert EARLY[-1] == 0.02


@pytest.mark.parametrize("mutant", BROKEN, ids=lambda m: m.bug)
def test_what_holds_samples_apart_is_missed_at_once(heard, tmp_path, mutant):
    assert mutant.says in heard(mutant.write(tmp_path))


@pytest.mark.parametrize("name", TOO_FAST)
def test_a_rate_a_thousand_times_too_high_is_named_at_once(heard, name):
    rate = 1000 * catalog.card(name).small.at(BATCH).lr
    assert heard(name, lr=rate).count(TOO_FAST[name]) == 1  # at several looks, but said once


@pytest.mark.parametrize("name", TOO_FAST)
def test_the_same_run_unbroken_says_nothing(heard, name):
    assert heard(name) == ""
