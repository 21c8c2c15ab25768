"""A training step of SimCLR on a ResNet-18 at 32 pixels, batch 256: ours, and lightly's example.

python -m benchmarks.peers.step

"cifar" is the network with a 3x3 stem, as both libraries use it for CIFAR; "imagenet" is the
network of lightly's example as it stands, whose stem shrinks the image fourfold.
"""

from __future__ import annotations

from benchmarks.peers.paired import compare, keep, sides


def main() -> None:
    """Measure and keep."""
    with sides() as pair:
        found = [
            compare(*pair, "step", 5, stem="imagenet", steps=2),
            compare(*pair, "step", 2, stem="cifar", steps=1),
        ]
    keep("step", found)


if __name__ == "__main__":
    main()
