"""What is done to a batch: views, drawn from dice that depend on seed, epoch and sample alone."""

from unlabeled.views.dice import Batch, Dice, Samples
from unlabeled.views.images import Look, augment, draw, floats, plain, render, whole

__all__ = [
    "Batch", "Dice", "Look", "Samples", "augment", "draw", "floats", "plain", "render", "whole",
]  # fmt: skip
