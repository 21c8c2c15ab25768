"""Which samples a step sees: a function of (seed, step), whatever the number of processes."""

import numpy as np
import pytest
import torch

from unlabeled.data import Batches, batches, open_data
from unlabeled.data.batches import Known, spread
from unlabeled.errors import DataError


@pytest.fixture
def store():
    return open_data(np.arange(50, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 4), np.uint8))


def epoch(b, number):
    return torch.cat([b.samples(number * len(b) + i) for i in range(len(b))])


def test_every_pass_is_a_permutation_of_its_own(store):
    b = Batches(store, 10, seed=1)
    first, second = epoch(b, 0), epoch(b, 1)
    assert first.sort().values.tolist() == second.sort().values.tolist() == list(range(50))
    assert first.tolist() != second.tolist()
    assert epoch(Batches(store, 10, seed=2), 0).tolist() != first.tolist()


def test_samples_that_are_held_out_are_in_no_batch(store):
    apart = spread(50, 8).tolist()
    b = Batches(store, 6, seed=1, held=8)
    assert len(b) == 7
    for number in range(3):
        assert epoch(b, number).sort().values.tolist() == sorted({*range(50)} - {*apart})
    assert Batches(store, 100, held=8).size == 42


def test_a_method_that_looks_ahead_sees_neighbours_of_what_is_held_out(store):
    apart, known = spread(50, 8).tolist(), Known(store, 8)
    assert len(known) == 50
    for index in (slice(None), torch.arange(50)):
        seen = known[index][:, 0, 0, 0].tolist()
        assert set(seen) == {*range(50)} - {*apart}
        assert all(x == i for i, x in enumerate(seen) if i not in apart)
        assert all(abs(seen[i] - i) <= 8 for i in apart)


def test_a_step_is_a_function_of_itself(store):
    asked = Batches(store, 16, seed=3)
    straight = [asked.samples(t).tolist() for t in range(9)]
    for t in (7, 0, 8, 3):
        assert Batches(store, 16, seed=3).samples(t).tolist() == straight[t]
        assert asked.samples(t).tolist() == straight[t]


def test_the_rest_of_a_pass_is_dropped_and_large_batches_shrink(store):
    assert len(Batches(store, 16)) == 3
    b = Batches(store, 1000)
    assert (len(b), b.size, len(b[0])) == (1, 50, 50)


@pytest.mark.parametrize("ranks", [2, 5])
def test_shares_together_are_the_batch_of_one(store, ranks, monkeypatch):
    whole = [Batches(store, 10, seed=4).samples(t).tolist() for t in range(7)]
    for t in range(7):
        together = []
        for rank in range(ranks):
            monkeypatch.setattr(batches, "world", lambda rank=rank: (rank, ranks))
            together += Batches(store, 10, seed=4).samples(t).tolist()
        monkeypatch.undo()
        assert together == whole[t]


def test_the_same_sample_gets_the_same_dice_in_any_share(store, monkeypatch):
    whole = Batches(store, 10, seed=4)[6].dice.uniform(3)
    monkeypatch.setattr(batches, "world", lambda: (1, 2))
    assert torch.equal(Batches(store, 10, seed=4)[6].dice.uniform(3), whole[5:])


def test_rows_are_those_of_the_index(store):
    batch = Batches(store, 8, seed=5)[3]
    assert batch.data.dtype == torch.uint8
    assert batch.data[:, 0, 0, 0].tolist() == batch.index.tolist()
    tokens = open_data(np.arange(1, 21).reshape(10, 2))
    batch = Batches(tokens, 4)[0]
    assert batch.data.dtype == torch.int64
    assert (batch.data[:, 0] == batch.index * 2 + 1).all()


def test_too_few_samples_are_refused(store):
    one = open_data(np.zeros((1, 4, 4), np.uint8))
    with pytest.raises(DataError, match="at least 2"):
        Batches(one, 10)
    assert len(Batches(open_data(np.zeros((2, 4, 4), np.uint8)), 10)[0]) == 2


def test_a_batch_that_cannot_be_shared_is_refused(store, monkeypatch):
    monkeypatch.setattr(batches, "world", lambda: (0, 3))
    with pytest.raises(DataError, match="cannot be shared by 3"):
        Batches(store, 10)


def test_a_mapped_store_gives_the_same_batches(photos, monkeypatch):
    from unlabeled.data import decode

    small = Batches(open_data(photos), 4, seed=6)[1].data
    monkeypatch.setattr(decode, "SMALL", 0)
    open_data(photos)
    assert torch.equal(Batches(open_data(photos), 4, seed=6)[1].data, small)
