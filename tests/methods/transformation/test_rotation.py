"""Rotation: the moves form a group, and every sample brings all of them."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from unlabeled.encoders import ConvNet
from unlabeled.errors import UsageError
from unlabeled.methods.transformation.rotation import GROUPS, Rotation, move, undo
from unlabeled.views import Batch


def rotation(group="rotations"):
    torch.manual_seed(0)
    return Rotation(ConvNet(1, 16, width=8), group=group)


@pytest.fixture
def method():
    return rotation()


def batch(b=5):
    chance = torch.Generator().manual_seed(0)
    return Batch(
        torch.randint(0, 256, (b, 1, 16, 16), generator=chance, dtype=torch.uint8), torch.arange(b)
    )


def test_row_4i_plus_r_is_image_i_turned_r_times(method):
    turned, turns = method.views(batch())
    assert turns.tolist() == [0, 1, 2, 3] * 5
    upright = turned[::4]
    for row, (image, turn) in enumerate(zip(turned, turns, strict=True)):
        assert torch.equal(image, upright[row // 4].rot90(int(turn), (1, 2)))


def test_turns_are_exact_and_form_a_group(method):
    """Turned r times and then s times is turned r + s times; no pixel is interpolated."""
    turned, _ = method.views(batch())
    for r in range(4):
        for s in range(4):
            assert torch.equal(turned[r::4].rot90(s, (2, 3)), turned[(r + s) % 4 :: 4])
    pixels = turned.flatten(1).sort(1).values
    assert all(torch.equal(pixels[r::4], pixels[::4]) for r in range(4))


@pytest.mark.parametrize("group", GROUPS)
def test_the_moves_of_a_group_are_distinct_closed_and_can_be_undone(group):
    image, moves = torch.arange(9.0).view(1, 3, 3), GROUPS[group]
    made = [move(image, name) for name in moves]
    assert torch.equal(made[0], image)
    for a, b in itertools.combinations(made, 2):
        assert not torch.equal(a, b)
    for name in moves:
        assert torch.equal(undo(move(image, name), name), image)
        for other in moves:
            twice = move(move(image, name), other)
            assert any(torch.equal(twice, once) for once in made)


def test_the_flips_are_none_left_right_up_down_and_both():
    image = torch.arange(9.0).view(1, 3, 3)
    none, across, down, both = (move(image, name) for name in GROUPS["flips"])
    assert torch.equal(none, image)
    assert torch.equal(across, image.flip(2))
    assert torch.equal(down, image.flip(1))
    assert torch.equal(both, image.flip(1, 2))


@pytest.mark.parametrize(("group", "size"), [("rotations", 4), ("flips", 4), ("dihedral", 8)])
def test_every_image_brings_all_moves_of_its_group(group, size):
    method = rotation(group)
    turned, turns = method.views(batch())
    assert turns.tolist() == list(range(size)) * 5
    for row, image in enumerate(turned):
        first = turned[row - row % size]
        assert torch.equal(image, move(first, GROUPS[group][row % size]))
    assert method.learned_nothing() == pytest.approx(math.log(size))


@pytest.mark.parametrize("group", GROUPS)
def test_no_flip_happens_by_chance_where_flips_are_asked_for(group):
    """Where chance flips an image before, nobody can tell whether it is flipped after."""
    slope = torch.linspace(0, 255, 16).byte().expand(64, 1, 16, 16)  # brighter to the right
    turned, _ = rotation(group).views(Batch(slope, torch.arange(64)))
    upright = turned[:: len(GROUPS[group])]
    flipped = upright[..., 0].mean((1, 2)) > upright[..., -1].mean((1, 2))
    assert flipped.any() == (group == "rotations")


def test_a_group_that_is_none_is_refused():
    with pytest.raises(UsageError, match="no group named `turns`"):
        rotation("turns")


@pytest.mark.parametrize("group", GROUPS)
def test_the_loss_is_the_cross_entropy_of_the_paper(group):
    """Gidaris et al. 2018, eq. 2 and 3: the mean over the moves of -log F^y(X^y)."""
    method = rotation(group).double().eval()
    turned, turns = method.views(batch())
    probability = method.head(method.encoder(turned.double())).softmax(1)
    expected = torch.stack([-p[t].log() for p, t in zip(probability, turns, strict=True)])
    torch.testing.assert_close(method.loss(turned.double(), turns), expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(
        method.energy(turned.double(), turns, samples=5), expected.view(5, -1).mean(1)
    )


@pytest.mark.parametrize("group", GROUPS)
def test_a_head_that_knows_nothing_loses_the_logarithm_of_the_group(group):
    method = rotation(group)
    torch.nn.init.zeros_(method.head.weight)
    torch.nn.init.zeros_(method.head.bias)
    loss = method(*method.views(batch()))[0].item()
    assert loss == pytest.approx(math.log(len(GROUPS[group])), abs=1e-6)


def test_the_picture_turns_images_back_by_the_guess(method):
    method.eval()
    with torch.no_grad():
        method.head.weight.zero_()
        method.head.bias.copy_(torch.tensor([0.0, 9, 0, 0]))  # always guesses one turn
        shown = method.picture(batch())
        turned, _ = method.views(batch())
    assert torch.equal(shown["turned"], turned)
    assert torch.equal(shown["turned back by the guess"], turned.rot90(-1, (2, 3)))
