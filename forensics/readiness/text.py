"""Readiness as a page of text, a hundred columns wide; what names carry does no harm on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from textwrap import wrap

from forensics.analysis.words import at, count, listed
from forensics.output import visible
from forensics.readiness.questions import Answerable, where
from forensics.readiness.report import Line, Report, Warned

WIDTH = 100
_COLUMNS = (("log type", 30), ("enabled", 7), ("where", 16), ("things", 9), ("org.", 4), ("kept", 13), ("encrypted", 9))
_SAID = {"yes": "yes", "no": "NO", "partly": "in part", "unknown": "unknown"}


def text(report: Report) -> str:
    """The whole page."""
    parts = [part for account in report.accounts for part in _account(report, account)]
    return "\n".join(visible(line) for part in parts for line in part.split("\n"))


def _account(report: Report, account: str) -> Iterator[str]:
    if shut := report.shut(account):
        yield from _wrapped(f"Of account {account} nothing is known: it could not be entered. {shut}")
        yield ""
        return
    asked = f"{count(len(report.regions_of(account)), 'Region')}: {where(report.regions_of(account))}"
    yield from _wrapped(f"Log readiness of account {account} ({asked}), as AWS's APIs said at {at(report.last)}")
    if account in report.managed:
        yield f"Its organisation is managed by account {report.managed[account]}."
    yield ""
    yield _row([name for name, _ in _COLUMNS])
    yield _row(["-" * width for _, width in _COLUMNS])
    for line in report.lines:
        if line.one.account_id == account:
            yield from _line(line)
    if idle := report.idle(account):
        yield ""
        yield from _wrapped(f"Nothing there to log: {', '.join(idle)}.")
    yield from _warnings([item for item in report.warnings if item.account_id == account])
    yield from _unknown(report, account)
    yield from _questions([item for item in report.unanswered if item.account_id == account])
    yield ""


def _line(line: Line) -> Iterator[str]:
    row = line.one
    wide = "yes" if row.organisation_wide else "-" if row.enabled in ("off", "unknown") else "no"
    held = line.scope if line.check.fold == "all" else ""
    place = "account" if line.regions == ("global",) else where(line.regions, 1)
    if len(line.regions) > 1:
        place = count(len(line.regions), "Region")
    yield _row([row.check.title, row.enabled, place, held, wide, row.retention, row.encryption])
    yield from _wrapped("; ".join(filter(None, _details(line))), "    ")


def _details(line: Line) -> Iterator[str]:
    row = line.one
    if row.enabled in ("on", "partly"):
        yield f"to {row.destination}" if row.destination else ""
        yield row.centrally_managed
        yield line.scope if line.check.fold == "any" else ""
        yield row.integrity
        yield f"delay: {row.delay}"
    else:
        yield f"would tell {row.check.why}"
    yield row.note
    yield f"cost: {row.cost_driver}"


def _warnings(items: Sequence[Warned]) -> Iterator[str]:
    if items:
        yield from _heading("Warnings")
    for item in items:
        named = f": {listed(list(item.things), 4)}" if item.things else ""
        yield from _wrapped(f"! {item.title}: {item.text} ({where(item.regions)}{named})", "  ", "")


def _unknown(report: Report, account: str) -> Iterator[str]:
    found = {call: rows for (owner, call), rows in report.unknown.items() if owner == account}
    if found:
        yield from _heading("Not known, because a call was not answered")
    for call, rows in found.items():
        if rows:
            titles = list(dict.fromkeys(row.check.title for row in rows))
            places = list(dict.fromkeys(row.region for row in rows))
            yield from _wrapped(f"? {call} ({where(places)}): {listed(titles, 4)}", "  ", "")
    if details := [call for call, rows in found.items() if not rows]:
        yield from _wrapped(f"? details, such as retention or who administers: {'; '.join(details)}", "  ", "")


def _questions(items: Sequence[Answerable]) -> Iterator[str]:
    yield from _heading("What an incident could not be answered today")
    if not items:
        yield "Every question of the list could be answered."
    for workload, group in groupby(items, key=lambda item: item.question.workload):
        yield f"{'Any incident' if workload == 'any' else workload}:"
        for item in group:
            place = f" ({where(item.regions)})" if item.verdict == "partly" else ""
            yield from _wrapped(f"{_SAID[item.verdict]:7}  {item.question.text}{place}", " " * 11, "  ")
            for reason in item.reasons:
                yield from _wrapped(f"- {reason}", " " * 13, " " * 11)


def _heading(title: str) -> Iterator[str]:
    yield ""
    yield title
    yield "-" * len(title)


def _row(cells: Sequence[str]) -> str:
    widths = [width for _, width in _COLUMNS]
    return "  ".join(f"{_cut(cell, width):{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()


def _cut(cell: str, width: int) -> str:
    seen = visible(cell)
    return seen if len(seen) <= width else f"{seen[: width - 1]}…"


def _wrapped(said: str, rest: str = "", first: str | None = None) -> list[str]:
    opening = rest if first is None else first
    return wrap(visible(said), WIDTH, initial_indent=opening, subsequent_indent=rest, break_on_hyphens=False)
