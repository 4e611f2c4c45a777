"""Reports: an executed notebook as one HTML file that loads nothing from anywhere."""

from forensics.report.exporter import ReportExporter, html

__all__ = ["ReportExporter", "html"]
