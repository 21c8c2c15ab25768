"""The 20 nearest of 60,000 for 10,000 queries in 512 dimensions: ours, and faiss's flat index.

python -m benchmarks.peers.knn
"""

from __future__ import annotations

import tempfile

import numpy as np

from benchmarks.peers.paired import compare, keep, sides


def main() -> None:
    """Measure and keep."""
    chance = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder, sides() as pair:
        centres = chance.standard_normal((100, 512), dtype=np.float32)
        for name, n in (("bank", 60_000), ("queries", 10_000)):
            noise = chance.standard_normal((n, 512), dtype=np.float32)
            np.save(f"{folder}/{name}.npy", centres[chance.integers(100, size=n)] + noise)
        found = compare(*pair, "neighbours", 2, folder=folder)
        a, b = np.load(f"{folder}/ours.npy"), np.load(f"{folder}/theirs.npy")
        same = [len(set(x) & set(y)) / 20 for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    found.pop("folder")
    keep("knn", {**found, "share of neighbours in common": float(np.mean(same))})


if __name__ == "__main__":
    main()
