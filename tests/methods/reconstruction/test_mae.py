"""Masked autoencoders: what the encoder never sees, and what is asked for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unlabeled.encoders import ConvNet, Painter, Shape, build
from unlabeled.encoders.parts import waves
from unlabeled.errors import UsageError
from unlabeled.methods.reconstruction.mae import MAE
from unlabeled.views import Batch, plain


def method(**given):
    torch.manual_seed(0)
    encoder = build("vit", Shape("image", 3, 16))
    encoder.backbone.blocks = encoder.backbone.blocks[:1]  # one layer is enough here
    return MAE(encoder, **{"width": 16, "depth": 1} | given)


def batch(b=6, **given):
    chance = torch.Generator().manual_seed(0)
    data = torch.randint(0, 256, (b, 3, 16, 16), generator=chance, dtype=torch.uint8)
    return Batch(data, torch.arange(b), **given)


def test_a_quarter_of_the_patches_is_kept_and_drawn_anew_each_epoch():
    images, keep = method().views(batch())
    torch.testing.assert_close(images, plain(batch(), 16))
    assert keep.shape == (6, 16)  # of 64
    assert all(len(set(row.tolist())) == 16 for row in keep)
    assert not torch.equal(keep, method().views(batch(epoch=1))[1])
    assert method(hide=0.99).views(batch())[1].shape == (6, 1)
    assert method(hide=0.01).views(batch())[1].shape == (6, 63)


def test_the_energy_is_the_error_over_hidden_patches_each_normalised_by_itself():
    """He et al. 2022, sec. 3: the mean over hidden patches of the normalised pixels' error."""
    made = method().double().eval()
    images, keep = made.views(batch())
    images = images.double()
    painted = made.painter(made.encoder.tokens(images, keep), keep).detach().numpy()
    expected = []
    for i, image in enumerate(images.numpy()):
        errors = []
        for n in set(range(64)) - set(keep[i].tolist()):
            row, column = divmod(n, 8)
            patch = image[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].flatten()
            asked = (patch - patch.mean()) / np.sqrt(patch.var(ddof=1) + 1e-6)
            errors.append(((painted[i, n] - asked) ** 2).mean())
        expected.append(np.mean(errors))
        assert len(errors) == 48
    np.testing.assert_allclose(made.loss(images, keep).detach(), expected, rtol=1e-9)


def test_what_is_hidden_reaches_the_loss_as_a_question_alone():
    made = method().eval()
    images, keep = made.views(batch())
    hidden = made.hidden(keep)[..., None]
    patches = made.encoder.cut(images)
    other = made.encoder.paste(torch.where(hidden, torch.rand_like(patches), patches))
    with torch.no_grad():
        codes = made.encoder.tokens(images, keep)
        torch.testing.assert_close(made.encoder.tokens(other, keep), codes)
    images.requires_grad_()
    made.painter(made.encoder.tokens(images, keep), keep).square().sum().backward()
    reach = made.encoder.cut(images.grad).abs().amax(2)
    assert torch.equal(reach == 0, made.hidden(keep))


def test_seen_patches_are_not_asked_for():
    made = method().double().eval()
    images, keep = made.views(batch())
    images = images.double()
    cost = made.loss(images, keep)
    made.painter.register_forward_hook(
        lambda net, given, out: out + 9 * ~made.hidden(keep)[..., None]
    )
    torch.testing.assert_close(made.loss(images, keep), cost)


def test_painting_every_patch_flat_costs_its_variance_of_one():
    made = method()
    views = made.views(batch())
    with torch.no_grad():
        for p in made.parameters():
            p.zero_()
    nothing = made.learned_nothing(*views)
    assert made(*views)[0].item() == pytest.approx(nothing, rel=1e-5)
    assert nothing == pytest.approx(11 / 12, abs=1e-3)  # n - 1 of n: variances are unbiased


def test_it_needs_a_transformer_and_an_even_width():
    with pytest.raises(UsageError, match="Transformer"):
        MAE(ConvNet(3, 16))
    with pytest.raises(UsageError, match="multiple of 4"):
        method(width=18)


def test_the_picture_leaves_seen_patches_as_they_are():
    made = method().eval()
    with torch.no_grad():
        shown = made.picture(batch())
    images, keep = made.views(batch())
    hidden = made.encoder.cut(shown["seen"]) == 0.5
    assert torch.equal(hidden.all(2), made.hidden(keep))
    for picture in list(shown.values())[:2]:
        same = made.encoder.cut(picture).gather(1, keep[..., None].expand(-1, -1, 12))
        true = made.encoder.cut(images).gather(1, keep[..., None].expand(-1, -1, 12))
        torch.testing.assert_close(same, true)


# ---- the painter --------------------------------------------------------------------------


def test_a_painter_puts_codes_where_they_belong():
    torch.manual_seed(0)
    painter = Painter(8, 12, grid=4, width=16, depth=1).eval()
    codes, keep = torch.randn(2, 5, 8), torch.stack([torch.randperm(16)[:5] for _ in range(2)])
    order = torch.randperm(5)
    with torch.no_grad():
        painted = painter(codes, keep)
        torch.testing.assert_close(painter(codes[:, order], keep[:, order]), painted)
        assert not torch.allclose(painter(codes, (keep + 1) % 16), painted, atol=1e-3)
    assert painted.shape == (2, 16, 12)


def test_waves_tell_every_place_apart_by_row_and_column():
    place = waves(8, 16)
    assert torch.pdist(place).min() > 0.1
    rows, columns = place.view(8, 8, 16).split(8, 2)
    assert torch.equal(rows, rows[:, :1].expand_as(rows))
    assert torch.equal(columns, columns[:1].expand_as(columns))
    assert torch.equal(rows[:, 0], columns[0])
    torch.testing.assert_close(rows[3, 0, :2], torch.tensor([3.0, 3 / 10_000**0.25]).sin())
