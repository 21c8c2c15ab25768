"""The small networks on top of an encoder."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from unlabeled.encoders import Causal, Decoder, mlp


def test_mlp_has_norm_and_relu_between_its_layers_and_none_after():
    kinds = [type(part) for part in mlp(3, 4, 5)]
    assert kinds == [nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Linear]
    kinds = [type(part) for part in mlp(3, 4, 5, last_norm=True)]
    assert kinds == [nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Linear, nn.BatchNorm1d]
    assert not any(isinstance(part, nn.BatchNorm1d) for part in mlp(3, 4, 5, norm=False))
    assert mlp(3, 4, 5)(torch.rand(2, 3)).shape == (2, 5)


@pytest.mark.parametrize("size", [8, 16, 28, 30, 32, 64])
def test_a_decoder_paints_images_of_its_size(size):
    assert Decoder(10, 3, size, width=8)(torch.rand(2, 10)).shape == (2, 3, size, size)


@pytest.mark.parametrize("lanes", [True, False])
def test_a_summary_knows_the_past_and_not_the_future(lanes):
    """CPC: changing step r + 1 leaves the summary at r as it was, and moves the one at r + 1."""
    torch.manual_seed(0)
    context = Causal(8, lanes=lanes).eval()
    codes = torch.randn(2, 7, 5 if lanes else 1, 8)
    with torch.no_grad():
        before = context(codes)
        for step in range(7):
            changed = codes.clone()
            changed[:, step] += 1
            moved = (context(changed) - before).abs().amax((0, 2, 3)) > 1e-6
            assert not moved[:step].any(), step
            assert moved[step], step


def test_lanes_are_seen_only_where_they_are_asked_for():
    torch.manual_seed(0)
    codes = torch.randn(1, 6, 5, 8)
    changed = codes.clone()
    changed[:, 0, 2] += 1
    with torch.no_grad():
        for lanes in (True, False):
            context = Causal(8, lanes=lanes)
            moved = (context(changed) - context(codes)).abs().amax((0, 3)) > 1e-6
            assert moved[-1, 1].item() == lanes
            assert moved[1, 2]
