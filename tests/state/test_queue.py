"""The queue: first in, first out, and never before the step is over."""

from __future__ import annotations

import torch

from unlabeled.state import Queue


def rows(*values):
    return torch.tensor(values, dtype=torch.float32)[:, None].expand(-1, 2)


def push(queue, *values):
    queue.remember(rows(*values))
    queue.advance(0.0)


def test_what_is_remembered_is_read_only_after_the_step():
    queue = Queue(4, 2)
    queue.remember(rows(1, 2))
    assert (queue.items == 0).all()
    assert queue.filled == 0
    queue.advance(0.0)
    assert queue.items[:, 0].tolist() == [1, 2, 0, 0]
    assert queue.filled == 2


def test_the_oldest_leaves_first():
    queue = Queue(4, 2)
    for batch in ((1, 2), (3, 4), (5, 6)):
        push(queue, *batch)
    assert queue.items[:, 0].tolist() == [5, 6, 3, 4]
    assert queue.filled == 4


def test_it_wraps_where_the_batch_does_not_divide_it():
    queue = Queue(5, 2)
    seen = []
    for first in range(0, 21, 3):
        push(queue, first, first + 1, first + 2)
        seen += [first, first + 1, first + 2]
        assert sorted(queue.items[: int(queue.filled), 0].tolist()) == seen[-5:]
    assert queue.head == len(seen) % 5


def test_of_a_batch_larger_than_itself_it_keeps_the_last():
    queue = Queue(3, 2)
    push(queue, 1, 2, 3, 4, 5)
    assert sorted(queue.items[:, 0].tolist()) == [3, 4, 5]
    assert queue.filled == 3


def test_several_of_one_step_enter_in_their_order():
    queue = Queue(4, 2)
    queue.remember(rows(1))
    queue.remember(rows(2, 3))
    queue.advance(0.0)
    assert queue.items[:, 0].tolist() == [1, 2, 3, 0]


def test_nothing_remembered_moves_nothing():
    queue = Queue(4, 2)
    push(queue, 1, 2)
    before = queue.items.clone()
    queue.advance(0.5)
    assert torch.equal(queue.items, before)
    assert queue.head == 2


def test_it_remembers_in_training_alone_and_without_gradient():
    queue = Queue(4, 2)
    queue.eval()
    push(queue, 1, 2)
    assert queue.filled == 0
    queue.train()
    queue.remember(rows(1, 2).clone().requires_grad_())
    queue.advance(0.0)
    assert not queue.items.requires_grad


def test_a_skipped_step_leaves_nothing_behind():
    queue = Queue(4, 2)
    queue.remember(rows(float("nan")))
    queue.forget()
    push(queue, 1)
    assert queue.items[:, 0].tolist() == [1, 0, 0, 0]


def test_one_of_size_zero_remembers_nothing():
    queue = Queue(0, 2)
    push(queue, 1, 2)
    assert queue.filled == 0


def test_it_is_saved_whole():
    queue, other = Queue(4, 2), Queue(4, 2)
    for batch in ((1, 2, 3), (4, 5)):
        push(queue, *batch)
    other.load_state_dict(queue.state_dict())
    push(queue, 6, 7)
    push(other, 6, 7)
    assert torch.equal(queue.items, other.items)
    assert other.items[:, 0].tolist() == [5, 6, 7, 4]
