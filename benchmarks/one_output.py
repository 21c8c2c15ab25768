"""One output is not enough for images: five ways to answer, on one task.

    python -m benchmarks.one_output

The task: shown the left half of a garment, say what the right half looks like. Of Fashion-MNIST's
60,000 training images, no label is used. Each answer is scored alike: among the right halves of 64
test images, is the true one first? Writes benchmarks/results/one-output.json and the figure of
docs/one-output.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.common import laps, provenance, save
from unlabeled.data import open_data
from unlabeled.encoders import ConvNet, Decoder, critic, mlp, still
from unlabeled.losses import barlow_twins, choose, info_nce, regress, tell
from unlabeled.losses.kmeans import kmeans
from unlabeled.train.memory import keep_memory

FIGURE = Path(__file__).parents[1] / "docs" / "one-output.png"
BATCH, STEPS, WIDTH = 128, 1000, 128
THIN = 8  # channels of the painters' last layer
CANDIDATES, CODES, NOISE = 64, 256, 32
PATCHES = ((0, 14), (14, 28))  # rows of the two patches of a right half


class Answer(nn.Module):
    """Something that looks at a left half `(b, 1, 28, 14)` and has an opinion on right halves."""

    rate = 2e-3  # of learning, at its peak

    def __init__(self, out: int = WIDTH) -> None:
        super().__init__()
        self.look = nn.Sequential(ConvNet(1, 28), mlp(512, 512, out))

    def loss(self, left: Tensor, right: Tensor) -> Tensor:
        """What training makes small."""
        raise NotImplementedError

    def scores(self, left: Tensor, right: Tensor) -> Tensor:
        """How well each right half fits each left one, `(left, right)`."""
        raise NotImplementedError

    def shown(self, left: Tensor) -> Tensor | None:
        """The right half that it would draw, if it draws."""
        return None


class Mean(Answer):
    """Predict pixels by squared error: the answer is the mean of all that could be."""

    def __init__(self) -> None:
        super().__init__()
        self.paint = Decoder(WIDTH, 1, 28, THIN)

    def shown(self, left: Tensor) -> Tensor:
        return self.paint(self.look(left))[..., 14:]

    def loss(self, left: Tensor, right: Tensor) -> Tensor:
        return regress(self.shown(left), right).mean()

    def scores(self, left: Tensor, right: Tensor) -> Tensor:
        return -torch.cdist(self.shown(left).flatten(1), right.flatten(1))


class Codes(Answer):
    """Give each of two patches one of 256 codes, and predict a distribution over them."""

    def __init__(self, right: Tensor) -> None:
        super().__init__(len(PATCHES) * CODES)
        found = [kmeans(patch, CODES, restarts=1, steps=30)[0] for patch in self.cut(right[::3])]
        self.centres = nn.Buffer(torch.stack(found))

    @staticmethod
    def cut(right: Tensor) -> list[Tensor]:
        return [right[:, :, a:b].flatten(1) for a, b in PATCHES]

    def name(self, right: Tensor) -> Tensor:
        """The codes of right halves, `(b, 2)`."""
        near = [
            torch.cdist(p, c).argmin(1) for p, c in zip(self.cut(right), self.centres, strict=True)
        ]
        return torch.stack(near, 1)

    def believed(self, left: Tensor) -> Tensor:
        return self.look(left).unflatten(1, (len(PATCHES), CODES))

    def loss(self, left: Tensor, right: Tensor) -> Tensor:
        return choose(self.believed(left).flatten(0, 1), self.name(right).flatten()).mean()

    def scores(self, left: Tensor, right: Tensor) -> Tensor:
        known, place = self.believed(left).log_softmax(2), torch.arange(len(PATCHES))
        return known[:, place, self.name(right)].sum(2)

    def shown(self, left: Tensor) -> Tensor:
        best, place = self.believed(left).argmax(2), torch.arange(len(PATCHES))
        return self.centres[place, best].view(len(left), 1, 28, 14)


class Candidates(Answer):
    """Rank a finite sample of what could be: the true half above those of the other images."""

    def __init__(self) -> None:
        super().__init__()
        self.see = nn.Sequential(ConvNet(1, 28), mlp(512, 512, WIDTH))

    def loss(self, left: Tensor, right: Tensor) -> Tensor:
        return info_nce(self.look(left), self.see(right), temperature=WIDTH**0.5).mean()

    def scores(self, left: Tensor, right: Tensor) -> Tensor:
        return self.look(left) @ self.see(right).T


class Adversary(Answer):
    """Draw one right half from noise, so that a critic of whole images takes it for real."""

    rate = 5e-4  # faster, and one side wins at once

    def __init__(self) -> None:
        super().__init__()
        self.paint, self.critic = Decoder(WIDTH + NOISE, 1, 28, THIN), critic(1, THIN)

    def shown(self, left: Tensor) -> Tensor:
        code = torch.cat([self.look(left), torch.randn(len(left), NOISE)], 1)
        return self.paint(code)[..., 14:].sigmoid()

    def loss(self, left: Tensor, right: Tensor) -> Tensor:
        made, real = (torch.cat([left, half], 3) for half in (self.shown(left), right))
        told = tell(self.critic(real), True) + tell(self.critic(made.detach()), False)
        return (told + tell(still(self.critic, made), True)).mean()

    def scores(self, left: Tensor, right: Tensor) -> Tensor:
        return -torch.cdist(self.shown(left).flatten(1), right.flatten(1))


class Joint(Answer):
    """Embed both halves so that they agree, number by number, and drop what they cannot share."""

    def __init__(self) -> None:
        super().__init__()
        self.see = nn.Sequential(ConvNet(1, 28), mlp(512, 512, WIDTH))

    def loss(self, left: Tensor, right: Tensor) -> Tensor:
        return barlow_twins(self.look(left), self.see(right), off_diagonal=0.0051)

    def scores(self, left: Tensor, right: Tensor) -> Tensor:
        a, b = (z - z.mean(0) for z in (self.look(left), self.see(right)))
        return nn.functional.normalize(a) @ nn.functional.normalize(b).T


def train(answer: Answer, left: Tensor, right: Tensor, steps: int) -> None:
    """AdamW with a cosine."""
    optimiser = torch.optim.AdamW(answer.parameters(), betas=(0.5, 0.99), weight_decay=1e-4)
    falling = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, answer.rate, steps, cycle_momentum=False
    )
    order = torch.Generator().manual_seed(0)
    for _ in range(steps):
        rows = torch.randint(len(left), (BATCH,), generator=order)
        optimiser.zero_grad()
        answer.loss(left[rows], right[rows]).backward()
        optimiser.step()
        falling.step()


@torch.no_grad()
def first(answer: Answer, left: Tensor, right: Tensor) -> float:
    """Percent of test images whose true right half is first among 64."""
    answer.eval()
    hits = [
        (answer.scores(a, b).argmax(1) == torch.arange(len(a))).double().mean()
        for a, b in zip(left.split(CANDIDATES), right.split(CANDIDATES), strict=True)
        if len(a) == CANDIDATES
    ]
    return 100 * float(torch.stack(hits).mean())


def main() -> None:
    """Train the five, score them, draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seeds", type=int, default=3)
    said = parser.parse_args()
    keep_memory()
    halves = {}
    for part in ("train", "test"):
        images = torch.from_numpy(np.asarray(open_data(f"fashion-mnist:{part}").data[:])) / 255
        halves[part] = images[..., :14].contiguous(), images[..., 14:].contiguous()
    makers = {
        "the mean": Mean, "codes": lambda: Codes(halves["train"][1]), "candidates": Candidates,
        "an adversary": Adversary, "joint embedding": Joint,
    }  # fmt: skip
    runs: list[dict[str, object]] = []
    for seed in range(said.seeds):
        answers = {}
        for name, make in makers.items():
            torch.manual_seed(seed)
            clock, answer = laps(), make().to(memory_format=torch.channels_last)
            train(answer, *halves["train"], said.steps)
            answers[name], found = answer, first(answer, *halves["test"])
            runs.append({"answer": name, "seed": seed, "first": found, "seconds": clock()})
            print(runs[-1], flush=True)
        if seed == 0:
            draw(answers, *halves["test"])
        save("one-output.json", {**provenance(), "steps": said.steps, "runs": runs})


@torch.no_grad()
def draw(answers: dict[str, Answer], left: Tensor, right: Tensor) -> None:
    """Eight test images: the left half, the truth, and each answer; what ranks shows its first."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    left, right = left[:CANDIDATES], right[:CANDIDATES]
    rows = {"shown": torch.full_like(right, 0.5), "the truth": right}
    for name, answer in answers.items():
        drawn = answer.shown(left)
        rows[name] = right[answer.scores(left, right).argmax(1)] if drawn is None else drawn
    figure, axes = plt.subplots(len(rows), 8, figsize=(8, 7.4), facecolor="white")
    for line, (name, half) in zip(axes, rows.items(), strict=True):
        for i, axis in enumerate(line):
            whole = torch.cat([left[i, 0], half[i, 0].clamp(0, 1)], 1)
            axis.imshow(whole, cmap="gray_r", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[], frame_on=False)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=10)
    figure.tight_layout(pad=0.2)
    figure.savefig(FIGURE, dpi=90)


if __name__ == "__main__":
    main()
