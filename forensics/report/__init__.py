"""Reports: an executed notebook as one HTML file that loads nothing from anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forensics.report.exporter import ReportExporter, html

__all__ = ["ReportExporter", "html"]


def __getattr__(name: str) -> Any:
    """What makes reports, imported when it is asked for: cards show the same cells, and need none of it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from forensics.report import exporter

    return getattr(exporter, name)
