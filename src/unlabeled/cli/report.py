"""`unlabeled report RUN`: write the page anew."""

from __future__ import annotations

from pathlib import Path


def report(run: Path, *, data: str = "") -> None:
    """Write RUN/report.html: one file, no network, safe to mail.

    Parameters
    ----------
    run:
        The run's folder.
    data:
        Samples to show; the run's own if none are given.
    """
    import unlabeled

    print(unlabeled.load(run).report(data or None))
