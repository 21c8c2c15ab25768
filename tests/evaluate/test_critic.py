"""A critic's features: DCGAN's, from the layers of whatever method has a critic."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from unlabeled.data import open_data
from unlabeled.encoders import ConvNet
from unlabeled.errors import UsageError
from unlabeled.evaluate import critic_features, embed
from unlabeled.methods.adversarial.bigan import BiGAN
from unlabeled.methods.reconstruction.inpainting import Inpainting
from unlabeled.methods.reconstruction.super_resolution import SuperResolution


def bigan(size=32):
    torch.manual_seed(0)
    return BiGAN(ConvNet(3, size, width=4), code=4, width=4, hidden=16).eval()


def test_every_layers_maps_are_max_pooled_to_a_grid_of_four_by_four_and_joined():
    """Radford et al. 2016, sec. 5.1."""
    method = bigan().double()
    x = torch.rand(3, 3, 32, 32, dtype=torch.float64)
    found, expected = x, []
    convs = [m for m in method.critic.modules() if isinstance(m, torch.nn.Conv2d)]
    for i, conv in enumerate(convs):
        found = F.conv2d(found, conv.weight, conv.bias, 2, 1)
        if i:  # each image's own norm, whose weight begins as 1 and its bias as 0
            flat = found.flatten(1)
            flat = (flat - flat.mean(1, True)) / (
                flat.var(1, correction=0, keepdim=True) + 1e-5
            ) ** 0.5
            found = flat.view_as(found)
        found = torch.where(found > 0, found, 0.2 * found)
        cell = found.shape[-1] // 4
        tiles = found.unflatten(2, (4, cell)).unflatten(4, (4, cell))
        expected.append(tiles.amax((3, 5)).flatten(1))
    net = critic_features(method)
    got = net(x)
    torch.testing.assert_close(got, torch.cat(expected, 1))
    assert got.shape == (3, net.dim) == (3, 16 * (4 + 8 + 16))


def test_they_are_what_judges_images_in_training():
    method = bigan()
    x = torch.rand(2, 3, 32, 32)
    last = critic_features(method).features(x)["layer3"]
    torch.testing.assert_close(F.adaptive_avg_pool2d(last, 2).flatten(1), method.critic.look(x))


def test_they_are_embedded_like_any_encoders_and_of_small_maps_each_number_comes_once():
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28, 3), dtype=np.uint8)
    net = critic_features(bigan(28))  # maps of 14, 7 and 3 pixels a side
    found = embed(net, open_data(images), layers=net.layers)
    assert {name: x.shape for name, x in found.items()} == {
        "layer1": (5, 4), "layer2": (5, 8), "layer3": (5, 16), "out": (5, 16 * 12 + 9 * 16),
    }  # fmt: skip
    assert net.dim == 16 * 12 + 9 * 16


@pytest.mark.parametrize("kind", [Inpainting, SuperResolution])
def test_a_method_with_an_adversary_has_them_and_one_without_is_refused(kind):
    x = torch.rand(2, 3, 16, 16)
    method = kind(ConvNet(3, 16, width=4), width=4, adversary=0.1).eval()
    last = critic_features(method).features(x)["layer3"]
    torch.testing.assert_close(method.critic[9:](last), method.critic(x))
    with pytest.raises(UsageError, match="has no critic") as error:
        critic_features(kind(ConvNet(3, 16, width=4), width=4))
    assert "--adversary" in error.value.hint
