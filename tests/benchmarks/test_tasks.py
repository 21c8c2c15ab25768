"""How a task is measured, where the answer is known."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from benchmarks import tasks
from unlabeled.data import open_data
from unlabeled.encoders import ConvNet
from unlabeled.encoders.base import Encoder
from unlabeled.methods.reconstruction.inpainting import Inpainting
from unlabeled.methods.reconstruction.super_resolution import SuperResolution
from unlabeled.methods.transformation.rotation import Rotation


class Corners(Encoder):
    """How bright each quarter of the image is."""

    dim, size, channels = 4, 16, 1

    def features(self, x):
        return {"out": F.adaptive_avg_pool2d(x, 2).flatten(1)}


def lit(*corners):
    """Images of which one quarter is white."""
    images = np.zeros((len(corners), 16, 16), np.uint8)
    for image, (y, x) in zip(images, corners, strict=True):
        image[8 * y : 8 * y + 8, 8 * x : 8 * x + 8] = 255
    return open_data(images)


@torch.no_grad()
def test_flips_are_told_by_direction_and_class():
    method = Rotation(Corners(), group="flips")
    method.head.weight.copy_(torch.eye(4))  # the lit quarter names the flip of a lit top left one
    method.head.bias.zero_()
    store = lit((0, 0), (0, 1), (0, 0), (0, 1))
    found = tasks.flips(method, store, store, np.array([0, 1, 0, 1]))
    assert found["by move"] == [50, 50, 50, 50]
    assert found["left-right by class"] == {"0": 100, "1": 0}
    assert found["up-down by class"] == {"0": 100, "1": 100}
    assert (found["left-right"], found["up-down"]) == (50, 100)


def uniform():
    return open_data(np.repeat(np.arange(0, 250, 50, dtype=np.uint8), 256).reshape(5, 16, 16))


@torch.no_grad()
def test_the_border_tells_all_of_a_uniform_image_and_the_mean_image_does_not():
    method = Inpainting(ConvNet(1, 16, width=8), mask="centre", width=8, adversary=0.1).eval()
    found = tasks.hole(method, uniform(), uniform(), np.zeros(5))
    assert found["error of the border"] == pytest.approx(0, abs=1e-10)
    assert found["error of the mean"] == pytest.approx(np.var(np.arange(5) * 50 / 255), rel=1e-5)
    assert 0 <= found["critic"] <= 100


@torch.no_grad()
def test_a_residual_of_nothing_is_bicubic():
    method = SuperResolution(ConvNet(1, 16, width=8), factor=4, residual=True, width=8).eval()
    for p in method.decoder.body[-1].parameters():
        p.zero_()
    images = np.random.default_rng(0).integers(0, 255, (8, 16, 16), dtype=np.uint8)
    found = tasks.enlargement(method, open_data(images), open_data(images), np.zeros(8))
    assert found["decibels"] == pytest.approx(found["decibels of bicubic"], rel=1e-9)
    assert found["gradient energy"] < found["true gradient energy"]
