"""`unlabeled report RUN`: write the page anew."""

from __future__ import annotations

from pathlib import Path


def report(run: Path, *, data: str = "", allow_bad: float | None = None) -> None:
    """Write RUN/report.html: one file, no network, safe to mail.

    Parameters
    ----------
    run:
        The run's folder.
    data:
        Samples to show, with their labels where they have any; the run's own if none are given.
    allow_bad:
        Share of files that may be unreadable; by default the run's.
    """
    import unlabeled
    from unlabeled.log import Log

    done, progress = unlabeled.load(run), Log().decoding
    print(done.report(data or None, allow_bad=allow_bad, progress=progress))
