"""A module that is looked through and not changed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextlib.contextmanager
def borrowed(module: nn.Module, *, averages: bool = True) -> Iterator[None]:
    """Look through a module in evaluation mode, and give it back as it was.

    Nothing in it draws at random or remembers what it saw.

    Args:
        module: What is looked through.
        averages: Whether batch norms use their running averages. While a network trains these lag
            behind, most of all in its first steps; then False has them use the statistics of what
            they see, as in training, and keep no memory of it.
    """
    modes = [(part, part.training) for part in module.modules()]
    norms = [part for part in module.modules() if isinstance(part, _BatchNorm)]
    tracked = [norm.track_running_stats for norm in norms]
    module.eval()
    for norm in [] if averages else norms:
        norm.training, norm.track_running_stats = True, False
    try:
        yield
    finally:
        for norm, was in zip(norms, tracked, strict=True):
            norm.track_running_stats = was
        for part, mode in modes:
            part.training = mode
