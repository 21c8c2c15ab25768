"""Vision transformers whose patches can be left out or hidden."""

from __future__ import annotations

import pytest
import torch

from unlabeled.encoders import Shape, Transformer, build, default
from unlabeled.errors import UsageError


def net(name="vit", channels=3, size=16):
    torch.manual_seed(0)
    return build(name, Shape("image", channels, size)).eval()


def images(b=3, channels=3, size=16):
    return torch.rand(b, channels, size, size, generator=torch.Generator().manual_seed(0))


def test_it_is_the_default_where_patches_must_be_left_out():
    assert default(Transformer, Shape("image", 1, 28), "cpu") == "vit"
    assert default(Transformer, Shape("image", 3, 224), "cuda") == "vit_small_patch16_224"
    assert isinstance(net(), Transformer)


@pytest.mark.parametrize(
    ("size", "patch", "grid"), [(28, 4, 7), (32, 4, 8), (16, 2, 8), (30, 3, 10)]
)
def test_small_images_get_small_patches(size, patch, grid):
    encoder = net(size=size)
    assert (encoder.patch, encoder.grid) == (patch, grid)
    x = images(2, size=size)
    assert encoder.tokens(x).shape == (2, grid**2, encoder.dim)
    assert encoder.cut(x).shape == (2, grid**2, 3 * patch**2)


@pytest.mark.parametrize(
    ("name", "size", "wanted"),
    [("vit", 31, 32), ("vit", 37, 40), ("vit", 100, 112), ("vit_tiny_patch16_224", 31, 32),
     ("vit_small_patch32_224", 100, 128)],
)  # fmt: skip
def test_a_size_that_no_patches_divide_is_refused_with_the_next_that_they_do(name, size, wanted):
    with pytest.raises(UsageError, match="cannot take images") as error:
        net(name, size=size)
    assert error.value.hint == f"--size {wanted}"
    assert net(name, size=wanted).grid * net(name, size=wanted).patch == wanted


@pytest.mark.parametrize("name", ["vit", "vit_tiny_patch16_224"])
def test_all_of_the_patches_make_the_output(name):
    encoder, x = net(name), images()
    with torch.no_grad():
        codes, out = encoder.tokens(x), encoder(x)
        torch.testing.assert_close(encoder.features(x)["out"], out)
        if name == "vit":  # the others keep a token of their own for it
            torch.testing.assert_close(codes.mean(1), out)
        everything = torch.arange(64).expand(3, -1)
        torch.testing.assert_close(encoder.tokens(x, everything), codes)


@pytest.mark.parametrize("name", ["vit", "vit_tiny_patch16_224"])
def test_what_is_left_out_is_not_seen_and_what_is_kept_keeps_its_place(name):
    encoder, x = net(name), images()
    keep = torch.stack([torch.randperm(64)[:9] for _ in range(3)])
    gone = torch.ones(3, 64, dtype=torch.bool).scatter(1, keep, False)[..., None]
    other = encoder.paste(torch.where(gone, torch.rand(3, 64, 12), encoder.cut(x)))
    with torch.no_grad():
        codes = encoder.tokens(x, keep)
        torch.testing.assert_close(encoder.tokens(other, keep), codes)
        order = torch.randperm(9)
        torch.testing.assert_close(encoder.tokens(x, keep[:, order]), codes[:, order])
        moved = encoder.tokens(x, (keep + 1) % 64)
    assert codes.shape == (3, 9, encoder.dim)
    assert not torch.allclose(codes, moved, atol=1e-3)


def test_of_what_is_hidden_the_place_is_known_and_nothing_else():
    encoder, x = net(), images()
    hidden = torch.rand(3, 64) < 0.6
    instead = torch.randn(encoder.dim)
    other = encoder.paste(torch.where(hidden[..., None], torch.rand(3, 64, 12), encoder.cut(x)))
    with torch.no_grad():
        codes = encoder.tokens(x, hidden=hidden, instead=instead)
        torch.testing.assert_close(encoder.tokens(other, hidden=hidden, instead=instead), codes)
        assert not torch.allclose(codes, encoder.tokens(x, hidden=hidden, instead=-instead))
    assert codes.shape == (3, 64, encoder.dim)


def test_patches_are_cut_row_by_row_and_pasted_back():
    encoder, x = net(), images()
    patches = encoder.cut(x)
    assert patches.shape == (3, 64, 12)
    torch.testing.assert_close(patches[0, 9].view(3, 2, 2), x[0, :, 2:4, 2:4])
    assert torch.equal(encoder.paste(patches), x)
