"""Where a run computes: what is chosen, what is refused, and how long a wrapper lives."""

from __future__ import annotations

import os
import weakref

import pytest
import torch
import torch.distributed as dist
from specimens import Tiny
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from unlabeled.errors import MachineError, UsageError
from unlabeled.train.runtime import (
    SYNC_BUFFERS,
    GlobalBatchNorm,
    Runtime,
    processes,
    synchronise_norms,
)
from unlabeled.world import world


def test_what_is_not_said_is_chosen():
    chosen = Runtime.detect()
    assert torch.device(chosen.device).type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert chosen.precision in ("bf16", "fp32")
    assert Runtime.detect("cpu", "fp32") == Runtime("cpu", "fp32")


def test_what_means_nothing_or_is_not_there_is_refused():
    with pytest.raises(UsageError, match="precision must be auto, bf16 or fp32, got `half`"):
        Runtime.detect("cpu", "half")
    for device in ("cuda:99", "toaster"):
        with pytest.raises(MachineError, match=f"device `{device}` cannot be used"):
            Runtime.detect(device)


def test_a_norm_that_computes_in_its_own_way_is_refused_and_others_keep_names_and_weights():
    class Odd(nn.BatchNorm2d):
        def forward(self, input):
            return 2 * super().forward(input)

    with pytest.raises(UsageError, match="Odd cannot be shared"):
        synchronise_norms(nn.Sequential(Odd(3)))
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.SyncBatchNorm(2))
    before = {name: x.clone() for name, x in net.state_dict().items()}
    synchronise_norms(net)
    synchronise_norms(net)  # a second time changes nothing
    assert [type(part) for part in net] == [nn.Conv2d, GlobalBatchNorm, GlobalBatchNorm]
    assert all(torch.equal(x, before[name]) for name, x in net.state_dict().items())


def test_alone_there_is_no_group_to_join():
    with processes("cpu"):
        assert world() == (0, 1)
        assert not dist.is_initialized()


def test_processes_are_left_with_no_wrapper_alive_even_where_a_run_fails(monkeypatch):
    """A group of one is enough for a wrapper; the error's own frames refer to it as it rises."""
    said = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    join = dist.init_process_group

    def alone(backend):
        os.environ["WORLD_SIZE"] = "1"
        join(backend, store=dist.HashStore(), rank=0, world_size=1)

    monkeypatch.setattr(dist, "init_process_group", alone)
    trainer = Tiny("rotation").trainer(2)
    trainer.method.loss = lambda *views: 1 / 0
    leave, alive = dist.destroy_process_group, []
    monkeypatch.setattr(dist, "destroy_process_group", lambda: (alive.append(wrapper()), leave()))
    wrapper = lambda: None

    def train():
        nonlocal wrapper
        with processes("cpu"):
            model = DistributedDataParallel(trainer.method, **{SYNC_BUFFERS: False})
            wrapper = weakref.ref(model)
            trainer.model, model = model, None  # as a run holds it
            try:
                trainer.model(*trainer.method.views(trainer.batches[0]))
            finally:
                trainer.close()

    with pytest.raises(ZeroDivisionError):
        train()
    assert alive == [None]
    assert not dist.is_initialized()
