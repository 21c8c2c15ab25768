"""Runs small enough for a test: the smallest encoders on real images, and on made-up text."""

import dataclasses

import numpy as np
import pytest
import torch

from unlabeled import catalog
from unlabeled.data import open_data
from unlabeled.data.batches import Batches
from unlabeled.data.store import Store
from unlabeled.diagnose import Probe, nothing
from unlabeled.encoders import ConvNet, Halves, Patches, Shape, Words
from unlabeled.encoders import build as encoder_of
from unlabeled.train.loop import train

WORDS = 60
SMALLEST = {  # by the kind of encoder that a method needs
    "Encoder": lambda: ConvNet(1, 28, width=4),
    "Halves": lambda: Halves(1, 28, width=4),
    "Sequence": lambda: Patches(1, 28, patch=14, dim=32),
    "Transformer": lambda: encoder_of("vit", Shape("image", 1, 28)),
    "Words": lambda: Words(WORDS, dim=16, size=16),
}


@pytest.fixture(scope="session")
def images():
    """A few hundred pictures of clothes."""
    store = open_data("sample:train")
    return dataclasses.replace(store, data=np.ascontiguousarray(store.data[:512]))


@pytest.fixture(scope="session")
def text():
    """Rows about one of four topics, each with words of its own, frequent and rare."""
    chance = np.random.default_rng(0)
    topic = chance.integers(0, 4, (512, 1)) * 14
    word = np.minimum(chance.geometric(0.2, (512, 16)), 14)
    rows = np.where(chance.random((512, 16)) < 0.2, 57 + word % 3, topic + word)
    return Store(rows.astype(np.int32), Shape("text", 1, 16, WORDS), [str(i) for i in range(512)])


@pytest.fixture
def build(images, text):
    """Build a method by name on the smallest encoder that it takes, and name its data."""

    def make(name, seed=0, encoder=None, **settings):
        torch.manual_seed(seed)
        cls, store = catalog.load(name), text if name == "word2vec" else images
        small = {"hidden": 64, "out": 32, "prototypes": 32, "projection": 32, "width": 8}
        fields = {f.name for f in catalog.card(name).fields}
        known = catalog.card(name).small.settings | small | settings
        kwargs = {k: v for k, v in known.items() if k in fields}
        method = cls(encoder or SMALLEST[cls.needs().__name__](), **kwargs)
        method.prepare(torch.from_numpy(store.data))
        return method, store

    return make


@pytest.fixture
def watch():
    """Train for some steps and look at the encoder on the way."""

    def run(method, store, steps, *, looks=(1, 2, 3, 5, 8, 12, 16, 20), scale=1.0, batch=32):
        recipe = type(method).small.at(batch)
        recipe = dataclasses.replace(recipe, lr=recipe.lr * scale, settings={})
        batches = Batches(store, batch)
        probe = Probe(method, store, nothing=nothing(method, batches[0]))
        history = [probe(0, None)]
        for step in train(method, batches, recipe, steps=steps):
            if step.number + 1 in looks or step.number + 1 == steps:
                history.append(probe(step.number + 1, float(step.loss)))
        return history

    return run
