"""A logistic probe on 60,000 x 512 features with one penalty: ours, and scikit-learn's.

python -m benchmarks.peers.probe

The features are those of Fashion-MNIST under a fixed random layer, so they have real labels.
"""

from __future__ import annotations

import tempfile

import numpy as np

from benchmarks.peers.paired import compare, keep, sides
from unlabeled.data import open_labeled
from unlabeled.encoders import Shape

L2 = 1e-4


def main() -> None:
    """Measure and keep."""
    layer = np.random.default_rng(0).standard_normal((784, 512), dtype=np.float32) / 28
    with tempfile.TemporaryDirectory() as folder, sides() as pair:
        for part, x, y in (("train", "x", "y"), ("test", "xt", "yt")):
            store, labels = open_labeled(f"fashion-mnist:{part}", Shape("image", 1, 28))
            pixels = np.asarray(store.data[:], np.float32).reshape(len(store), -1) / 255
            np.save(f"{folder}/{x}.npy", np.maximum(pixels @ layer, 0))
            np.save(f"{folder}/{y}.npy", labels.values)
        found = compare(*pair, "probe", 2, folder=folder, l2=L2)
    found.pop("folder")
    keep("probe", found)


if __name__ == "__main__":
    main()
