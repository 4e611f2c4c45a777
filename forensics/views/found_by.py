"""Findings in figures: who found each is told by its mark and its lane, how severe it is by its colour."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from forensics.views.drawing import FAINT, severity_level
from forensics.views.involved import Finding
from forensics.views.labels import label

FINDINGS = 100
"""Findings of one lane drawn at most: the most severe."""

TEXTS = 12
"""Of more findings in a lane the severities are not written: they would cover each other."""


@dataclass(frozen=True)
class Finder:
    """Who found it, in a legend; the lane of a timeline that it is in; its mark; what stands before its type."""

    name: str
    lane: str
    symbol: str
    prefix: str = ""


FINDERS = {
    "guardduty": Finder("GuardDuty", "findings", "diamond"),
    "security_hub": Finder("Security Hub", "findings", "square"),
    "tampering": Finder("act against a log", "acts against logs", "star"),
    "sigma": Finder("rule", "rules", "triangle-up", "rule: "),
    "behaviour": Finder("behaviour", "behaviours", "circle"),
}
"""By `finding.source`, in the order of their lanes."""

_OTHER = Finder("other", "findings", "pentagon")


def finder(item: Finding) -> Finder:
    """Who found it."""
    return FINDERS.get(item.source, _OTHER)


def by_lane(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """Those with a time by lane, in the order of the lanes."""
    timed = [item for item in findings if item.time]
    names = dict.fromkeys(known.lane for known in FINDERS.values())
    lanes = {name: [item for item in timed if finder(item).lane == name] for name in names}
    return {name: items for name, items in lanes.items() if items}


def most_severe(findings: Sequence[Finding]) -> list[Finding]:
    """At most `FINDINGS` of them, in the order given."""
    kept = {item.finding_id for item in sorted(findings, key=lambda item: -(item.severity or 0))[:FINDINGS]}
    return [item for item in findings if item.finding_id in kept]


def type_of(item: Finding) -> str | None:
    """Its type, with what kind of finder it is of where the type alone would not say."""
    return f"{finder(item).prefix}{item.type}" if item.type else item.type


def add_marks(figure: go.Figure, lanes: dict[str, list[Finding]], *, lowest: int) -> None:
    """A mark for each finding in its lane, and a dotted line down to the lowest lane from what products found and from acts against logs."""
    for place, (lane, items) in enumerate(lanes.items()):
        shown = most_severe(items)
        for level, colour in dict.fromkeys(severity_level(item.severity) for item in shown):
            mine = [item for item in shown if severity_level(item.severity)[0] == level]
            figure.add_trace(_marks(mine, level, place, texts=len(shown) <= TEXTS), row=1, col=1)
            if lane not in (FINDERS["sigma"].lane, FINDERS["behaviour"].lane):
                figure.add_trace(_threads(mine, colour, place + 0.2, lowest - 0.5), row=1, col=1)


def _marks(findings: Sequence[Finding], level: str, place: int, *, texts: bool) -> go.Scatter:
    colour = severity_level(findings[0].severity)[1]
    number = ["" if item.severity is None else f"{item.severity:g}" for item in findings]
    fields = ("found by", "type", "severity", "principal", "workload", "finding")
    told = "".join(f"<br>{name} %{{customdata[{at}]}}" for at, name in enumerate(fields, 1))
    return go.Scatter(
        x=[item.time for item in findings],
        y=[place] * len(findings),
        customdata=[[label(value) for value in _fields(item)] for item in findings],
        meta={"events": 6},
        text=number if texts else None,
        textposition="middle right",
        textfont={"size": 11, "color": colour},
        mode="markers+text" if texts else "markers",
        name=f"finding, {level}",
        showlegend=False,
        cliponaxis=False,
        marker={
            "color": colour,
            "symbol": [finder(item).symbol for item in findings],
            "size": 13,
            "line": {"color": "#ffffff", "width": 1},
        },
        hovertemplate=f"<b>%{{customdata[0]}}</b><br>%{{x|%Y-%m-%d %H:%M:%S}} UTC{told}<extra></extra>",
    )


def _fields(item: Finding) -> tuple[object, ...]:
    severity = None if item.severity is None else f"{item.severity:g}"
    who = (item.principal, item.workload, item.finding_id)
    return item.title or item.type, finder(item).name, item.type, severity, *who


def _threads(findings: Sequence[Finding], colour: str, highest: float, lowest: float) -> go.Scatter:
    return go.Scatter(
        x=[value for item in findings for value in (item.time, item.time, None)],
        y=[highest, lowest, None] * len(findings),
        mode="lines",
        line={"color": colour, "width": 1, "dash": "dot"},
        opacity=0.6,
        hoverinfo="skip",
        showlegend=False,
    )


def add_finders(figure: go.Figure, findings: Iterable[Finding]) -> bool:
    """A legend of the marks, in `legend2`; whether there is one: not where one kind of finder found all."""
    present = {finder(item) for item in findings}
    known = [item for item in (*FINDERS.values(), _OTHER) if item in present]
    for item in known if len(known) > 1 else ():
        mark = named_mark(item.name, {"color": FAINT, "symbol": item.symbol, "size": 11})
        figure.add_trace(mark.update(legend="legend2"))
    return len(known) > 1


def named_mark(name: str, marker: Mapping[str, object]) -> go.Scatter:
    """A mark that is in a legend only."""
    return go.Scatter(x=[None], y=[None], mode="markers", marker=dict(marker), name=name, hoverinfo="skip")
