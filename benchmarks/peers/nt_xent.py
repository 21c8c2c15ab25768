"""NT-Xent, forward and backward, time and extra memory: ours, and lightly's.

python -m benchmarks.peers.nt_xent
"""

from __future__ import annotations

from benchmarks.peers.paired import compare, keep, sides, spread, tell

SECONDS, MIB = 60, 8192  # of processors; their side is left out where it would take more
SIZES = [2**i for i in range(10, 16)]


def main() -> None:
    """Measure and keep."""
    found, last = [], {"cpu seconds": 0.0, "MiB": 0.0}
    with sides() as (ours, theirs):
        for n in SIZES:
            if 4 * last["cpu seconds"] < SECONDS and 4 * last["MiB"] < MIB:
                found.append(compare(ours, theirs, "loss", 5 if n < 8192 else 2, n=n))
                last = {name: found[-1][name]["theirs"]["median"] for name in last}
            else:
                alone = [ours.ask("loss", n=n) for _ in range(2)]
                found.append(
                    {"task": "loss", "n": n, "rounds": 2}
                    | {name: {"ours": spread([a[name] for a in alone])} for name in alone[0]}
                )
                tell(found[-1])
    keep("nt_xent", found)


if __name__ == "__main__":
    main()
