"""Readiness as one HTML file: every value escaped, nothing loaded, no script."""

from __future__ import annotations

from collections import Counter
from importlib.resources import files
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

import forensics
from forensics.analysis.words import during
from forensics.output import visible
from forensics.readiness.plan import plan
from forensics.readiness.questions import where
from forensics.readiness.report import Report

_TEMPLATE = files("forensics.report").joinpath("template")
_STYLES = ("report.css", "display.css", "readiness.css")


def html(report: Report) -> str:
    """The page."""
    styles = [Markup(_TEMPLATE.joinpath(name).read_text("utf-8")) for name in _STYLES]  # noqa: S704
    page = Environment(autoescape=True, finalize=_shown).from_string(
        _TEMPLATE.joinpath("readiness.html.j2").read_text("utf-8")
    )
    return page.render(
        report=report,
        styles=styles,
        version=forensics.__version__,
        asked=during(report.first, report.last),
        counts={account: _counts(report, account) for account in report.accounts},
        denied={account: _denied(report, account) for account in report.accounts},
        steps=_steps(report),
    )


def _shown(value: Any) -> Any:
    """Text in which nothing turns direction or hides; line breaks stay."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return "\n".join(visible(line) for line in value.split("\n"))


def _counts(report: Report, account: str) -> dict[str, int]:
    """How many log types are in each state, by account and Region."""
    found = Counter(row.enabled for row in report.rows if row.account_id == account)
    return {word: found[word] for word in ("on", "partly", "off", "unknown") if found[word]}


def _denied(report: Report, account: str) -> list[tuple[str, list[str]]]:
    return [
        (call, list(dict.fromkeys(row.check.title for row in rows)) or ["details"])
        for (owner, call), rows in report.unknown.items()
        if owner == account
    ]


def _steps(report: Report) -> list[dict[str, Any]]:
    return [
        {
            "title": step.title,
            "account": step.account,
            "where": where(step.regions),
            "reason": step.reason,
            "closes": step.closes,
            "terraform": step.text("terraform"),
            "cli": step.text("cli"),
        }
        for step in plan(report).steps
    ]
