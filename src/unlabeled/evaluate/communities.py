"""Linear evaluation as each community reports it, so that a number can be compared with theirs.

`linear.py` finds the best linear classifier there is on features that never change. What papers
print was found otherwise: by SGD or LARS at a stated rate for stated epochs, on images that are
cropped and flipped anew each time, so that the frozen encoder looks at every sample in every epoch.
Here is what each does, as a table, and one trainer for all of them.

Four things may differ from theirs; the settings say all of them. Batches are halved until an epoch
has 64 steps, as theirs have on ImageNet, and the rate falls with the batch by their own rule.
Epochs may be cut: the whole schedule is then run through in fewer. Test images are resized, not
cropped at their centre. And what is reported is the last head, never the best on test: where heads
compete, a part of the training samples chooses.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from unlabeled.data.store import Store
from unlabeled.encoders import Encoder
from unlabeled.evaluate.baselines import learn
from unlabeled.evaluate.embed import home, inputs, pooled
from unlabeled.evaluate.linear import folds
from unlabeled.losses import choose
from unlabeled.method import Method
from unlabeled.recipe import Recipe
from unlabeled.state import borrowed
from unlabeled.views import Batch, Look, augment

Samples: TypeAlias = tuple[Store, np.ndarray]

CPU_EPOCHS = 10  # most epochs on a CPU, where nobody says how many
STEPS = 64  # that an epoch has at least; MAE's batches of 16,384 leave 78 on ImageNet
SMALLEST = 32  # batch that small data may lead to
NUMBERS = 9216  # most numbers of a map that VISSL's heads read
CROP = Look(crop=(0.08, 1.0), jitter=0.0, gray=0.0)  # all six: a crop and a flip


@dataclass(frozen=True, kw_only=True)
class Community(Recipe):
    """How one community trains linear classifiers on a frozen encoder, beyond what a recipe says.

    Attributes:
        rates: Learning rates for batches of 256, to which they are proportional: a head for each.
        nesterov: Whether the momentum of "sgd" is Nesterov's.
        each: How often the rate moves.
        norm: Epsilon of a batch norm of each channel before the linear layer; 0 for none.
        affine: Whether it learns a scale and a shift.
        reads: The encoder's "output"; all its "layers", as grids of at most 9,216 numbers with a
            head each; or the last "blocks" of a transformer with a class token, else its output.
        blocks: Of how many last blocks the class tokens are joined: heads for each.
        patches: Whether heads are also given the mean of the last block's patches.
        held: Share of the training samples that chooses among the heads; if 0, it is the last.
    """

    optimizer: Literal["sgd", "lars"] = "sgd"
    rates: tuple[float, ...]
    nesterov: bool = False
    each: Literal["step", "epoch"] = "step"
    norm: float = 0.0
    affine: bool = False
    reads: Literal["output", "layers", "blocks"] = "output"
    blocks: tuple[int, ...] = (1,)
    patches: bool = False
    held: float = 0.0
    warmup: float = 0.0

    def rate(self, step: int, steps: int) -> float:
        """The rate of step `step` in [0, steps), as a multiple of each head's."""
        done = step / steps if self.each == "step" else step * self.epochs // steps / self.epochs
        if done < self.warmup:
            return self.lr * done / self.warmup
        if self.drops:
            return super().rate(step, steps)
        return self.lr * (1 + math.cos(math.pi * (done - self.warmup) / (1 - self.warmup))) / 2

    def fitted(self, n: int, epochs: int | None, device: torch.device) -> Community:
        """The same for n training samples, at the rate for the batch.

        Args:
            n: Training samples.
            epochs: How many of the published epochs are run. None is all of them on a GPU, and on a
                CPU at most 10.
            device: Where.
        """
        usual = CPU_EPOCHS if device.type == "cpu" else self.epochs
        most = usual if epochs is None else epochs
        size, learnt = self.batch, 1 - self.held
        while n * learnt // size < STEPS and size > SMALLEST:
            size //= 2
        drawn = min(n, round(size / learnt))  # of which the share `held` is passed over
        return replace(self, batch=drawn, lr=size / 256, epochs=min(most, self.epochs))


COMMUNITIES = {
    # facebookresearch/vissl, imagenet1k/eval_resnet_8gpu_transfer_in1k_linear.yaml
    "vissl": Community(
        rates=(0.01,), batch=256, epochs=28, nesterov=True, weight_decay=5e-4, norm=1e-5,
        drops=((8 / 28, 0.1), (16 / 28, 0.01), (24 / 28, 1e-3)), affine=True, reads="layers",
    ),
    # Chen et al. 2020, https://arxiv.org/abs/2002.05709, appendix B.6
    "simclr": Community(rates=(0.1,), batch=4096, epochs=90, nesterov=True),
    # vturrisi/solo-learn, scripts/linear/imagenet/barlow.yaml; for other methods 0.1 to 1
    "solo": Community(
        rates=(0.3,), batch=256, epochs=100, weight_decay=1e-5, drops=((0.6, 0.1), (0.8, 0.01)),
    ),
    # facebookresearch/mae, FINETUNE.md and main_linprobe.py
    "mae": Community(
        rates=(0.1,), batch=16384, epochs=90, optimizer="lars", warmup=10 / 90, norm=1e-6,
    ),
    # facebookresearch/dino, eval_linear.py: for ViT-S, on eight processes
    "dino": Community(
        rates=(1e-3,), batch=1024, epochs=100, each="epoch", reads="blocks", blocks=(4,),
    ),
    # facebookresearch/dinov2, dinov2/eval/linear.py, whose test samples choose; on eight processes
    # its 12,500 steps of 128 samples are ten epochs of ImageNet
    "dinov2": Community(
        rates=(1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1),
        batch=1024, epochs=10, reads="blocks", blocks=(1, 4), patches=True, held=0.1,
    ),
}  # fmt: skip


def runs(
    protocols: Sequence[str], n: int, epochs: int | None, device: torch.device
) -> dict[str, Community]:
    """The communities that are asked for, as `fitted`, by column.

    Args:
        protocols: Some of them "linear:NAME".
        n: Training samples.
        epochs: As in `Community.fitted`.
        device: Where.

    Returns:
        Named "linear:mae", or "linear:mae, 10 of 90 epochs" where it is cut.
    """
    asked = {name: c for name, c in COMMUNITIES.items() if f"linear:{name}" in protocols}
    fitted = {name: community.fitted(n, epochs, device) for name, community in asked.items()}
    cut = lambda run, of: f", {run} of {of} epochs" if run < of else ""
    return {f"linear:{k}{cut(c.epochs, asked[k].epochs)}": c for k, c in fitted.items()}


class Heads(Method):
    """Linear classifiers of one community on a frozen encoder, all trained in one pass."""

    labels: Tensor = field()  # -1 where a sample is not to be learnt from
    classes: int = field()
    community: Community = field()

    def setup(self) -> None:
        self.truth = nn.Buffer(self.labels)
        shape = self.encoder.channels, self.encoder.size, self.encoder.size
        found = self.read(torch.zeros(1, *shape, device=home(self.encoder)))
        self.names = [(name, rate) for name in found for rate in self.community.rates]
        self.heads = nn.ModuleList(self._head(found[name][0]) for name, _ in self.names)

    def _head(self, x: Tensor) -> nn.Module:
        """One on features like x, `(d,)` or `(c, cells)`; all that are alike begin alike."""
        linear, eps = nn.Linear(x.numel(), self.classes), self.community.norm
        nn.init.normal_(linear.weight, std=0.01, generator=torch.Generator().manual_seed(0))
        nn.init.zeros_(linear.bias)
        norm = nn.BatchNorm1d(len(x), eps, affine=self.community.affine) if eps else nn.Identity()
        return nn.Sequential(norm, nn.Flatten(), linear)

    def groups(self) -> list[dict[str, Any]]:
        common = {"nesterov": self.community.nesterov}
        return [
            {"params": [p], "scale": rate, "adapt": p.ndim > 1, **common, **more}
            for (_, rate), head in zip(self.names, self.heads, strict=True)
            for part, more in zip(head.children(), ({"weight_decay": 0.0}, {}, {}), strict=True)
            for p in part.parameters()
        ]

    def views(self, batch: Batch) -> tuple[Tensor, Tensor]:
        return augment(batch, self.encoder.size, CROP), self.truth[batch.index]

    def loss(self, x: Tensor, truth: Tensor) -> Tensor:
        known = truth >= 0
        return sum(choose(scores[known], truth[known]) for scores in self.scores(x))  # pyright: ignore

    def scores(self, x: Tensor) -> list[Tensor]:
        """What each head says of images, `(b, classes)`."""
        found = self.read(x)
        return [head(found[name]) for (name, _), head in zip(self.names, self.heads, strict=True)]

    @torch.no_grad()
    def read(self, x: Tensor) -> dict[str, Tensor]:
        """What the heads are given, by name: `(b, d)`, or `(b, c, cells)` of layers."""
        with borrowed(self.encoder):
            if self.community.reads == "layers":
                cells = lambda y: pooled(y, "grid", NUMBERS).unflatten(1, (y.shape[1], -1))
                return {name: cells(y) for name, y in self.encoder.features(x).items()}
            net = getattr(self.encoder, "backbone", None)
            if self.community.reads == "blocks" and getattr(net, "has_class_token", False):
                return _blocks(self.encoder, x, self.community)
            return {"out": self.encoder(x)}

    @torch.no_grad()
    def accuracies(self, store: Store, truth: Tensor) -> list[float]:
        """Percent of samples that each head names right, of those whose class is not -1."""
        parts = [torch.stack(self.eval().scores(x)).argmax(2) for x in inputs(self.encoder, store)]
        right, known = torch.cat(parts, 1).cpu() == truth, truth >= 0
        return (100 * right[:, known].double().mean(1)).tolist()


def _blocks(encoder: Any, x: Tensor, community: Community) -> dict[str, Tensor]:
    """The class tokens of the last n blocks, joined, with the mean of the last patches or without.

    Both pass the network's last norm.
    """
    net, x = encoder.backbone, (x - encoder.mean) / encoder.std
    form: dict[str, Any] = {"norm": True, "output_fmt": "NLC", "intermediates_only": True}
    deep = min(max(community.blocks), len(net.blocks))
    last = net.forward_intermediates(x, deep, return_prefix_tokens=True, **form)
    tokens, mean = [prefix[:, 0] for _, prefix in last], last[-1][0].mean(1)
    found = {f"{n} block{'s'[: n - 1]}": torch.cat(tokens[-n:], 1) for n in community.blocks}
    if community.patches:
        found |= {f"{n} + patches": torch.cat([y, mean], 1) for n, y in found.items()}
    return found


def probe(
    encoder: Encoder,
    train: Samples,
    test: Samples,
    community: Community,
    *,
    seed: int = 0,
    groups: np.ndarray | None = None,
) -> dict[str, Any]:
    """The accuracy that a community would report.

    Args:
        encoder: The encoder, on the device that shall compute; it stays as it is.
        train: Images and labels to learn from and, where heads compete, to choose by.
        test: The same, to score.
        community: One of `COMMUNITIES`, fitted to the training samples.
        seed: Of the order, the views and the part that chooses.
        groups: `(n,)`, which training samples belong together; that part holds whole groups.

    Returns:
        "accuracy" in percent of the head that stands for the encoder, that "head"'s name, and,
        where all layers have one, the accuracies of these "layers".
    """
    store, truth, held = train[0], torch.from_numpy(train[1]), torch.zeros(len(train[0])).bool()
    if community.held:
        held[folds(train[1], round(1 / community.held), seed, groups)[0]] = True
    with torch.random.fork_rng():
        given: dict[str, Any] = {"classes": int(truth.max()) + 1, "community": community}
        method = Heads(copy.deepcopy(encoder), labels=truth.where(~held, -1), **given)
        steps = int(community.epochs) * (len(store) // community.batch)
        learn(method, store, community, steps=steps, seed=seed)
    chosen = np.argmax(method.accuracies(store, truth.where(held, -1))) if community.held else -1
    right = method.accuracies(test[0], torch.from_numpy(test[1]))
    name, rate = method.names[chosen]
    found: dict[str, Any] = {"accuracy": right[chosen], "head": f"{name}, rate {rate:g}"}
    if community.reads == "layers":
        found["layers"] = dict(zip(next(zip(*method.names, strict=True)), right, strict=True))
    return found
