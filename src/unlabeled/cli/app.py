"""The commands and their order."""

from __future__ import annotations

from cyclopts import App

import unlabeled
from unlabeled.cli import (
    check,
    compare,
    demo,
    diagnose,
    doctor,
    embed,
    evaluate,
    methods,
    pretrain,
    report,
)


def build(words: list[str]) -> App:
    """The application; `words` tell `pretrain` whose flags to show."""
    app = App(
        name="unlabeled",
        help="Learn from data without labels: train an encoder, judge it, use it.",
        version=unlabeled.__version__,
        help_format="plaintext",
    )
    app.command(demo.demo)
    app.command(pretrain.command(words), name="pretrain")
    app.command(embed.embed)
    app.command(evaluate.evaluate)
    app.command(diagnose.diagnose)
    app.command(report.report)
    app.command(compare.compare)
    app.command(methods.methods)
    app.command(check.check)
    app.command(doctor.doctor)
    return app
