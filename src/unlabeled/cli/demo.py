"""`unlabeled demo`: the main job on the embedded sample, from data to report."""

from __future__ import annotations

from pathlib import Path


def demo(*, method: str = "simclr", time: str = "2m", out: Path | None = None) -> None:
    """Pretrain on 8,000 embedded images without their labels, judge it, and write a report.

    Takes a few minutes on two cores. The images are Fashion-MNIST's test split (MIT licence); the
    labels of 8,000 and 2,000 others are used at the end, to score what was learnt without them.

    Parameters
    ----------
    method:
        Which method to show.
    time:
        How long to train.
    out:
        The run's folder.
    """
    import sys

    import unlabeled
    from unlabeled.cli.evaluate import aligned
    from unlabeled.evaluate import basis, table

    run = unlabeled.pretrain(method, "sample", time=time, out=out, report=False)
    print("\nwith labels, frozen features:", file=sys.stderr)
    result = run.evaluate(
        train="sample:train", test="sample:test", protocols=("knn", "linear", "few")
    )
    print("\n".join([*aligned(table(result)), "", *basis(result)]))
    print(f"\n{run.verdict['words']}\n")
    print(f"report: {run.report().resolve()}")
