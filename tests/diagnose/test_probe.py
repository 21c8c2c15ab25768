import dataclasses
import json
import math
import time

import pytest
import torch
from torch import nn

from unlabeled.data.batches import Batches
from unlabeled.diagnose import Health, Probe, effective_rank, nothing, spread, verdict
from unlabeled.encoders import ConvNet, Encoder
from unlabeled.train.loop import train

METHODS = ("rotation", "autoencoder", "byol", "simclr", "cpc", "word2vec", "swav")


def state(method):
    kept = {name: t.clone() for name, t in method.state_dict().items()}
    return kept | {"index": method.index.clone(), "progress": method.progress.clone()}


@pytest.mark.parametrize("name", METHODS)
def test_a_look_leaves_no_trace(build, name):
    method, store = build(name)
    method.train()
    batches = Batches(store, 16)
    probe = Probe(method, store, samples=64, nothing=nothing(method, batches[0]))
    before, random = state(method), torch.get_rng_state()
    modes = [part.training for part in method.modules()]
    health = probe(0, None)
    after = state(method)
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert before.keys() == after.keys()
    assert [part.training for part in method.modules()] == modes
    assert torch.equal(torch.get_rng_state(), random)
    assert all(p.grad is None for p in method.parameters())
    assert probe(0, None) == health  # the same samples, views and all


@pytest.mark.parametrize("name", ["byol", "swav"])
def test_a_watched_run_is_bit_for_bit_the_unwatched_one(build, watch, name):
    watched, store = build(name)
    alone, _ = build(name)
    watch(watched, store, 6, looks=(1, 2, 3, 4, 5, 6))
    recipe = dataclasses.replace(type(alone).small.at(32), settings={})
    for _ in train(alone, Batches(store, 32), recipe, steps=6):
        pass
    one, other = watched.state_dict(), alone.state_dict()
    assert all(torch.equal(one[key], other[key]) for key in one)


class Droops(Encoder):
    """Drops half of what it sees while it trains."""

    channels, size, dim = 1, 28, 784

    def __init__(self):
        super().__init__()
        self.drop, self.scale = nn.Dropout(0.5), nn.Parameter(torch.ones(()))

    def features(self, x):
        return {"out": self.scale * self.drop(x.flatten(1))}


def test_nothing_is_dropped_or_drawn_while_it_looks(build):
    method, store = build("simclr", encoder=Droops())
    method.train()
    probe = Probe(method, store, samples=64)
    random = torch.get_rng_state()
    assert probe(0, None) == probe(0, None)
    assert torch.equal(torch.get_rng_state(), random)


def test_it_measures_both_spaces(build):
    method, store = build("simclr")
    health = Probe(method, store, samples=100, seed=3, nothing=1.5)(7, 0.25)
    assert (health.step, health.loss, health.learned_nothing) == (7, 0.25, 1.5)
    assert (health.dim, health.embed_dim) == (method.encoder.dim, 32)
    index = torch.randperm(len(store), generator=torch.Generator().manual_seed(3))[:100]
    x = store.read(index).float() / 255
    method.train()
    with torch.no_grad():
        h = method.encoder(x)
        z = method.projector(h)
    assert health.spread == pytest.approx(spread(h), abs=1e-5)
    assert health.rank == pytest.approx(effective_rank(h), rel=1e-4)
    assert health.embed_spread == pytest.approx(spread(z), abs=1e-5)
    assert health.embed_rank == pytest.approx(effective_rank(z), rel=1e-4)
    assert Health.read(json.loads(json.dumps(dataclasses.asdict(health)))) == health


def test_what_was_no_number_is_no_number_when_it_is_read_again(build):
    first = Probe(*build("simclr"), samples=20)(0, None)
    said = dataclasses.asdict(first) | {"step": 1, "spread": None, "alignment": None}
    again = Health.read(said)  # as the run's metrics have it
    assert math.isnan(again.spread)
    assert again.alignment is None
    assert verdict([first, again]).level == "diverged"


def test_prototypes_use_is_an_entropy(build):
    method, store = build("swav")
    probe = Probe(method, store)
    assert 0.3 < probe(0, None).usage < 1
    with torch.no_grad():
        method.projector[-1].weight.zero_()
        method.projector[-1].bias.copy_(torch.randn(32))
    assert probe(0, None).usage == 0
    method.heads.weight = nn.Parameter(method.heads.weight[:1])
    assert probe(0, None).usage == 0  # one for all: none is chosen
    assert Probe(*build("simclr"))(0, None).usage is None


def test_words_are_looked_at_one_by_one(build, text):
    method, store = build("word2vec")
    health = Probe(method, store)(0, None)
    used = torch.from_numpy(text.data).unique()
    table = method.encoder.table.weight.detach()[used[used > 0].long()]
    assert health.rank == pytest.approx(effective_rank(table), rel=1e-5)
    assert health.retrieval is None


def test_learned_nothing_is_that_of_a_batch_of_the_run(build):
    method, store = build("simclr")
    assert nothing(method, Batches(store, 32)[0]) == pytest.approx(4.143, abs=1e-3)  # ln 63


def test_what_is_no_number_is_said_to_be_none(build):
    method, store = build("simclr")
    with torch.no_grad():
        next(method.encoder.parameters()).fill_(torch.nan)
    health = Probe(method, store, samples=32)(3, 1.0)
    assert health.spread != health.spread
    assert health.rank != health.rank


def test_a_look_costs_less_than_a_step(build):
    method, store = build("simclr", encoder=ConvNet(1, 28, width=8))
    recipe = dataclasses.replace(type(method).small.at(256), settings={})
    probe, batches = Probe(method, store), Batches(store, 256)
    steps, looks = [], []
    began = time.process_time()
    for _ in train(method, batches, recipe, steps=4):
        steps.append(time.process_time() - began)
        probe(1, None)
        looks.append(time.process_time() - began - steps[-1])
        began = time.process_time()
    assert min(looks) < 1.5 * min(steps)  # one look in 50 steps or fewer: under 3 percent
