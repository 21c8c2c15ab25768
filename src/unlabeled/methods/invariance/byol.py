"""Predict what a slow copy of yourself sees in the other view."""

import torch
from torch import Tensor

from unlabeled.encoders import mlp
from unlabeled.fields import hp
from unlabeled.losses import byol_distance
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.state import Teacher
from unlabeled.views import Batch, Look, augment


class BYOL(Method):
    """Predict a slow teacher's projection of one view from the other view, with no negatives.

    Nothing in the loss forbids a constant answer: the predictor and the slowness do. Without the
    predictor it collapses.
    """

    paper = "Grill et al. 2020, https://arxiv.org/abs/2006.07733"
    recipe = Recipe(
        optimizer="lars", lr=3.2, weight_decay=1.5e-6, batch=4096, epochs=1000, warmup=0.01
    )
    small = Recipe(
        optimizer="adamw", lr=2.1e-3, weight_decay=1e-4, batch=128, epochs=20,
        settings={"teacher_momentum": 0.97, "hidden": 512, "projection": 128, "crop": 0.5},
    )  # fmt: skip

    teacher_momentum: float = hp(
        "share of itself the teacher keeps at first; rises to 1", default=0.996, low=0, high=1
    )
    hidden: int = hp("width of the hidden layers", default=4096, low=1)
    projection: int = hp("width of the projection", default=256, low=1)

    crop: float = hp("smallest share of the image a view keeps", default=0.08, low=0.01, high=1)

    def setup(self) -> None:
        self.projector = mlp(self.encoder.dim, self.hidden, self.projection)
        self.predictor = mlp(self.projection, self.hidden, self.projection)
        self.teacher = Teacher(self.encoder, self.projector, momentum=self.teacher_momentum)

    def views(self, batch: Batch) -> tuple[Tensor, Tensor]:
        one = Look(crop=(self.crop, 1), saturation=0.2, blur=1.0)
        other = Look(crop=(self.crop, 1), saturation=0.2, blur=0.1, solarize=0.2)
        size = self.encoder.size
        return augment(batch, size, one), augment(batch, size, other)

    def embed(self, x: Tensor) -> Tensor:
        return self.projector(self.encoder(x))

    def loss(self, a: Tensor, b: Tensor) -> Tensor:
        guess_b, guess_a = self.predictor(self.embed(torch.cat([a, b]))).chunk(2)
        seen_a, seen_b = self.teacher(torch.cat([a, b])).chunk(2)
        return byol_distance(guess_b, seen_b) + byol_distance(guess_a, seen_a)

    def learned_nothing(self, *_: Tensor) -> float:
        return 0.0  # a constant agrees with itself: here zero is the worst, not the best
