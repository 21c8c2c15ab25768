"""What is pushed apart, and the verdict that was tried on it."""

import math

import pytest
import torch
from benchmarks.pushing import clustering_verdict, mutual, pushed


def test_neighbours_are_mutual_and_nobody_is_his_own():
    z = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.5, 0.5], [-1.0, 0.2]])
    expected = torch.zeros(4, 4, dtype=torch.bool)
    expected[0, 1] = expected[1, 0] = True  # 2 and 3 choose 1 and 2, who choose others
    assert torch.equal(mutual(z, 1), expected)
    assert mutual(z, 9).sum() == 12


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
def test_what_is_pushed_is_the_softmax_of_two_orthogonal_classes(temperature):
    m = 6  # of a class; each looks like the others of it, in both spaces
    own = torch.arange(2 * m) % 2
    z = torch.eye(2)[own]
    same, other = (m - 1) * math.exp(1 / temperature), m
    found = pushed(z, 3 * z, z, temperature=temperature, k=m - 1)
    assert found == pytest.approx(same / (same + other))


def test_what_is_pushed_alike_is_pushed_by_chance():
    chance = torch.Generator().manual_seed(0)
    space, flat = torch.randn(40, 8, generator=chance), torch.ones(40, 3)
    share = float(mutual(space, 5).sum()) / (40 * 39)
    assert pushed(flat, flat, space, temperature=0.2, k=5) == pytest.approx(share)


def test_anchors_that_find_their_twin_push_less():
    """Two pairs of neighbours: one at rest, as its positive has all, the other not."""
    x = torch.tensor([[1.0, 0, 0], [1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]])
    p = torch.exp(torch.tensor([10.0, 0.0]))
    rest = 3 / (p[0] + 3)  # the last two: their own view at cosine 1, three others at 0
    near, far = p[0] / (2 * p[0] + 2), 2 / (2 * p[0] + 2)
    space = torch.tensor([[1.0, 0.1], [1.0, 0.0], [0.0, 1.0], [0.1, 1.0]])
    expected = (2 * near + 2 * rest / 3) / (2 * near + 2 * far + 2 * rest)
    assert pushed(x, x, space, temperature=0.1, k=1) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize(
    ("found", "share", "level", "words", "advice"),
    [
        (0.6, 0.1, "under", "found 60% of the time", "Raise --batch-size"),
        (0.99, 0.7, "over", "70% of what pushes samples apart", "Raise --temperature"),
        (0.6, 0.7, "over", "what belongs together is split", "truncated triplet"),
        (0.97, 0.1, "balanced", "97% of the time, and 10%", ""),
    ],
)
def test_each_side_has_its_words_and_its_remedy(found, share, level, words, advice):
    said = clustering_verdict({"retrieval@1": found, "gradient on neighbours": share})
    assert said.level == level
    assert words in said.words
    assert advice in said.advice
    assert said.ok == (not said.advice) == (level == "balanced")
