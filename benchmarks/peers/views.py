"""Two SimCLR views of every image of a batch: ours, and lightly's transform in a DataLoader.

python -m benchmarks.peers.views
"""

from __future__ import annotations

from benchmarks.peers.paired import compare, keep, sides

SMALL = {"stored": 32, "size": 32, "batch": 256, "count": 4, "blur": 0.0}
LARGE = {"stored": 256, "size": 224, "batch": 64, "count": 4}


def main() -> None:
    """Measure and keep."""
    with sides() as pair:
        found = [
            compare(*pair, "views", rounds, more={"workers": workers}, **settings)
            for settings, rounds in [
                (SMALL, 7),
                (LARGE | {"blur": 0.0}, 4),
                (LARGE | {"blur": 0.5}, 4),
            ]
            for workers in (2, 0)
        ]
    keep("views", found)


if __name__ == "__main__":
    main()
