"""Every encoder keeps the contract: vectors of `dim`, named layers, and a word about its choices."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from unlabeled.encoders import Encoder, Patches, Sequence, Series, Shape, Words, build, default
from unlabeled.errors import UsageError

IMAGE, SERIES, TEXT = Shape("image", 3, 32), Shape("series", 2, 48), Shape("text", 1, 12, 30)
KNOWN = [
    ("convnet", IMAGE),
    ("convnet", Shape("image", 1, 28)),
    ("convnet", Shape("image", 3, 96)),
    ("patches", IMAGE),
    ("patches", Shape("image", 1, 28)),
    ("series", SERIES),
    ("series", Shape("series", 1, 9)),
    ("words", TEXT),
    ("halves", IMAGE),
    ("halves", Shape("image", 1, 28)),
    ("vit", IMAGE),
    ("vit", Shape("image", 1, 28)),
    ("resnet18", IMAGE),
    ("resnet18", Shape("image", 1, 96)),
    ("vit_tiny_patch16_224", IMAGE),
    ("vit_tiny_patch16_224", Shape("image", 3, 96)),
    ("convnext_atto", IMAGE),
    ("mobilenetv3_small_050", IMAGE),
]


def samples(shape, n=3):
    chance = torch.Generator().manual_seed(0)
    if shape.modality == "text":
        return torch.randint(1, shape.vocabulary, (n, shape.size), generator=chance)
    sides = (shape.size,) * (2 if shape.modality == "image" else 1)
    return torch.rand(n, shape.channels, *sides, generator=chance)


@pytest.mark.parametrize(("name", "shape"), KNOWN, ids=lambda x: str(x))
def test_the_contract(name, shape):
    torch.manual_seed(0)
    encoder, x = build(name, shape).eval(), samples(shape)
    assert (encoder.modality, encoder.channels, encoder.size) == (
        shape.modality,
        shape.channels,
        shape.size,
    )
    with torch.no_grad():
        out, layers = encoder(x), encoder.features(x)
    assert out.shape == (3, encoder.dim)
    assert tuple(layers) == encoder.layers
    assert encoder.layers[-1] == "out"
    torch.testing.assert_close(layers["out"], out)
    assert all(len(layer) == 3 and layer.ndim in (2, 3, 4) for layer in layers.values())
    assert not torch.allclose(out[0], out[1], atol=1e-7)  # it sees its input
    for one, row in zip(x, out, strict=True):  # and, once trained, one sample at a time
        torch.testing.assert_close(encoder(one[None])[0], row, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("name", "shape"), KNOWN, ids=lambda x: str(x))
def test_gradient_reaches_all_of_it(name, shape):
    encoder = build(name, shape).train()
    encoder(samples(shape)).square().sum().backward()
    assert all(p.grad is not None for p in encoder.parameters() if p.requires_grad)


@pytest.mark.parametrize("name", ["convnet", "resnet18", "vit_tiny_patch16_224"])
def test_smaller_crops_pass_where_images_do(name):
    """SwAV's small crops have half the side."""
    encoder = build(name, IMAGE).eval()
    assert encoder(torch.rand(2, 3, 16, 16)).shape == (2, encoder.dim)


# ---- what is said and what is refused -----------------------------------------------------


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        ("resnet18", 32, "3x3 stem without max-pool for a 32-pixel image"),
        ("vit_tiny_patch16_224", 32, "patches of 4 pixels for a 32-pixel image"),
        ("convnext_atto", 64, "convnext_atto keeps a stem for images larger than 64 pixels"),
    ],
)
def test_a_stem_for_small_images_is_said_aloud(name, size, words):
    assert build(name, Shape("image", 3, size)).notes == (words,)


def test_a_small_stem_keeps_every_pixel_and_a_large_image_has_timms_own():
    small, large = build("resnet18", IMAGE), build("resnet18", Shape("image", 3, 96))
    assert small.features(samples(IMAGE))["layer1"].shape[-2:] == (32, 32)
    assert large.features(torch.rand(2, 3, 96, 96))["layer1"].shape[-2:] == (24, 24)
    assert large.notes == ()


@pytest.mark.parametrize(
    ("name", "near"), [("convnt", "convnet"), ("resnet81", "resnet18"), ("pathces", "patches")]
)
def test_an_unknown_name_gets_the_nearest(name, near):
    with pytest.raises(UsageError, match=f"no encoder named `{name}`") as error:
        build(name, IMAGE)
    assert error.value.hint == f"did you mean `{near}`?"


@pytest.mark.parametrize(
    ("name", "shape"),
    [("words", IMAGE), ("resnet18", SERIES), ("patches", TEXT), ("series", IMAGE)],
)
def test_the_wrong_kind_of_data_is_refused(name, shape):
    with pytest.raises(UsageError, match=f"the data is {shape.modality}") as error:
        build(name, shape)
    assert "--backbone" in error.value.hint


def test_a_size_that_a_model_cannot_take_is_refused():
    with pytest.raises(UsageError, match="cannot take images of 3 channels and 32 pixels"):
        build("crossvit_tiny_240", IMAGE)


@pytest.mark.parametrize(
    ("needs", "shape", "device", "name"),
    [
        (Encoder, IMAGE, "cpu", "convnet"),
        (Encoder, IMAGE, "cuda", "resnet18"),
        (Sequence, IMAGE, "cuda", "patches"),
        (Sequence, SERIES, "cpu", "series"),
        (Words, TEXT, "cpu", "words"),
    ],
)
def test_the_default_follows_from_need_data_and_device(needs, shape, device, name):
    assert default(needs, shape, device) == name
    assert isinstance(build(name, shape), needs)


# ---- parts in order -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "steps", "patch"), [(28, 6, 8), (32, 7, 8), (64, 7, 16), (256, 7, 64)]
)
def test_patches_form_the_papers_grid(size, steps, patch):
    """van den Oord et al. 2018: (256 - 64) / 32 + 1 = 7 patches of 64 pixels that overlap by half."""
    encoder = Patches(3, size, dim=32)
    assert (encoder.patch, encoder.stride) == (patch, patch // 2)
    assert encoder.codes(torch.rand(2, 3, size, size)).shape == (2, steps, steps, 32)


def test_a_patchs_code_sees_its_patch_alone():
    encoder = Patches(1, 32, dim=32).train()
    x = torch.rand(2, 1, 32, 32)
    with torch.no_grad():
        before = encoder.codes(x)
        x[0, :, :4, :4] = 0  # lies in the first patch of the first image alone
        moved = (encoder.codes(x) - before).abs().amax(3) > 1e-7
    assert moved.nonzero().tolist() == [[0, 0, 0]]


def test_patches_lie_in_rows_and_columns():
    encoder = Patches(1, 32)
    x = torch.arange(32.0)[:, None].expand(1, 1, 32, 32)  # each row its number
    tiles = encoder.cut(x)
    assert tiles.shape == (1, 7, 7, 1, 8, 8)
    assert tiles[0, :, 0, 0, 0, 0].tolist() == [0, 4, 8, 12, 16, 20, 24]
    assert (tiles[0, 2, :, 0, 0, 0] == 8).all()


@pytest.mark.parametrize("make", [Patches, Series])
def test_a_sequences_output_is_the_mean_of_its_codes(make):
    encoder = make()
    x = torch.rand(2, encoder.channels, *(encoder.size,) * (2 if make is Patches else 1))
    torch.testing.assert_close(encoder(x), encoder.codes(x).mean((1, 2)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("size", "steps"), [(9, 8), (24, 23), (48, 15), (128, 15), (1000, 124)])
def test_a_series_windows_overlap_by_half_and_a_short_one_keeps_a_dozen(size, steps):
    encoder = Series(1, size, dim=32)
    assert encoder.codes(torch.randn(1, 1, size)).shape == (1, steps, 1, 32)
    assert encoder.window == 2 * encoder.stride


def test_a_windows_code_sees_its_window_alone():
    encoder = Series(1, 128, dim=32)
    x = torch.rand(2, 1, 128)
    with torch.no_grad():
        before = encoder.codes(x)
        for at, windows in ((0, [0]), (7, [0]), (8, [0, 1]), (70, [7, 8]), (127, [14])):
            changed = x.clone()
            changed[0, :, at] += 1
            moved = (encoder.codes(changed) - before).abs().amax((2, 3)) > 1e-7
            assert moved.nonzero().tolist() == [[0, w] for w in windows], at


# ---- words --------------------------------------------------------------------------------


def test_a_texts_vector_is_the_mean_of_its_words_without_the_padding():
    encoder = Words(10, dim=4)
    torch.nn.init.normal_(encoder.table.weight)
    with torch.no_grad():
        encoder.table.weight[0] = 0
    table = encoder.table.weight.detach()
    x = torch.tensor([[3, 5, 0, 0], [7, 7, 7, 7], [0, 0, 0, 0]])
    expected = torch.stack([(table[3] + table[5]) / 2, table[7], torch.zeros(4)])
    torch.testing.assert_close(encoder(x), expected)
    encoder(x).sum().backward()
    assert encoder.table.weight.grad[0].abs().max() == 0


def test_words_start_as_the_reference_code_does():
    """word2vec.c: uniform in [-1/2, 1/2] / dim."""
    table = Words(5000, dim=50).table.weight[1:].detach() * 50
    assert table.min() >= -0.5
    assert table.max() <= 0.5
    assert abs(table.std().item() - 12**-0.5) < 1e-3


@pytest.mark.parametrize(
    "encoder",
    [Patches(1, 8), Patches(1, 28), Patches(1, 20, patch=6), Series(1, 16), Series(2, 200)],
    ids=("8 pixels", "28 pixels", "patches of 6", "16 steps", "200 steps"),
)
def test_no_stride_falls_on_a_map_of_one_number(encoder):
    """In bfloat16 on a CPU, torch's gradient of such a convolution is at times not a number."""
    seen = []
    for part in encoder.modules():
        if isinstance(part, (nn.Conv1d, nn.Conv2d)):
            part.register_forward_hook(lambda m, x, _: seen.append((m.stride[0], x[0].shape[-1])))
    shape = (2, 2 if encoder.size == 200 else 1, encoder.size)
    encoder(torch.rand(*shape) if encoder.modality == "series" else torch.rand(*shape, shape[-1]))
    assert len(seen) == 3
    assert all(side > 1 for stride, side in seen if stride > 1)
