import pytest
import torch

from unlabeled.diagnose import coverage, false_negatives

TEN = torch.arange(200) % 10


def test_of_equal_clusters_one_negative_in_so_many_is_false():
    assert false_negatives(TEN, 255) == pytest.approx(25.5)
    assert false_negatives(torch.zeros(50, dtype=torch.long), 255) == pytest.approx(255)
    uneven = torch.tensor([0, 0, 0, 2])  # shares 3/4 and 1/4; nobody is of cluster 1
    assert false_negatives(uneven, 8) == pytest.approx(8 * (9 / 16 + 1 / 16))


def test_false_negatives_are_those_that_a_draw_finds():
    chance = torch.Generator().manual_seed(0)
    own = torch.tensor([0] * 500 + [1] * 300 + [2] * 200)
    drawn = own[torch.randint(1000, (4000, 17), generator=chance)]  # an anchor and 16 others
    found = (drawn[:, 1:] == drawn[:, :1]).sum(1).double().mean()
    assert false_negatives(own, 16) == pytest.approx(float(found), rel=0.02)


def test_coverage_is_the_chance_of_being_drawn_at_all():
    assert coverage(TEN, 16) == pytest.approx(1 - 0.9**16)
    assert coverage(TEN, 1) == pytest.approx(0.1)
    uneven = torch.tensor([0, 0, 0, 2])
    assert coverage(uneven, 2) == pytest.approx((1 - 1 / 16 + 1 - 9 / 16) / 2)
