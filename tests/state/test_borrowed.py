"""A module that is looked through comes back as it was."""

import pytest
import torch
from torch import nn

from unlabeled.encoders import ConvNet
from unlabeled.state import borrowed


def test_batch_norm_uses_the_batch_and_forgets_it():
    encoder = ConvNet(1, 28, width=4).train()
    x = torch.rand(32, 1, 28, 28)
    twin = ConvNet(1, 28, width=4).train()
    twin.load_state_dict(encoder.state_dict())
    with borrowed(encoder, averages=False), torch.no_grad():
        seen = encoder(x)
    assert torch.equal(seen, twin(x))  # as in training; and the twin's averages have moved
    norms = [p for p in encoder.modules() if isinstance(p, nn.BatchNorm2d)]
    assert all(int(norm.num_batches_tracked) == 0 and norm.track_running_stats for norm in norms)
    with borrowed(encoder), torch.no_grad():
        averaged = encoder(x)
    assert torch.equal(averaged, encoder.eval()(x))
    assert not torch.allclose(averaged, seen)


def test_modes_and_norms_come_back_after_an_error():
    encoder = ConvNet(1, 28, width=4).train()
    with pytest.raises(RuntimeError), borrowed(encoder, averages=False):
        raise RuntimeError
    assert all(part.training for part in encoder.modules())
    norms = [p for p in encoder.modules() if isinstance(p, nn.BatchNorm2d)]
    assert all(norm.track_running_stats for norm in norms)
