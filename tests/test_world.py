"""The global batch: on one process it is the batch; on two, values and gradients add up."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from unlabeled.world import gather, largest, mine, own, total, world


def test_one_process_is_the_world():
    x = torch.randn(4, 3, requires_grad=True)
    assert world() == (0, 1)
    assert gather(x) is x
    assert torch.equal(own(x), torch.arange(4))
    assert torch.equal(mine(x), x)
    assert torch.equal(total(x), x)
    assert torch.equal(largest(x), x)


PAIR = """
import sys, torch, torch.distributed as dist
from unlabeled.world import gather, largest, mine, own, total, world
rank = int(sys.argv[1])
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method="file://" + sys.argv[2], rank=rank, world_size=2)
whole = torch.arange(12.0).view(4, 3)
x = whole.chunk(2)[rank].clone().requires_grad_()
assert world() == (rank, 2)
assert torch.equal(gather(x), whole)
assert torch.equal(gather(x.T.contiguous().T), whole)  # whatever its strides
assert own(x).tolist() == [2 * rank, 2 * rank + 1]
assert torch.equal(gather(x)[own(x)], x)
assert torch.equal(mine(whole), x)
assert torch.equal(mine(gather(x)), x)
assert total(torch.tensor(rank + 1.0)) == 3
assert torch.equal(largest(torch.tensor([rank, -rank])), torch.tensor([1, 0]))
kept = torch.tensor(1.0)
total(kept)
assert kept == 1  # the argument is left alone

# the loss of the whole batch is the mean of both processes' losses; so is its gradient
def loss(rows, batch):
    return (rows @ batch.T).square().sum(1)
alone = whole.clone().requires_grad_()
loss(alone, alone).mean().backward()
loss(x, gather(x)).mean().backward()
torch.testing.assert_close(x.grad / 2, alone.grad.chunk(2)[rank])  # DDP's mean over processes
dist.destroy_process_group()
"""


def test_two_processes_share_a_world(tmp_path):
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-c", PAIR]
    pair = [
        subprocess.Popen(
            [*words, str(rank), str(tmp_path / "meet")], env=env, stderr=subprocess.PIPE
        )
        for rank in range(2)
    ]
    for process in pair:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said.decode()[-1500:]


@pytest.mark.parametrize("rows", [1, 3])
def test_own_lies_on_the_device_of_its_rows(rows):
    assert own(torch.zeros(rows, 2)).device == torch.device("cpu")
    assert own(torch.zeros(rows, 2)).dtype == torch.long
