"""The self-contained page that a run leaves behind."""

from unlabeled.report.content import Content
from unlabeled.report.page import page, write

__all__ = ["Content", "page", "write"]
