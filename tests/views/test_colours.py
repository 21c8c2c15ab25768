"""Colours: CIE Lab by its formulas, and bins, codes and weights by the paper's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unlabeled.views import colours

KNOWN = {  # sRGB to CIE Lab under D65, to two digits, as in any table
    (1, 1, 1): (100, 0, 0),
    (0, 0, 0): (0, 0, 0),
    (1, 0, 0): (53.24, 80.09, 67.20),
    (0, 1, 0): (87.73, -86.18, 83.18),
    (0, 0, 1): (32.30, 79.19, -107.86),
    (1, 1, 0): (97.14, -21.55, 94.48),
}


def rgb(n=500, seed=0):
    chance = torch.Generator().manual_seed(seed)
    return torch.rand(n, 3, 1, 1, generator=chance, dtype=torch.float64)


def lab_of(r, g, b):
    """CIE 15 and IEC 61966-2-1, one colour at a time."""
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (r, g, b)]
    matrix = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    f = []
    for t in matrix @ linear / (matrix @ [1, 1, 1]):
        f.append(t ** (1 / 3) if t > (6 / 29) ** 3 else t * (29 / 6) ** 2 / 3 + 4 / 29)
    return 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])


def test_lab_is_the_formulas():
    x = torch.cat([rgb(), rgb(50, 1) * 0.05])  # dark ones too, where the curves are lines
    expected = torch.tensor([lab_of(*colour.flatten().tolist()) for colour in x]).double()
    torch.testing.assert_close(colours.to_lab(x)[..., 0, 0], expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("colour", "expected"), KNOWN.items())
def test_lab_of_known_colours(colour, expected):
    lab = colours.to_lab(torch.tensor(colour, dtype=torch.float64).view(1, 3, 1, 1)).flatten()
    assert lab.tolist() == pytest.approx(expected, abs=0.02)


def test_there_and_back_is_the_same_colour():
    x = torch.cat([rgb(), rgb(50, 1) * 0.05, torch.zeros(1, 3, 1, 1), torch.ones(1, 3, 1, 1)])
    torch.testing.assert_close(colours.to_rgb(colours.to_lab(x)), x, rtol=0, atol=1e-5)
    torch.testing.assert_close(
        colours.to_rgb(colours.to_lab(x.float())), x.float(), rtol=0, atol=1e-3
    )


def test_a_colour_that_a_screen_lacks_is_clipped():
    x = colours.to_rgb(torch.tensor([50.0, 120.0, -120.0]).view(1, 3, 1, 1))
    assert x.min() >= 0
    assert x.max() <= 1


def test_grey_is_as_light_and_has_no_colour():
    lab = colours.to_lab(rgb())
    again = colours.to_lab(colours.grey(lab))
    torch.testing.assert_close(again[:, 0], lab[:, 0], rtol=0, atol=1e-4)
    assert again[:, 1:].abs().max() < 1e-3


def test_parts_of_an_image_keep_their_places():
    image = torch.rand(3, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    parts = colours.coarse(image, 4)
    expected = image.unflatten(2, (4, 2)).unflatten(4, (4, 2)).mean((3, 5))  # (3, 2, 4, 4)
    torch.testing.assert_close(parts, expected.permute(0, 2, 3, 1).reshape(48, 2))
    torch.testing.assert_close(colours.spread(parts, expected), expected)
    assert colours.spread(parts, image).shape == image.shape


# ---- colours as answers -------------------------------------------------------------------


def test_bins_are_the_cells_of_a_grid_that_some_colour_is_in():
    bins = colours.bins()
    assert bins.shape == (261, 2)
    assert torch.equal(bins % 10, torch.zeros_like(bins))
    known = {tuple(b) for b in bins.tolist()}
    assert (0.0, 0.0) in known
    cells = (colours.to_lab(rgb(20_000))[:, 1:, 0, 0] / 10).round() * 10  # inside, not the surface
    assert {tuple(c) for c in (cells + 0.0).tolist()} <= known


def test_a_soft_code_is_a_gaussian_over_the_five_nearest_bins():
    ab = colours.to_lab(rgb(2000))[:, 1:, 0, 0]
    ab = torch.cat([ab, colours.to_lab(rgb(500, 1).round())[:, 1:, 0, 0]])  # corners of the gamut
    code, bins = colours.soft_code(ab).numpy(), colours.bins().double().numpy()
    for row, colour in zip(code, ab.numpy(), strict=True):
        squared = ((bins - colour) ** 2).sum(1)
        near = np.argsort(squared)[:5]
        share = np.exp(-squared[near] / 50)
        assert row[near] == pytest.approx(share / share.sum(), abs=1e-7)
        assert row.sum() == pytest.approx(1, abs=1e-9)
        assert (row > 0).sum() <= 5


def test_the_share_of_a_neighbour_ten_units_away():
    """On a bin's centre, itself against one neighbour: 1 against exp(-2)."""
    code = colours.soft_code(torch.zeros(1, 2, dtype=torch.float64))[0]
    centre, neighbour = code.sort(descending=True).values[:2].tolist()
    assert centre / (centre + neighbour) == pytest.approx(0.8808, abs=1e-4)
    assert (code > 0).sum() == 5


def test_the_annealed_mean_lies_between_mode_and_mean():
    scores = torch.randn(20, 261, generator=torch.Generator().manual_seed(0)).double() * 3
    p, bins = scores.softmax(1), colours.bins().double()
    torch.testing.assert_close(colours.annealed_mean(scores, 1.0), p @ bins)
    torch.testing.assert_close(colours.annealed_mean(scores, 1e-3), bins[p.argmax(1)])
    sharp = p ** (1 / 0.38)
    torch.testing.assert_close(
        colours.annealed_mean(scores), sharp / sharp.sum(1, keepdim=True) @ bins
    )


def test_rare_colours_count_more_and_the_mean_is_one():
    bins = colours.bins().double().numpy()
    share = np.random.default_rng(0).dirichlet(np.full(261, 0.1))
    near = np.exp(-((bins[:, None] - bins[None]) ** 2).sum(2) / 50)
    smooth = sum(share[q] * near[:, q] / near[:, q].sum() for q in range(261))
    for mix in (0.1, 0.5):
        weight = 1 / ((1 - mix) * smooth + mix / 261)
        weight /= (smooth * weight).sum()
        got = colours.rebalanced(torch.from_numpy(share), mix)
        np.testing.assert_allclose(got, weight, rtol=1e-6)
        assert got[smooth.argmax()] == got.min() < 1 < got.max() == got[smooth.argmin()]
    torch.testing.assert_close(
        colours.rebalanced(torch.from_numpy(share), 1.0), torch.ones(261).double()
    )


def test_shares_count_the_parts_of_images_that_have_any_colour():
    red = torch.tensor([255, 0, 0], dtype=torch.uint8).view(1, 3, 1, 1).expand(3, 3, 8, 8)
    grey = torch.full((1, 3, 8, 8), 90, dtype=torch.uint8)
    half = torch.cat([red[:1, :, :, :4], grey[:, :, :, 4:]], 3)
    shares = colours.shares(torch.cat([red, grey, half]), 4)
    assert shares.sum().item() == pytest.approx(4 * 16)
    one = colours.soft_code(torch.tensor([KNOWN[1, 0, 0][1:]]))[0]
    none = colours.soft_code(torch.zeros(1, 2))[0]
    torch.testing.assert_close(shares, 56 * one + 8 * none, rtol=0, atol=0.1)
