"""The papers' recipes train: thirty steps of each, as they are, on small images."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
import torch

from unlabeled import catalog
from unlabeled.data import open_data
from unlabeled.data.batches import Batches
from unlabeled.encoders import ConvNet
from unlabeled.train.loop import train

STEPS = 30


def images(n=256):
    """Smooth ones in colour, each of its own brightness."""
    chance = torch.Generator().manual_seed(0)
    coarse = torch.rand(n, 3, 4, 4, generator=chance) * torch.rand(n, 1, 1, 1, generator=chance)
    fine = torch.nn.functional.interpolate(coarse, (8, 8), mode="bilinear")
    return (255 * fine).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize("name", ["autoencoder", "vae", "super-resolution", "inpainting", "bigan"])
def test_thirty_steps_of_the_papers_recipe_stay_finite_and_lower_the_loss(name):
    """Of a game, the critic's part: the deceivers' rises meanwhile."""
    recipe = catalog.card(name).recipe
    torch.manual_seed(0)
    thin = {"width": 8, "hidden": 16} if name == "bigan" else {}
    method = catalog.load(name)(ConvNet(3, 8, width=8), **recipe.settings, **thin)
    store = open_data(images())
    recipe = dataclasses.replace(recipe, settings={})
    steps = train(method, Batches(store, recipe.batch, seed=0), recipe, steps=1000)
    losses = [
        float(step.terms["critic"] if name == "bigan" else step.loss)
        for step in itertools.islice(steps, STEPS)
    ]
    start, end = losses[0], sum(losses[-5:]) / 5
    assert end < 0.97 * start, losses
    assert max(losses) < 2 * start, losses  # and nothing blew up in between
