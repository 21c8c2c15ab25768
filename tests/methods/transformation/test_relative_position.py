"""Relative position: what is asked, what is answered, and what must not help."""

from __future__ import annotations

import math

import pytest
import torch

from unlabeled.encoders import ConvNet
from unlabeled.methods.transformation.relative_position import RelativePosition
from unlabeled.views import Batch

WAYS = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]  # 1 2 3 / 4 . 5 / ...


def method(channels=1, **given):
    torch.manual_seed(0)
    return RelativePosition(ConvNet(channels, 24, width=8), hidden=16, **given)


def batch(b=5, channels=1, side=24):
    chance = torch.Generator().manual_seed(0)
    data = torch.randint(0, 256, (b, channels, side, side), generator=chance, dtype=torch.uint8)
    return Batch(data, torch.arange(b))


def test_an_answer_is_the_way_from_the_first_patch_to_the_second():
    """In the order of Doersch et al. 2015, figure 2, row by row around the middle."""
    first, second = method().pairs.tolist()
    for a, b, way in zip(first, second, method().ways.tolist(), strict=True):
        assert (b // 3 - a // 3, b % 3 - a % 3) == WAYS[way]


def test_every_neighbour_is_asked_for_both_ways_round_and_opposite_ways_sum_to_seven():
    m = method()
    asked = list(zip(*m.pairs.tolist(), strict=True))
    assert len(set(asked)) == 16
    answers = dict(zip(asked, m.ways.tolist(), strict=True))
    assert all(answers[a, b] + answers[b, a] == 7 for a, b in asked)
    assert m.ways.bincount().tolist() == [2] * 8  # no way is likelier than another


def test_the_loss_is_the_cross_entropy_of_the_pairs():
    """Sec. 3: two encoders that share their weights, fused late, and a softmax over eight ways."""
    m = method().double().eval()
    (patches,) = m.views(batch())
    patches = patches.double()
    linear, norm, _, last = m.head
    expected = []
    for image in patches.unflatten(0, (5, 9)):
        for a, b, way in zip(*m.pairs.tolist(), m.ways.tolist(), strict=True):
            pair = torch.cat([m.encoder(image[a : a + 1]), m.encoder(image[b : b + 1])], 1)
            fused = linear.weight @ pair[0] + linear.bias
            hidden = (fused - norm.running_mean) / (norm.running_var + norm.eps).sqrt()
            scores = last.weight @ hidden.clamp(min=0) + last.bias
            expected.append(scores.exp().sum().log() - scores[way])
    torch.testing.assert_close(m.loss(patches), torch.stack(expected), rtol=0, atol=1e-10)
    energies = torch.stack(expected).view(5, 16).mean(1)
    torch.testing.assert_close(m.energy(patches, samples=5), energies)


def test_the_heads_batch_norm_has_neither_scale_nor_shift():
    assert [p.shape[0] for p in method().head.parameters()] == [16, 16, 8, 8]


def test_a_head_that_knows_nothing_loses_ln_8():
    m = method()
    torch.nn.init.zeros_(m.head[-1].weight)
    torch.nn.init.zeros_(m.head[-1].bias)
    assert m(*m.views(batch()))[0].item() == pytest.approx(math.log(8), abs=1e-6)
    assert m.learned_nothing() == math.log(8)


@pytest.mark.parametrize(("channels", "side"), [(1, 28), (3, 32)])
def test_small_images_make_nine_patches_of_half_their_side(channels, side):
    torch.manual_seed(0)
    m = RelativePosition(ConvNet(channels, side))
    (patches,) = m.views(batch(2, channels, side))
    assert patches.shape == (18, channels, side // 2, side // 2)
    assert m.loss(patches).shape == (32,)


def test_patches_have_one_contrast_and_a_single_colour():
    (patches,) = method(3, drop=1.0).views(batch(64, 3))
    torch.testing.assert_close(patches.mean((2, 3)), torch.full((576, 3), 0.5), rtol=0, atol=1e-3)
    loud = patches.std((2, 3), correction=0) > 0.2
    assert (loud.sum(1) == 1).all()
    assert loud.any(0).all()


def test_a_coarse_patch_has_lost_its_grain_and_kept_its_contrast():
    """Noise of one pixel: neighbours have nothing in common until a patch is shrunk."""
    alike = []
    for share in (0.0, 1 / 3):
        patches = method(gap=0.0, coarse=share).views(batch(100, 1, 36))[0] - 0.5
        assert patches.std((2, 3), correction=0).median().item() == pytest.approx(0.25, abs=1e-3)
        assert patches.std((2, 3), correction=0).min() > 0.1
        beside = (patches[..., 1:] * patches[..., :-1]).mean((1, 2, 3)) / 0.25**2
        alike.append((beside > 0.35).float().mean().item())
    assert alike[0] == 0
    assert 0.15 < alike[1] < 1 / 3  # some are shrunk by little


def solved(**layout):
    """How often the right neighbour fits best at the right: no network, only borders."""
    noise = torch.rand(200, 1, 74, 74, generator=torch.Generator().manual_seed(0))
    grain = torch.nn.functional.avg_pool2d(noise, 3, 1)  # pixels are alike no farther than 2 apart
    m = RelativePosition(ConvNet(1, 48, width=4), **layout)
    patches = m.views(Batch(grain, torch.arange(200)))[0].unflatten(0, (-1, 9))[:, :, 0] - 0.5
    middle, right = patches[:, 4], patches[:, 5]
    above = (middle[:, 0] * right[:, -1]).sum(1)
    below = (middle[:, -1] * right[:, 0]).sum(1)
    before = (middle[:, :, 0] * right[:, :, -1]).sum(1)
    behind = (middle[:, :, -1] * right[:, :, 0]).sum(1)
    return (torch.stack([above, below, before, behind]).argmax(0) == 3).float().mean().item()


def test_a_detector_of_running_edges_needs_patches_that_touch():
    assert solved(gap=0.0, jitter=0.0) > 0.8
    assert solved(gap=0.33, jitter=0.0) < 0.4  # chance is 1 in 4
    assert solved(gap=0.33, jitter=1.0) < 0.5


def test_the_picture_puts_the_second_patch_where_the_guess_says():
    m = method().eval()
    with torch.no_grad():
        for layer in (m.head[0], m.head[-1]):
            layer.weight.zero_()
            layer.bias.zero_()
        m.head[-1].bias[3] = 9.0  # always says: to the left
        shown = m.picture(batch())
        patches = m.views(batch())[0].unflatten(0, (5, 9))
    true, told = shown["two patches"], shown["where it puts the second"]
    assert true.shape == told.shape == (5, 1, 36, 36)
    for i, neighbour in enumerate((0, 1, 2, 3, 5)):
        row, column = divmod(neighbour, 3)
        piece = (slice(12 * row, 12 * row + 12), slice(12 * column, 12 * column + 12))
        assert torch.equal(true[i, :, *piece], patches[i, neighbour])
        assert torch.equal(told[i, :, 12:24, :12], patches[i, neighbour])
        assert torch.equal(told[i, :, 12:24, 12:24], patches[i, 4])
        assert (told[i, :, :12] == 0.5).all()
