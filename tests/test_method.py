"""The base class: terms, energies per sample, and what it asks of an encoder."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from unlabeled.encoders import ConvNet, Encoder, Patches, Sequence, Words
from unlabeled.errors import UsageError
from unlabeled.fields import hp
from unlabeled.method import Method
from unlabeled.state import Queue


class Two(Method):
    """Two terms over several rows a sample."""

    weight: float = hp("weight of the second term", default=0.5, low=0)

    def setup(self):
        self.head = nn.Linear(self.encoder.dim, 1)
        self.past = Queue(4, 1)

    def loss(self, x):
        z = self.head(self.encoder(x)).squeeze(1)
        self.past.remember(z[:, None])
        return {"square": z.square(), "size": self.weight * z.abs()}


class One(Method):
    """One unnamed term."""

    def loss(self, x, y):
        return (self.encoder(x) - self.encoder(y)).square().mean(1)


class OfParts(Method[Sequence]):
    """Needs parts."""


def encoder():
    torch.manual_seed(0)
    return ConvNet(1, 8, width=4)


def images(n=6):
    return torch.rand(n, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def test_the_loss_is_the_sum_of_the_terms_means():
    method = Two(encoder())
    loss, terms = method(images())
    energies = method.loss(images())
    assert set(terms) == {"square", "size"}
    torch.testing.assert_close(terms["square"], energies["square"].mean().detach())
    torch.testing.assert_close(loss.detach(), terms["square"] + terms["size"])
    assert loss.requires_grad
    assert not terms["size"].requires_grad


def test_one_term_has_a_name_too():
    loss, terms = One(encoder())(images(), images())
    assert set(terms) == {"loss"}
    assert loss == 0


def test_the_loss_has_single_precision_at_least():
    method = One(encoder())
    with torch.autocast("cpu", torch.bfloat16):
        assert method.loss(images(), images()).dtype == torch.bfloat16
        assert method(images(), images())[0].dtype == torch.float32
    assert method.double()(images().double(), images().double())[0].dtype == torch.float64


def test_energy_is_one_number_a_sample():
    method = Two(encoder()).eval()
    x = images(12)
    energies = method.loss(x)
    whole = (energies["square"] + energies["size"]).detach()
    torch.testing.assert_close(method.energy(x), whole)
    torch.testing.assert_close(method.energy(x, samples=4), whole.view(4, 3).mean(1))
    assert not method.energy(x).requires_grad


def test_energy_tells_a_pair_from_no_pair():
    method = One(encoder()).eval()
    x = images()
    assert (method.energy(x, x) < method.energy(x, x.roll(1, 0))).all()


def test_advance_moves_every_state():
    method = Two(encoder()).train()
    method.loss(images(3))
    assert method.past.filled == 0
    method.advance(0.5)
    assert method.past.filled == 3


def test_its_place_in_the_run_is_no_part_of_a_checkpoint():
    names = Two(encoder()).state_dict()
    assert "progress" not in names
    assert "index" not in names


def test_the_encoder_comes_first_and_settings_by_name():
    assert Two(encoder(), weight=2.0).spec() == {"weight": 2.0}
    with pytest.raises(TypeError):
        Two(encoder(), 2.0)


@pytest.mark.parametrize(("cls", "kind"), [(Two, Encoder), (OfParts, Sequence)])
def test_what_it_needs_is_read_from_its_base(cls, kind):
    assert cls.needs() is kind


def test_a_wrong_encoder_is_refused_with_what_to_type():
    with pytest.raises(
        UsageError, match="OfParts needs an encoder of the kind Sequence, got ConvNet"
    ):
        OfParts(encoder())
    OfParts(Patches(1, 16, dim=32))
    with pytest.raises(UsageError, match="got Words"):
        OfParts(Words(9))


def test_defaults_of_what_a_method_may_write():
    method = One(encoder())
    assert method.groups() == []
    assert method.learned_nothing(images(), images()) is None
    assert method.picture(None) == {}
    assert method.embed(images()).shape == (6, method.encoder.dim)
    with pytest.raises(NotImplementedError):
        method.views(None)
