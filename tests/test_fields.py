"""A hyperparameter is declared once: constructor, range and record follow."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from unlabeled.fields import Fields, hp


class Layer(Fields):
    """A linear layer, declared."""

    width: int = hp("how wide it is", default=4, low=1, high=64)
    slope: float = hp("how steep it is", default=0.5, low=0, high=1)
    kind: str = hp("of which kind", default="plain")

    def setup(self):
        self.linear = nn.Linear(3, self.width)
        self.scale = nn.Buffer(torch.tensor(self.slope))


def test_the_constructor_follows():
    assert Layer().linear.out_features == 4
    assert Layer(width=9).linear.out_features == 9
    with pytest.raises(TypeError, match="widht"):
        Layer(widht=9)
    with pytest.raises(TypeError):
        Layer(9)  # by name alone


def test_the_record_rebuilds_it():
    made = Layer(width=9, kind="odd")
    assert made.spec() == {"width": 9, "slope": 0.5, "kind": "odd"}
    assert Layer(**made.spec()).spec() == made.spec()


def test_the_declarations_are_there_to_be_read():
    width = Layer.hyperparameters()[0]
    assert [f.name for f in Layer.hyperparameters()] == ["width", "slope", "kind"]
    assert (width.metadata["doc"], width.metadata["low"], width.default) == ("how wide it is", 1, 4)
    assert Layer.hyperparameters()[2].metadata["high"] == math.inf


@pytest.mark.parametrize(
    "given", [{"width": 0}, {"width": 65}, {"slope": -1e-9}, {"slope": math.nan}]
)
def test_what_lies_outside_its_range_is_refused(given):
    (name,) = given
    with pytest.raises(ValueError, match=f"{name} must be in"):
        Layer(**given)


@pytest.mark.parametrize("given", [{"width": 1}, {"width": 64}, {"slope": 0}, {"slope": 1}])
def test_the_range_holds_its_ends(given):
    Layer(**given)


def test_it_is_a_module_like_any_other():
    layer = Layer(width=2)
    assert set(layer.state_dict()) == {"linear.weight", "linear.bias", "scale"}
    assert "width" not in layer.state_dict()
    twin = Layer(width=2)
    twin.load_state_dict(layer.state_dict())
    assert torch.equal(twin.linear.weight, layer.linear.weight)
    assert layer != twin  # equal by identity, as modules are
    assert len({layer, twin}) == 2
