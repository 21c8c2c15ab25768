"""SimMIM: squares of patches are covered, and their pixels read off the encoder."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unlabeled.encoders import Shape, build
from unlabeled.errors import UsageError
from unlabeled.methods.reconstruction.simmim import SimMIM
from unlabeled.views import Batch, plain


def method(**given):
    torch.manual_seed(0)
    encoder = build("vit", Shape("image", 3, 16))
    encoder.backbone.blocks = encoder.backbone.blocks[:1]  # one layer is enough here
    return SimMIM(encoder, **{"squares": 4} | given)


def batch(b=6, **given):
    chance = torch.Generator().manual_seed(0)
    data = torch.randint(0, 256, (b, 3, 16, 16), generator=chance, dtype=torch.uint8)
    return Batch(data, torch.arange(b), **given)


@pytest.mark.parametrize("target", ["pixels", "standardised"])
def test_the_energy_is_the_error_of_what_is_covered(target):
    """Xie et al. 2022, eq. 1; He et al. 2022, "Reconstruction target"."""
    made = method(target=target).double().eval()
    images, hidden = made.views(batch())
    torch.testing.assert_close(images, plain(batch(), 16))
    images = images.double()
    codes = made.encoder.tokens(images, hidden=hidden, instead=made.token)
    guess = (codes @ made.head.weight.T + made.head.bias).detach().numpy()
    expected = []
    for i, image in enumerate(images.numpy()):
        errors = []
        for n in hidden[i].nonzero().flatten().tolist():
            row, column = divmod(n, 8)
            patch = image[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].flatten()
            if target == "pixels":
                errors.append(np.abs(guess[i, n] - patch).mean())
            else:
                asked = (patch - patch.mean()) / np.sqrt(patch.var(ddof=1) + 1e-6)
                errors.append(((guess[i, n] - asked) ** 2).mean())
        expected.append(np.mean(errors))
        assert len(errors) == 40  # ten of sixteen squares, of four patches each
    np.testing.assert_allclose(made.loss(images, hidden).detach(), expected, rtol=1e-9)


def test_there_is_no_other_target():
    with pytest.raises(UsageError, match="no target `edges`"):
        method(target="edges")


def test_covered_pixels_reach_the_loss_as_a_question_alone():
    made = method().eval()
    images, hidden = made.views(batch())
    images.requires_grad_()
    made.guess(images, hidden).square().sum().backward()
    reach = made.encoder.cut(images.grad).abs().amax(2)
    assert torch.equal(reach == 0, hidden)


def test_the_encoder_knows_where_a_patch_is_covered():
    made = method().double().eval()
    images, hidden = (v.double() if v.is_floating_point() else v for v in made.views(batch()))
    made.loss(images, hidden).mean().backward()
    assert made.token.grad.abs().sum() > 0


@pytest.mark.parametrize("target", ["pixels", "standardised"])
def test_the_best_constant_is_the_median_of_pixels_and_the_mean_of_patches(target):
    made = method(target=target)
    images, hidden = made.views(batch(5))
    nothing, asked = made.learned_nothing(images, hidden), made.asked(images)
    if target == "pixels":
        error = (asked - torch.from_numpy(np.median(asked.numpy(), 0))).abs().mean(2)
    else:
        error = (asked - asked.mean(0)).square().mean(2)
    expected = [error[i][hidden[i]].mean() for i in range(5)]
    assert nothing == pytest.approx(float(torch.stack(expected).mean()), rel=1e-5)


@pytest.mark.parametrize("target", ["pixels", "standardised"])
def test_the_picture_leaves_what_is_seen_as_it_is(target):
    made = method(target=target).eval()
    with torch.no_grad():
        shown = made.picture(batch())
    images, hidden = made.views(batch())
    assert list(shown) == ["seen", "filled", "true"]
    for name in ("seen", "filled"):
        patches = made.encoder.cut(shown[name])
        torch.testing.assert_close(patches[~hidden], made.encoder.cut(images)[~hidden])
    assert (made.encoder.cut(shown["seen"])[hidden] == 0.5).all()


def test_what_it_says_of_standardised_patches_is_shown_at_their_own_brightness():
    made = method(target="standardised").eval()
    for part in made.head.parameters():
        torch.nn.init.zeros_(part)
    images, hidden = made.views(batch())
    filled = made.encoder.cut(made.picture(batch())["filled"].detach())
    mean = made.encoder.cut(images).mean(2, keepdim=True).expand_as(filled)
    torch.testing.assert_close(filled[hidden], mean[hidden])
