"""Jigsaw: tiles seen alone, codes laid in a known order, and a picture that is put right."""

from __future__ import annotations

import math

import pytest
import torch

from unlabeled.encoders import ConvNet
from unlabeled.methods.transformation.jigsaw import Jigsaw
from unlabeled.views import Batch
from unlabeled.views.patches import assemble, far_orders

SMALL = {"width": 8, "hidden": 16, "orders": 12, "puzzles": 3}


def method(channels=1, **given):
    torch.manual_seed(0)
    return Jigsaw(ConvNet(channels, 24, width=8), **SMALL | given)


def batch(b=5, channels=1, side=24):
    chance = torch.Generator().manual_seed(0)
    data = torch.randint(0, 256, (b, channels, side, side), generator=chance, dtype=torch.uint8)
    return Batch(data, torch.arange(b))


def test_the_loss_is_the_cross_entropy_of_the_shuffled_codes():
    """Sec. 3.2: the tiles' codes, concatenated in their new order, and a softmax over the orders."""
    m = method().double().eval()
    tiles, which = m.views(batch())
    tiles = tiles.double()
    expected = []
    for i, image in enumerate(tiles.unflatten(0, (5, 9))):
        codes = [m.code(m.encoder(tile[None]))[0] for tile in image]
        for k in which[3 * i : 3 * i + 3].tolist():
            laid = torch.cat([codes[tile] for tile in far_orders(9, 12)[k].tolist()])
            scores = m.head(laid[None])[0]
            expected.append(scores.exp().sum().log() - scores[k])
    torch.testing.assert_close(m.loss(tiles, which), torch.stack(expected), rtol=0, atol=1e-10)
    torch.testing.assert_close(
        m.energy(tiles, which, samples=5), torch.stack(expected).view(5, 3).mean(1)
    )


def test_shuffling_the_tiles_is_shuffling_their_codes():
    """The encoder is free of context: a tile's code does not know where the tile lies."""
    m = method().eval()
    tiles, _ = m.views(batch())
    order = m.known[5]
    moved = tiles.unflatten(0, (5, 9))[:, order].flatten(0, 1)
    identity, fifth = torch.zeros(15, dtype=torch.long), torch.full((15,), 5)
    assert m.known[0].tolist() == list(range(9))
    torch.testing.assert_close(m.scores(moved, identity), m.scores(tiles, fifth))


def test_puzzles_are_drawn_evenly_from_all_orders():
    _, which = method(orders=12, puzzles=8).views(batch(1500))
    share = which.bincount(minlength=12) / len(which)
    assert (share - 1 / 12).abs().max() < 5 * math.sqrt(1 / 12 * 11 / 12 / len(which))


def test_a_head_that_knows_nothing_loses_the_logarithm_of_the_orders():
    m = method()
    torch.nn.init.zeros_(m.head[-1].weight)
    torch.nn.init.zeros_(m.head[-1].bias)
    assert m(*m.views(batch()))[0].item() == pytest.approx(math.log(12), abs=1e-6)
    assert m.learned_nothing() == math.log(12)


def test_the_orders_are_our_own_or_chosen_as_the_paper_did():
    assert torch.equal(method().known, far_orders(9, 12))
    assert torch.equal(method(published=True).known, far_orders(9, 12, published=True))
    assert not torch.equal(method(published=True).known, method().known)


@pytest.mark.parametrize(("channels", "side"), [(1, 28), (3, 32)])
def test_small_images_make_nine_tiles_of_half_their_side(channels, side):
    torch.manual_seed(0)
    m = Jigsaw(ConvNet(channels, side), **Jigsaw.small.settings | {"orders": 24})
    tiles, which = m.views(batch(2, channels, side))
    assert tiles.shape == (18, channels, side // 2, side // 2)
    assert m.loss(tiles, which).shape == which.shape == (16,)


def test_tiles_have_one_contrast_and_some_images_no_colour():
    tiles, _ = method(3, gray=0.3).views(batch(300, 3))
    torch.testing.assert_close(tiles.mean((2, 3)), torch.full((2700, 3), 0.5), rtol=0, atol=1e-3)
    torch.testing.assert_close(
        tiles.std((2, 3), correction=0), torch.full((2700, 3), 0.25), rtol=0, atol=1e-3
    )
    gray = (tiles[:, 0] == tiles[:, 2]).all(2).all(1).view(300, 9)
    assert (gray.all(1) == gray.any(1)).all()  # an image is grey as a whole
    assert gray[:, 0].float().mean() == pytest.approx(0.3, abs=5 * math.sqrt(0.21 / 300))


def test_colours_move_apart_in_images_that_are_shown_in_colour():
    """The puzzles, and which images are grey, are those without it; what is grey stays so."""
    still, orders = method(3).views(batch(40, 3))
    moved, same = method(3, fringe=2).views(batch(40, 3))
    assert torch.equal(orders, same)
    gray = (still[:, 0] == still[:, 2]).flatten(1).all(1)
    assert 0 < gray.sum() < len(gray)
    assert torch.equal(still[gray], moved[gray])
    assert (still != moved)[~gray].flatten(1).any(1).float().mean() > 0.9
    torch.testing.assert_close(moved.mean((2, 3)), torch.full((360, 3), 0.5), rtol=0, atol=1e-3)
    assert torch.equal(method(fringe=2).views(batch())[0], method().views(batch())[0])


def solved(**layout):
    """How often the right order is the one with the smoothest seams: no network, only borders."""
    noise = torch.rand(100, 1, 38, 38, generator=torch.Generator().manual_seed(0))
    grain = torch.nn.functional.avg_pool2d(noise, 3, 1)  # pixels are alike no farther than 2 apart
    m = method(puzzles=1, **layout)
    tiles, which = m.views(Batch(grain, torch.arange(100)))
    pieces = tiles[:, 0].unflatten(0, (-1, 9)) - 0.5
    shuffled = pieces[torch.arange(100)[:, None], m.known[which]]
    fits = []
    for order in m.known:
        rows = shuffled[:, order.argsort()].unflatten(1, (3, 3))
        across = rows[:, :, :-1, :, -1] * rows[:, :, 1:, :, 0]
        down = rows[:, :-1, :, -1] * rows[:, 1:, :, 0]
        fits.append(across.sum((1, 2, 3)) + down.sum((1, 2, 3)))
    return (torch.stack(fits, 1).argmax(1) == which).float().mean().item()


def test_a_solver_that_sees_only_borders_needs_tiles_that_touch():
    assert solved(gap=0.0, jitter=0.0) > 0.95
    assert solved(gap=0.33, jitter=0.0) < 0.2  # chance is 1 in 12
    assert solved(gap=0.33, jitter=1.0) < 0.4


@pytest.mark.parametrize("puzzles", [1, 3])
def test_the_picture_is_solved_where_the_guess_is_right(puzzles):
    """Of an image's puzzles it shows the first."""
    m = method(orders=2, puzzles=puzzles).eval()
    with torch.no_grad():
        tiles, which = m.views(batch(8))
        m.head[-1].weight.zero_()
        m.head[-1].bias.copy_(torch.tensor([0.0, 9.0]))  # always says: the second order
        shown = m.picture(batch(8))
    pieces, which = tiles.unflatten(0, (8, 9)), which.view(8, puzzles)[:, 0]
    assert set(which.tolist()) == {0, 1}
    for i, k in enumerate(which.tolist()):
        laid = pieces[i, m.known[k]]
        assert torch.equal(shown["shuffled"][i], assemble(laid[None])[0])
        right = torch.equal(shown["solved"][i], assemble(pieces[i][None])[0])
        assert right == (k == 1)
