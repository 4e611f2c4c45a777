"""Reports: an executed notebook as one HTML file that loads nothing from anywhere.

The exporter, and what it renders with, is imported when it is first asked for: cards use the cells of reports alone.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forensics.report.exporter import ReportExporter, html

__all__ = ["ReportExporter", "html"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from forensics.report import exporter

    return getattr(exporter, name)
