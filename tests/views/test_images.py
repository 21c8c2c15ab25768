"""Views of images: what is drawn follows its law, and what is made equals a reference."""

from __future__ import annotations

import colorsys
import math

import pytest
import torch
import torch.nn.functional as F
from torchvision.transforms.v2 import functional as tv

from unlabeled.views import Batch, Dice, Look, augment, draw, images, render
from unlabeled.views.images import Drawn, blur, colour, cut, luma, solarize, turn_hue

N = 40_000
STILL = Look(crop=(1.0, 1.0), ratio=1.0, flip=0.0, jitter=0.0, gray=0.0)


def drawn(look=Look(), n=N):  # noqa: B008
    return draw(Dice(0, 0, torch.arange(n)), look)


def pictures(b=5, c=3, h=24, w=24, seed=0):
    return torch.rand(b, c, h, w, generator=torch.Generator().manual_seed(seed))


def numbers(b=1, **given):
    """One view as it is, but for what is given."""
    one, no = torch.ones(b), torch.zeros(b, dtype=torch.bool)
    plain = {
        "x": one / 2, "y": one / 2, "width": one, "height": one, "flip": no, "brightness": one, "contrast": one,
        "saturation": one, "hue": one * 0, "gray": no, "solarize": no, "sigma": one * 0,
    }  # fmt: skip
    return Drawn(**plain | {k: torch.as_tensor(v).expand(b) for k, v in given.items()})


def uniform(x, low, high):
    """Whether numbers are uniform in [low, high]: Kolmogorov's distance within 1e-4 of certainty."""
    place = ((x.sort().values - low) / (high - low)).double()
    distance = (place - (torch.arange(len(x)) + 0.5) / len(x)).abs().max().item()
    return x.min() >= low and x.max() <= high and distance < 2.2 / math.sqrt(len(x))


# ---- what is drawn ------------------------------------------------------------------------


def test_a_strong_look_is_simclrs_distortion():
    """Appendix A: ColorJitter(0.8 s, 0.8 s, 0.8 s, 0.2 s) with 0.8, grey with 0.2, blur with 0.5."""
    look = Look.strong((0.08, 1), 0.5)
    assert look == Look(
        crop=(0.08, 1), flip=0.5, jitter=0.8, brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1,
        gray=0.2, blur=0.5, solarize=0.0,
    )  # fmt: skip


def test_the_crops_area_is_uniform_and_its_aspect_log_uniform():
    d = drawn(Look(crop=(0.1, 0.5), ratio=4 / 3))  # at most half: no side reaches its bound
    assert uniform(d.width * d.height, 0.1 - 1e-6, 0.5 + 1e-6)
    bound = math.log(4 / 3) + 1e-5
    assert uniform((d.width / d.height).log(), -bound, bound)


def test_a_crop_lies_within_its_image_wherever_it_fits():
    d = drawn(Look(crop=(0.08, 1.0)))
    for middle, side in ((d.x, d.width), (d.y, d.height)):
        assert (middle - side / 2).min() > -1e-6
        assert (middle + side / 2).max() < 1 + 1e-6
        room = side < 0.99
        assert uniform(((middle - side / 2) / (1 - side))[room], -1e-3, 1 + 1e-3)


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_flip_gray_solarize_and_blur_come_as_often_as_they_say(share):
    d = drawn(Look(flip=share, gray=share, solarize=share, blur=share))
    for happened in (d.flip, d.gray, d.solarize, d.sigma > 0):
        seen = happened.double().mean().item()
        assert abs(seen - share) <= 4 * math.sqrt(share * (1 - share) / N)


def test_one_does_not_bring_another():
    d = drawn(Look(flip=0.5, gray=0.5, solarize=0.5, blur=0.5, jitter=0.5))
    happened = torch.stack([d.flip, d.gray, d.solarize, d.sigma > 0, d.hue != 0]).double()
    correlation = torch.corrcoef(happened) - torch.eye(5)
    assert correlation.abs().max() < 4.5 / math.sqrt(N)


def test_jitter_draws_uniform_factors_all_or_none():
    d = drawn(Look(jitter=0.8, brightness=0.4, contrast=0.3, saturation=0.2, hue=0.1))
    did = d.hue != 0
    assert abs(did.double().mean().item() - 0.8) < 4 * math.sqrt(0.16 / N)
    for factor, strength in ((d.brightness, 0.4), (d.contrast, 0.3), (d.saturation, 0.2)):
        assert uniform(factor[did], 1 - strength - 1e-6, 1 + strength + 1e-6)
        assert (factor[~did] == 1).all()
    assert uniform(d.hue[did], -0.1, 0.1)


def test_the_blurs_width_is_uniform_from_a_tenth_to_two_pixels():
    sigma = drawn(Look(blur=1.0)).sigma
    assert uniform(sigma, 0.1, 2.0)


# ---- crop, resize and flip ----------------------------------------------------------------


def reference(image, x, y, width, height, size, flip):
    """A triangle filter over the pixels around the middle of every output pixel, in plain loops."""
    c, h, w = image.shape

    def weights(middle, side, n, i, mirror):
        i = size - 1 - i if mirror else i
        at = min(max((middle + side * ((i + 0.5) / size - 0.5)) * n - 0.5, 0), n - 1)
        reach = max(1.0, side * n / size)
        near = [max(0.0, 1 - abs(j - at) / reach) for j in range(n)]
        return torch.tensor([v / sum(near) for v in near])

    out = torch.zeros(c, size, size)
    for i in range(size):
        rows = weights(y, height, h, i, mirror=False)
        for j in range(size):
            columns = weights(x, width, w, j, flip)
            out[:, i, j] = (image * rows[:, None] * columns).sum((1, 2))
    return out


@pytest.mark.parametrize("size", [6, 9, 20])
def test_cut_equals_plain_loops(size):
    d = drawn(Look(crop=(0.1, 1.0), ratio=2.0), n=6)
    x = pictures(6, h=12, w=9)
    numbers = zip(x, d.x, d.y, d.width, d.height, d.flip, strict=True)
    expected = [reference(i, *(v.item() for v in at), size, f) for i, *at, f in numbers]
    torch.testing.assert_close(cut(x, d, size), torch.stack(expected), rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [8, 16, 24, 50])
def test_the_whole_image_is_resized_as_torch_does(size):
    x = pictures()
    expected = F.interpolate(x, (size, size), mode="bilinear", antialias=True, align_corners=False)
    torch.testing.assert_close(cut(x, numbers(5), size), expected, rtol=0, atol=1e-5)


def test_an_enlarged_crop_is_torchvisions_resized_crop_away_from_its_edges():
    """At its edges ours sees the pixels beside the crop, as a camera would; theirs sees none."""
    x = pictures(1, h=32, w=32)
    ours = cut(x, numbers(x=12 / 32, y=16 / 32, width=8 / 32, height=16 / 32), 64)
    theirs = tv.resized_crop(x, top=8, left=8, height=16, width=8, size=[64, 64], antialias=True)
    torch.testing.assert_close(ours[..., 4:-4, 8:-8], theirs[..., 4:-4, 8:-8], rtol=0, atol=1e-5)


def test_a_flip_mirrors_columns():
    x = pictures()
    torch.testing.assert_close(cut(x, numbers(5, flip=True), 24), x.flip(3), rtol=0, atol=1e-5)


def test_an_untouched_image_comes_back_as_it_was():
    x = (pictures() * 255).byte()
    batch = Batch(x, torch.arange(5))
    torch.testing.assert_close(augment(batch, 24, STILL), x.float() / 255, rtol=0, atol=1e-6)


# ---- colour -------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [0.0, 0.6, 1.0, 1.7])
@pytest.mark.parametrize("what", ["brightness", "contrast", "saturation"])
def test_each_factor_is_torchvisions(what, factor):
    x = pictures()
    ours = colour(x, numbers(5, **{what: factor}))
    theirs = getattr(tv, f"adjust_{what}")(x, factor)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=2e-4)  # theirs rounds the luma weights


def test_all_of_them_come_in_their_order():
    x = pictures()
    given = {"brightness": 1.3, "contrast": 0.7, "saturation": 1.4, "hue": 0.2}
    expected = x
    for what, value in given.items():
        expected = getattr(tv, f"adjust_{what}")(expected, value)
    torch.testing.assert_close(colour(x, numbers(5, **given)), expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("turns", [-0.5, -0.1, 0.0, 0.03, 0.5])
def test_hue_is_colorsyss(turns):
    corners = torch.cartesian_prod(*[torch.tensor([0.0, 0.25, 1.0])] * 3)
    colours = torch.cat([corners, torch.rand(200, 3, generator=torch.Generator().manual_seed(0))])
    ours = turn_hue(colours.T.reshape(1, 3, 1, -1), torch.tensor([turns]))[0, :, 0].T
    for before, after in zip(colours.tolist(), ours, strict=True):
        h, s, v = colorsys.rgb_to_hsv(*before)
        expected = torch.tensor(colorsys.hsv_to_rgb((h + turns) % 1, s, v))
        torch.testing.assert_close(after, expected, rtol=0, atol=1e-5)


def test_every_image_gets_its_own_turn():
    x, turns = pictures(3), torch.tensor([0.1, 0.0, -0.3])
    together = turn_hue(x, turns)
    for i in range(3):
        torch.testing.assert_close(together[i : i + 1], turn_hue(x[i : i + 1], turns[i : i + 1]))
    torch.testing.assert_close(together[1], x[1], rtol=0, atol=1e-6)


def test_gray_is_the_luma_of_television():
    x = pictures()
    expected = 0.299 * x[:, :1] + 0.587 * x[:, 1:2] + 0.114 * x[:, 2:]
    torch.testing.assert_close(luma(x), expected)
    torch.testing.assert_close(colour(x, numbers(5, gray=True)), expected.expand_as(x))
    torch.testing.assert_close(luma(x), tv.rgb_to_grayscale(x), rtol=0, atol=2e-4)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_the_brightness_of_what_is_no_colour_is_its_mean(channels):
    x = pictures(3).mean(1, keepdim=True) * torch.linspace(0.5, 1, channels).view(1, -1, 1, 1)
    torch.testing.assert_close(luma(x), x.sum(1, keepdim=True) / channels)
    assert colour(x, numbers(3, contrast=0.0)).std((2, 3)).max() < 1e-6


def test_solarize_is_torchvisions():
    x, some = pictures(), torch.tensor([True, False, True, True, False])
    expected = torch.where(some.view(-1, 1, 1, 1), tv.solarize(x, 0.5), x)
    torch.testing.assert_close(solarize(x, some), expected)


def test_a_grey_image_knows_brightness_and_contrast_alone():
    x = pictures(c=1)
    torch.testing.assert_close(colour(x, numbers(5, saturation=0.2, hue=0.4, gray=True)), x)
    torch.testing.assert_close(colour(x, numbers(5, brightness=0.5)), x * 0.5)
    mean = x.mean((1, 2, 3), keepdim=True)
    torch.testing.assert_close(colour(x, numbers(5, contrast=0.5)), (x + mean) / 2)


# ---- blur ---------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.1, 0.7, 2.0])
@pytest.mark.parametrize("side", [24, 64])
def test_blur_is_torchvisions(sigma, side):
    x = pictures(2, h=side, w=side)
    kernel = 2 * (side // 20) + 1  # a tenth of the image
    theirs = tv.gaussian_blur(x, [kernel, kernel], [sigma, sigma])
    torch.testing.assert_close(blur(x, torch.full((2,), sigma)), theirs, rtol=0, atol=1e-5)


def test_every_image_has_its_own_sigma_and_zero_leaves_it_alone():
    x, sigma = pictures(3), torch.tensor([0.0, 0.5, 2.0])
    together = blur(x, sigma)
    torch.testing.assert_close(together[0], x[0], rtol=0, atol=1e-6)
    for i in range(3):
        torch.testing.assert_close(together[i : i + 1], blur(x[i : i + 1], sigma[i : i + 1]))


def test_a_blur_is_in_proportion_to_the_view():
    """A sigma is told for 224 pixels: at 112 it is half as wide."""
    x = pictures(2, h=112, w=112)
    ours = render(x, numbers(2, sigma=2.0), 112)
    torch.testing.assert_close(ours, blur(x, torch.ones(2)), rtol=0, atol=1e-4)


@pytest.mark.parametrize("fused", [True, False])
def test_a_view_is_blurred_and_then_solarized(fused, monkeypatch):
    """The other way round, the blur would wash out the inverted parts."""
    if not fused:
        monkeypatch.setattr(images, "_kernel_for", lambda x: None)
    x = pictures(2, h=112, w=112)
    ours = render(x, numbers(2, sigma=2.0, solarize=True), 112)
    theirs = tv.solarize(tv.gaussian_blur(x, [11, 11], [1.0, 1.0]), 0.5)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)


# ---- whole views --------------------------------------------------------------------------
