"""Which samples each step sees: a function of (seed, step), with no state to lose."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from unlabeled.data.demand import OnDemand
from unlabeled.data.store import Store
from unlabeled.errors import DataError
from unlabeled.views.dice import Batch, seed_of
from unlabeled.world import world

SHOWN = 8  # samples that a run's page shows its task on, and that are held out for it
ENOUGH = 160  # where there are fewer samples than this, none is held out
AHEAD = 2  # batches that are decoded while one is trained on, where samples are decoded on demand


def spread(n: int, count: int, seed: int = 0) -> Tensor:
    """`count` samples spread over the data by chance, the same ones for the same seed."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed))[:count]


def held_out(run: dict[str, Any], store: Store) -> int:
    """How many samples were held out of a run: of its own data alone, and none in older runs.

    Args:
        run: What its config.json says of its "data".
        store: The samples that are asked about.
    """
    return run.get("held", 0) if store.fingerprint == run["fingerprint"] else 0


class Known:
    """Samples as a method may know them before training: neighbours stand for those held out.

    Args:
        store: All samples.
        held: How many are held out: those that `spread` names.
    """

    def __init__(self, store: Store, held: int) -> None:
        self.store, self.rows, apart = store, torch.arange(len(store)), spread(len(store), held)
        kept = self.rows[torch.isin(self.rows, apart, invert=True)]
        self.rows[apart] = kept[torch.searchsorted(kept, apart).clamp(max=len(kept) - 1)]

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, index: slice | Tensor) -> Tensor:
        return self.store[self.rows[index]]


class Batches:
    """Batch t of a run, for any t.

    Every pass over the data has an order of its own, a function of (seed, epoch); a pass drops
    the few samples that do not fill a batch. Each process reads its equal share of a batch.

    Args:
        store: The samples.
        size: Samples per step over all processes; at most all that are not held out.
        seed: The run's seed.
        device: Where batches go. A small store is uploaded whole.
        held: So many samples, those that `spread` names, are in no batch.

    Raises:
        DataError: Where there are fewer than two samples, or a batch cannot be shared equally.
    """

    def __init__(
        self, store: Store, size: int, *, seed: int = 0, device: str | torch.device = "cpu",
        held: int = 0,
    ) -> None:  # fmt: skip
        self.store, self.seed, self.device = store, seed, torch.device(device)
        self.apart, self.count = spread(len(store), held), len(store) - held
        self.size = min(size, self.count)
        if self.size < 2:
            raise DataError(f"{store.source}: {len(store)} sample(s); at least 2 are needed")
        if self.size % world()[1]:
            raise DataError(f"a batch of {self.size} cannot be shared by {world()[1]} processes")
        self._orders: dict[int, Tensor] = {}  # of this pass and, now and then, of the next
        self._resident = self._upload()

    def _upload(self) -> Tensor | None:
        """The whole store on the device, where it takes less than a quarter of its memory."""
        if self.device.type != "cuda" or isinstance(self.store.data, OnDemand):
            return None
        free, _ = torch.cuda.mem_get_info(self.device)
        if self.store.data.nbytes > free / 4:
            return None
        return torch.from_numpy(self.store.data[:]).to(self.device)

    @property
    def uploaded(self) -> int:
        """Bytes of samples that were uploaded to the device."""
        return 0 if self._resident is None else self._resident.nbytes

    def __len__(self) -> int:
        """Steps in one pass over the data."""
        return self.count // self.size

    def samples(self, step: int) -> Tensor:
        """Which samples this process sees at `step`, `(b,)`."""
        epoch, at = divmod(step, len(self))
        if epoch not in self._orders:
            chance = torch.Generator().manual_seed(seed_of(self.seed, epoch))
            near = {e: order for e, order in self._orders.items() if abs(e - epoch) == 1}
            order = torch.randperm(len(self.store), generator=chance)
            self._orders = {**near, epoch: order[torch.isin(order, self.apart, invert=True)]}
        rank, ranks = world()
        share = self.size // ranks
        first = at * self.size + rank * share
        return self._orders[epoch][first : first + share]

    def __getitem__(self, step: int) -> Batch:
        index = self.samples(step)
        there = index.to(self.device)
        if self._resident is not None:
            rows = self._resident[there]
            rows = rows.long() if self.store.shape.modality == "text" else rows
        else:
            rows = self._read(step, index).to(self.device, non_blocking=True)
        return Batch(rows, there, seed=self.seed, epoch=step // len(self))

    def _read(self, step: int, index: Tensor) -> Tensor:
        data = self.store.data
        if not isinstance(data, OnDemand):
            return self.store.read(index)
        soon = torch.cat([self.samples(step + ahead) for ahead in range(1, AHEAD + 1)])
        return torch.from_numpy(data.feed(index.numpy(), soon.numpy()))
