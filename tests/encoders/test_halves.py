"""Two networks side by side: what each sees, and that nothing passes between them."""

from __future__ import annotations

import pytest
import torch

from unlabeled.encoders import ConvNet, Halves
from unlabeled.views import colours


def images(channels, b=4, size=16):
    return torch.rand(b, channels, size, size, generator=torch.Generator().manual_seed(0))


def made(channels, size=16):
    torch.manual_seed(0)
    return Halves(channels, size, width=8)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_output_is_both_networks_as_wide_as_one_whole_one(channels):
    net, x = made(channels).eval(), images(channels)
    one, two = net.halves(x)
    torch.testing.assert_close(net(x), torch.cat([net.one(one), net.two(two)], 1))
    assert net.dim == ConvNet(channels, 16, width=16).dim
    assert tuple(net.features(x)) == net.layers


@pytest.mark.parametrize("channels", [1, 3])
def test_halves_make_the_image_again(channels):
    net, x = made(channels), images(channels)
    one, two = net.halves(x)
    assert one.min() >= 0
    assert two.min() >= 0
    assert max(one.max(), two.max()) <= 1
    torch.testing.assert_close(net.whole(one, two), x, rtol=0, atol=1e-3)


def test_colour_is_split_into_lightness_and_the_rest():
    net, x = made(3), images(3)
    lab = colours.to_lab(x)
    one, two = net.halves(x)
    torch.testing.assert_close(one * 100, lab[:, :1])
    torch.testing.assert_close((two - 0.5) * 220, lab[:, 1:])


@pytest.mark.parametrize("size", [16, 28, 30])
def test_grey_is_split_into_the_means_of_cells_and_what_differs(size):
    net, x = made(1, size), images(1, size=size)
    coarse, fine = net.halves(x)
    cell = round(size / 8)
    for row in range(0, size, cell):
        for column in range(0, size, cell):
            part = (..., slice(row, row + cell), slice(column, column + cell))
            mean = x[part].mean((1, 2, 3))
            torch.testing.assert_close(coarse[part].amax((1, 2, 3)), mean)
            torch.testing.assert_close(coarse[part].amin((1, 2, 3)), mean)
            torch.testing.assert_close(
                fine[part].mean((1, 2, 3)), torch.full_like(mean, 0.5)
            )  # the halves share nothing: one is what the other leaves


@pytest.mark.parametrize("channels", [1, 3])
def test_nothing_passes_from_one_network_to_the_other(channels):
    """The Jacobian of each network's output by the other's half is zero."""
    net, x = made(channels).eval(), images(channels)
    for seen, own in ((0, slice(0, 256)), (1, slice(256, 512))):
        halves = [h.detach().requires_grad_() for h in net.halves(x)]
        out = torch.cat([net.one(halves[0]), net.two(halves[1])], 1)
        torch.testing.assert_close(out, net(x))
        out[:, own].sum().backward()
        assert halves[seen].grad.abs().sum() > 0
        assert halves[1 - seen].grad is None or halves[1 - seen].grad.abs().sum() == 0
