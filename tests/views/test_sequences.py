"""Views of series, and rows of tokens with gaps closed."""

from __future__ import annotations

import torch

from unlabeled.views import Batch
from unlabeled.views.sequences import dropped, scaled, standard


def series(b=2000, c=2, t=16):
    data = torch.randn(b, c, t, generator=torch.Generator().manual_seed(0))
    return data * torch.tensor([3.0, 500.0])[:, None] + torch.tensor([-7.0, 1e4])[:, None]


def test_scaling_keeps_the_shape_and_draws_a_gain_and_a_shift_for_each_channel():
    data = series()
    view = scaled(Batch(data, torch.arange(len(data))))
    shape = standard(data)
    gain = view.std(2) / shape.std(2)
    assert gain.min() >= 0.8 - 1e-4
    assert gain.max() <= 1.25 + 1e-4
    assert abs(gain.mean().item() - 1.025) < 0.01
    shift = view.mean(2)
    assert abs(shift.std().item() - 0.1) < 0.01
    back = (view - view.mean(2, keepdim=True)) / view.std(2, keepdim=True)
    torch.testing.assert_close(back, shape, rtol=0, atol=1e-3)
    assert torch.corrcoef(gain.T)[0, 1].abs() < 0.1  # channels do not share theirs


def test_standard_has_mean_zero_and_deviation_one_and_survives_a_constant():
    x = standard(series(8))
    torch.testing.assert_close(x.mean(2), torch.zeros(8, 2), rtol=0, atol=1e-3)
    torch.testing.assert_close(x.std(2), torch.ones(8, 2), rtol=0, atol=1e-3)
    assert (standard(torch.full((1, 1, 9), 4.0)) == 0).all()


def test_dropped_closes_the_gaps_in_order():
    tokens = torch.tensor([[5, 6, 7, 8], [1, 2, 3, 4]])
    keep = torch.tensor([[True, False, True, True], [False, False, False, True]])
    assert dropped(tokens, keep).tolist() == [[5, 7, 8, 0], [4, 0, 0, 0]]
