"""Prototypes stay on the sphere, and rest as long as they are told to."""

from __future__ import annotations

import torch

from unlabeled.state import Prototypes


def test_they_are_unit_vectors_from_the_start_and_after_every_step():
    heads = Prototypes(5, 3)
    torch.testing.assert_close(heads.weight.norm(dim=1), torch.ones(5))
    with torch.no_grad():
        heads.weight.mul_(4).add_(1)
    direction = heads.weight[0] / heads.weight[0].norm()
    heads.advance(0.5)
    torch.testing.assert_close(heads.weight.norm(dim=1), torch.ones(5))
    torch.testing.assert_close(heads.weight[0], direction)


def test_they_give_cosines_of_unit_vectors():
    heads = Prototypes(5, 3)
    z = torch.nn.functional.normalize(torch.randn(4, 3), dim=1)
    expected = torch.nn.functional.cosine_similarity(z[:, None], heads.weight[None], dim=2)
    torch.testing.assert_close(heads(z), expected)


def gradient(heads):
    heads.weight.grad = None
    heads(torch.ones(2, 3)).sum().backward()
    return heads.weight.grad.abs().sum().item()


def test_they_rest_for_their_share_of_training():
    heads = Prototypes(5, 3, frozen=0.25)
    assert gradient(heads) == 0
    for progress, moves in ((0.1, False), (0.24, False), (0.25, True), (0.9, True)):
        heads.advance(progress)
        assert (gradient(heads) > 0) == moves, progress


def test_resting_they_still_send_gradient_to_the_vectors():
    z = torch.randn(2, 3, requires_grad=True)
    Prototypes(5, 3, frozen=0.25)(z).sum().backward()
    assert z.grad.abs().sum() > 0


def test_without_a_rest_they_move_at_once():
    assert gradient(Prototypes(5, 3)) > 0


def test_whether_they_rest_is_saved():
    heads, other = Prototypes(5, 3, frozen=0.25), Prototypes(5, 3, frozen=0.25)
    heads.advance(0.5)
    other.load_state_dict(heads.state_dict())
    assert gradient(other) > 0
