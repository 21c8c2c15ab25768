"""Orders of tiles: all there are, and which are far apart."""

from __future__ import annotations

import itertools

import pytest
import torch

from unlabeled.errors import UsageError
from unlabeled.views.patches import all_orders, far_orders


@pytest.mark.parametrize("n", [1, 2, 4, 5])
def test_all_orders_are_all_orders(n):
    assert sorted(map(tuple, all_orders(n).tolist())) == list(itertools.permutations(range(n)))


def distances(orders):
    away = (orders[:, None] != orders[None]).sum(2)
    return away[~torch.eye(len(orders), dtype=torch.bool)].double()


def test_two_orders_of_four_differ_on_average_at_three_places_and_a_bit():
    """(n - 1) n! / (n! - 1): a random pair shares one place on average."""
    assert distances(all_orders(4)).mean().item() == pytest.approx(3 * 24 / 23)


def test_the_nearest_of_a_hundred_orders_of_nine_differ_at_six_places():
    far, mean = far_orders(9, 100), far_orders(9, 100, published=True)
    for orders in (far, mean):
        assert (orders.sort(1).values == torch.arange(9)).all()
        assert distances(orders).mean().item() == pytest.approx(8.08, abs=0.001)
    assert distances(far).min() == 6
    assert distances(mean).min() == 2  # what the rule of the paper lets in


@pytest.mark.parametrize("published", [False, True])
def test_each_order_is_the_farthest_from_those_before_it(published):
    """The rules in plain Python, one order at a time."""
    every = all_orders(4).tolist()
    away = lambda a, b: sum(x != y for x, y in zip(a, b, strict=True))
    chosen = [every[0]]
    while len(chosen) < 24:
        left = [order for order in every if order not in chosen]
        to = lambda order: [away(order, other) for other in chosen]
        worth = lambda order: (0 if published else min(to(order)), sum(to(order)))  # noqa: B023
        chosen.append(max(left, key=worth))
    assert far_orders(4, 24, published=published).tolist() == chosen


def test_a_longer_list_of_orders_begins_with_the_shorter():
    assert torch.equal(far_orders(5, 40)[:10], far_orders(5, 10))


def test_more_orders_than_there_are_are_refused():
    with pytest.raises(UsageError, match="24 orders, not 25"):
        far_orders(4, 25)
