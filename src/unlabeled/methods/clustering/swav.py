"""Let each view say which cluster the other view belongs to."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from unlabeled.encoders import mlp
from unlabeled.fields import hp
from unlabeled.losses import choose, sinkhorn
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.state import Prototypes, Queue
from unlabeled.views import Batch, Look, augment
from unlabeled.world import mine


class SwAV(Method):
    """Predict one view's cluster from all other views, where all clusters get an equal share.

    Two large crops get prototypes by Sinkhorn's iterations; all other crops must choose the same.
    """

    paper = "Caron et al. 2020, https://arxiv.org/abs/2006.09882"
    recipe = Recipe(
        optimizer="lars", lr=4.8, weight_decay=1e-6, batch=4096, epochs=800,
        warmup=0.0125, final=1e-3,
    )  # fmt: skip
    small = Recipe(
        optimizer="adamw", lr=1.4e-3, weight_decay=1e-4, batch=128, epochs=20,
        settings={"prototypes": 128, "hidden": 512, "crops": 0, "split": 0.5, "colour": 0.5},
    )  # fmt: skip

    prototypes: int = hp("number of clusters", default=3000, low=2)
    crops: int = hp("number of small crops", default=6, low=0)
    split: float = hp("largest share of the image in small crops", default=0.14, low=0.05, high=1)
    colour: float = hp("strength of the colour changes", default=1.0, low=0, high=1.25)
    temperature: float = hp("softmax temperature", default=0.1, low=1e-3, high=10)
    epsilon: float = hp("entropy of the assignments", default=0.05, low=1e-3, high=1)
    frozen: float = hp("share of training in which prototypes rest", default=0.01, low=0, high=1)
    memory: int = hp("past embeddings that help to assign; 0 for none", default=0, low=0)
    hidden: int = hp("width of the projector's hidden layer", default=2048, low=1)
    projection: int = hp("width of the projection", default=128, low=1)

    def setup(self) -> None:
        self.projector = mlp(self.encoder.dim, self.hidden, self.projection)
        self.heads = Prototypes(self.prototypes, self.projection, frozen=self.frozen)
        self.queue = Queue(self.memory, 2 * self.projection)  # both large crops, side by side

    def views(self, batch: Batch) -> tuple[Tensor, ...]:
        size, s = self.encoder.size, self.colour
        far, near = Look.strong((self.split, 1), s), Look.strong((0.05, self.split), s)
        large = [augment(batch, size, far) for _ in range(2)]
        return *large, *(augment(batch, size // 2, near) for _ in range(self.crops))

    def embed(self, x: Tensor) -> Tensor:
        return F.normalize(self.projector(self.encoder(x)), dim=1)

    def loss(self, *crops: Tensor) -> Tensor:
        sizes = [part for part in (crops[:2], crops[2:]) if part]  # one pass for each size
        z = [v for part in sizes for v in self.embed(torch.cat(part)).chunk(len(part))]
        self.queue.remember(torch.cat(z[:2], 1))
        scores = [self.heads(view) for view in z]
        targets = [self.assign(scores[i].detach(), i) for i in range(2)]
        pairs = [(s, q) for i, q in enumerate(targets) for j, s in enumerate(scores) if i != j]
        return torch.stack([choose(s / self.temperature, q) for s, q in pairs]).mean(0)

    def assign(self, scores: Tensor, view: int) -> Tensor:
        """Equal shares for all prototypes over the batch and, once it is full, the queue."""
        alone = sinkhorn(scores, epsilon=self.epsilon)
        if not self.memory:
            return alone
        past = self.heads(mine(self.queue.items).chunk(2, 1)[view]).detach()
        helped = sinkhorn(torch.cat([scores, past]), epsilon=self.epsilon)[: len(scores)]
        return torch.where(self.queue.filled >= self.memory, helped, alone)

    def learned_nothing(self, *_: Tensor) -> float:
        return math.log(self.prototypes)
