"""Two SimCLR views of every image of a batch: ours, and lightly's transform in a DataLoader.

python -m benchmarks.peers.views
"""

from __future__ import annotations

from benchmarks.peers.paired import compare, keep, sides

SMALL = {"stored": 32, "size": 32, "batch": 256, "count": 3, "blur": 0.0}
LARGE = {"stored": 256, "size": 224, "batch": 32, "count": 3}
CASES = [  # settings, workers of theirs, rounds
    (SMALL, 2, 5),
    (SMALL, 0, 3),
    (LARGE | {"blur": 0.0}, 2, 3),
    (LARGE | {"blur": 0.5}, 2, 3),
]


def main() -> None:
    """Measure and keep."""
    with sides() as pair:
        found = [
            compare(*pair, "views", rounds, more={"workers": workers}, **settings)
            for settings, workers, rounds in CASES
        ]
    keep("views", found)


if __name__ == "__main__":
    main()
