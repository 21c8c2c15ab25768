"""Their side: each library as its own documentation uses it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import faiss
import numpy as np
import torch
import torchvision
from lightly.loss import NTXentLoss
from lightly.models.modules import SimCLRProjectionHead
from lightly.transforms.simclr_transform import SimCLRTransform
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.peers.photos import tiles
from benchmarks.peers.worker import forget_peak, peak, serve, stopwatch


class Tiles(Dataset):
    """As torchvision's CIFAR10: an array in memory, an image and its transform an item."""

    def __init__(self, n: int, stored: int, transform: SimCLRTransform) -> None:
        self.data, self.transform = photos(n, stored), transform

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, i: int) -> tuple:
        return self.transform(Image.fromarray(self.data[i])), 0


@cache
def photos(n: int, stored: int) -> np.ndarray:
    return tiles(n, stored)


def views(
    stored: int, size: int, batch: int, count: int, blur: float, workers: int
) -> dict[str, float]:
    """Microseconds a view, on the wall from the loader's first batch on, of processors in all."""
    transform = SimCLRTransform(input_size=size, gaussian_blur=blur)
    data, whole = Tiles(batch * (count + 1), stored, transform), stopwatch()
    loader = iter(DataLoader(data, batch, shuffle=True, drop_last=True, num_workers=workers))
    next(loader)
    clock = stopwatch()
    for _ in loader:
        pass
    wall, _ = clock()
    del loader  # its workers end
    _, cpu = whole()
    views = 2 * batch
    return {
        "us a view": 1e6 * wall / count / views,
        "cpu us a view": 1e6 * cpu / (count + 1) / views,
    }


class SimCLR(nn.Module):
    """The model of lightly's SimCLR example."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.projection_head = SimCLRProjectionHead(512, 512, 128)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.backbone(x).flatten(start_dim=1)
        return self.projection_head(x)


def example(stem: str) -> Iterator[None]:
    """The loop of lightly's SimCLR example; two workers for two cores, and, if asked, the stem
    that its own CIFAR benchmark uses instead of ImageNet's."""
    torch.manual_seed(0)
    resnet = torchvision.models.resnet18()
    if stem == "cifar":
        resnet.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        resnet.maxpool = nn.Identity()
    backbone = nn.Sequential(*list(resnet.children())[:-1])
    model = SimCLR(backbone)
    transform = SimCLRTransform(input_size=32, gaussian_blur=0.0)
    dataset = Tiles(2048, 32, transform)
    dataloader = DataLoader(dataset, batch_size=256, shuffle=True, drop_last=True, num_workers=2)
    criterion = NTXentLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.06)
    for _ in range(10_000):
        total_loss = 0
        for batch in dataloader:
            x0, x1 = batch[0]
            z0 = model(x0)
            z1 = model(x1)
            loss = criterion(z0, z1)
            total_loss += loss.detach()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            yield


@cache
def training(stem: str) -> Iterator[None]:
    return example(stem)


def step(stem: str, steps: int) -> dict[str, float]:
    """Seconds a step."""
    run, clock = training(stem), stopwatch()
    for _ in range(steps):
        next(run)
    wall, cpu = clock()  # less what the loader's workers use, as they have not ended
    return {"seconds a step": wall / steps, "cpu seconds a step": cpu / steps}


def loss(n: int) -> dict[str, float]:
    """NT-Xent of n embeddings of 128 numbers, forward and backward: seconds and MiB."""
    chance = torch.Generator().manual_seed(0)
    a, b = (torch.randn(n // 2, 128, generator=chance).requires_grad_() for _ in range(2))
    before, clock = forget_peak(), stopwatch()
    NTXentLoss(temperature=0.5)(a, b).backward()
    wall, cpu = clock()
    return {"seconds": wall, "cpu seconds": cpu, "MiB": peak() - before}


def neighbours(folder: str) -> dict[str, float]:
    """Seconds to find the 20 nearest of a bank by cosine, in faiss's flat index."""
    bank, queries = (np.load(f"{folder}/{x}.npy") for x in ("bank", "queries"))
    clock = stopwatch()
    faiss.normalize_L2(bank)
    faiss.normalize_L2(queries)
    index = faiss.IndexFlatIP(bank.shape[1])
    index.add(bank)
    _, found = index.search(queries, 20)
    wall, cpu = clock()
    np.save(f"{folder}/theirs.npy", found)
    return {"seconds": wall, "cpu seconds": cpu}


def probe(folder: str, l2: float) -> dict[str, float]:
    """Seconds to fit scikit-learn's logistic regression, and percent wrong on the test."""
    x, y, xt, yt = (np.load(f"{folder}/{name}.npy") for name in ("x", "y", "xt", "yt"))
    clock = stopwatch()
    scale = StandardScaler().fit(x)
    model = LogisticRegression(C=1 / (l2 * len(x)), max_iter=1000).fit(scale.transform(x), y)
    wall, cpu = clock()
    wrong = 100 * float((model.predict(scale.transform(xt)) != yt).mean())
    return {"seconds": wall, "cpu seconds": cpu, "percent wrong": wrong}


if __name__ == "__main__":
    serve(views, step, loss, neighbours, probe)
