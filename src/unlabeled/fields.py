"""Declare a hyperparameter once; get the constructor, the range check, the flag and the docs."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, dataclass_transform

from torch import nn

from unlabeled.errors import UsageError


def hp(doc: str, *, default: Any, low: float = -math.inf, high: float = math.inf) -> Any:
    """Declare a hyperparameter.

    Args:
        doc: Its meaning, as a phrase; it becomes the flag's help.
        default: Its value when nothing is said.
        low: Smallest value accepted.
        high: Largest value accepted.
    """
    return dataclasses.field(default=default, metadata={"doc": doc, "low": low, "high": high})


@dataclass_transform(kw_only_default=True, field_specifiers=(hp, dataclasses.field))
class Fields(nn.Module):
    """A module whose hyperparameters are its fields. Override `setup` instead of `__init__`."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclasses.dataclass(kw_only=True, eq=False, repr=False)(cls)

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        self = super().__new__(cls)
        nn.Module.__init__(self)  # before the generated __init__ assigns a submodule
        return self

    def __post_init__(self) -> None:
        for field in self.hyperparameters():
            check_range(field.name, getattr(self, field.name), field.metadata)
        self.setup()

    def setup(self) -> None:
        """Build submodules and buffers; the fields are set and checked."""

    @classmethod
    def hyperparameters(cls) -> tuple[dataclasses.Field[Any], ...]:
        """The fields declared with `hp`, in the order of the class."""
        return tuple(f for f in dataclasses.fields(cls) if "doc" in f.metadata)  # pyright: ignore

    def spec(self) -> dict[str, Any]:
        """The plain values that rebuild this module: `cls(encoder, **spec)`."""
        return {field.name: getattr(self, field.name) for field in self.hyperparameters()}


def check_range(name: str, value: Any, declared: Any) -> None:
    """Raise UsageError unless `value` lies in the closed range that `hp` declared."""
    low, high = declared["low"], declared["high"]
    if isinstance(value, (int, float)) and not low <= value <= high:
        raise UsageError(f"{name} must be in [{low}, {high}], got {value}")
