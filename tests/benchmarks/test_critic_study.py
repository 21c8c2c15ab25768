"""The study of a critic's features: what its numbers mean, where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks import critic
from unlabeled.encoders import ConvNet
from unlabeled.methods.adversarial.bigan import BiGAN


def test_classes_are_even_where_each_occurs_as_often():
    assert critic.evenness(np.arange(10).repeat(3)) == pytest.approx(1)
    assert critic.evenness(np.zeros(30, int)) == 0
    assert critic.evenness(np.array([3, 7])) == pytest.approx(np.log(2) / np.log(10))


def test_made_images_are_named_by_the_pixels_of_real_ones():
    x = np.eye(10, dtype=np.float32).repeat(20, 0)
    noise = np.random.default_rng(0).normal(0, 0.05, x.shape).astype(np.float32)
    order = np.array([4, 4, 9, 0])
    got = critic.named((x + noise, np.arange(10).repeat(20)), np.eye(10, dtype=np.float32)[order])
    np.testing.assert_array_equal(got, order)


class Whiter(torch.nn.Module):
    """A critic to whom an image is real that is brighter than a number."""

    def __init__(self, than):
        super().__init__()
        self.than = than

    def forward(self, images, codes):
        return images.mean((1, 2, 3)) - self.than


def test_a_critic_is_right_about_real_pairs_and_about_made_ones():
    torch.manual_seed(0)
    method = BiGAN(ConvNet(1, 16, width=4), code=4, width=4, hidden=8).eval()
    images = torch.full((4, 1, 16, 16), 0.9)
    images[0] = 0.1
    method.paint = lambda codes: torch.full((len(codes), 1, 16, 16), 0.3)
    method.critic = Whiter(0.5)
    found = critic.told(method, images, torch.zeros(4, 4))
    assert found == {"real": 75.0, "made": 100.0, "both": 87.5}
    method.critic = Whiter(0.2)
    assert critic.told(method, images, torch.zeros(4, 4))["made"] == 0
