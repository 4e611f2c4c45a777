"""The findings: a lane for each type, from first to last sight, coloured and sized by severity, marked by who found them."""

from collections.abc import Sequence
from textwrap import wrap

import plotly.graph_objects as go

from forensics.detect import ran
from forensics.timeline import Timeline
from forensics.views.drawing import (
    FAINT,
    LEGEND_ROW,
    SEVERITIES,
    drawn_from,
    empty_figure,
    frame,
    legend_at,
    severity_level,
    window,
)
from forensics.views.found_by import add_finders, finder, named_mark, type_of
from forensics.views.involved import Finding, findings_of
from forensics.views.labels import count_of, label, moment

TITLE = "Findings"
TYPES = 30
"""Lanes drawn at most: the types with the most severe findings."""
SHOWN = 300
"""Findings drawn at most: the most severe."""

_LANE = 34


@drawn_from
def findings_figure(timeline: Timeline) -> go.Figure:
    """Findings that are events of the timeline or cite one, by type, the most severe type on top."""
    found = findings_of(timeline)
    timed = [item for item in found if item.time]
    if not timed:
        without = f"no events to draw: {count_of(len(found), 'finding')} without a time" if found else ""
        unseen = ran.remark(timeline.case)
        return _unseen(empty_figure(TITLE, without or "no events with a finding in this timeline"), unseen)
    ranked = sorted(timed, key=lambda item: (-(item.severity or 0), item.type or "", item.finding_id))
    types = list(dict.fromkeys(map(type_of, ranked)))[:TYPES]
    shown = [item for item in ranked if type_of(item) in types][:SHOWN]
    figure = go.Figure()
    for level in [*(name for name, _, _ in SEVERITIES), "no severity"]:
        _add_level(figure, [item for item in shown if severity_level(item.severity)[0] == level], types)
    return _unseen(_framed(figure, found, shown, types), ran.remark(timeline.case))


def _add_level(figure: go.Figure, findings: Sequence[Finding], types: Sequence[str | None]) -> None:
    if not findings:
        return
    level, colour = severity_level(findings[0].severity)
    figure.add_trace(named_mark(level, {"color": colour, "symbol": "square", "size": 11}))
    places = [types.index(type_of(item)) for item in findings]
    figure.add_trace(_spans(findings, places, colour))
    figure.add_trace(
        go.Scatter(
            x=[item.time for item in findings],
            y=places,
            customdata=[_fields(item) for item in findings],
            meta={"events": 7},
            text=["" if item.severity is None else f"{item.severity:g}" for item in findings],
            textposition="top center",
            textfont={"size": 10, "color": colour},
            mode="markers+text",
            cliponaxis=False,
            showlegend=False,
            marker={
                "color": colour,
                "symbol": [finder(item).symbol for item in findings],
                "size": [9 + (item.severity or 0) * 0.7 for item in findings],
                "line": {"color": "#ffffff", "width": 1},
            },
            hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]} to %{customdata[2]} UTC"
            "<br>found by %{customdata[3]}, severity %{text}<br>principal %{customdata[4]}"
            "<br>access key %{customdata[5]}<br>workload %{customdata[6]}<br>finding %{customdata[7]}<extra></extra>",
        )
    )


def _spans(findings: Sequence[Finding], places: Sequence[int], colour: str) -> go.Scatter:
    """A line from first to last sight of each finding."""
    return go.Scatter(
        x=[value for item in findings for value in (item.time, item.end_time or item.time, None)],
        y=[value for place in places for value in (place, place, None)],
        mode="lines",
        line={"color": colour, "width": 3},
        opacity=0.5,
        hoverinfo="skip",
        showlegend=False,
    )


def _fields(item: Finding) -> list[str]:
    end = moment(item.end_time or item.time)
    held = (finder(item).name, item.principal, item.access_key_id, item.workload, item.finding_id)
    return [label(item.title or item.type), moment(item.time), end, *(label(value) for value in held)]


def _framed(
    figure: go.Figure, found: Sequence[Finding], shown: Sequence[Finding], types: Sequence[str | None]
) -> go.Figure:
    notes = ["mark: first seen, bar: to last seen, number: severity"]
    notes += [f"{len(found) - len(shown):,} less severe or without a time not drawn"] if len(found) > len(shown) else []
    marked = add_finders(figure, shown)
    height = _LANE * len(types) + 170 + LEGEND_ROW * marked
    title = f"{count_of(len(found), 'finding')} of {count_of(len({type_of(item) for item in found}), 'type')}"
    frame(figure, title=title, subtitle="; ".join(notes), height=height, legend_rows=1 + marked)
    figure.update_layout(legend=legend_at(marked, height, "severity"), legend2=legend_at(0, height, "found by"))
    figure.update_yaxes(
        tickvals=list(range(len(types))),
        ticktext=[label(name, 52) for name in types],
        range=[len(types) - 0.4, -0.7],
    )
    times = [time for item in shown for time in (item.time, item.end_time) if time]
    figure.update_xaxes(range=window(min(times), max(times)), title_text="time, UTC")
    return figure


def _unseen(figure: go.Figure, unseen: str) -> go.Figure:
    """With a line that says where rules and behaviours have not looked."""
    lines = wrap(unseen, _LINE)
    if lines:
        title = figure.layout.title
        said = "<br>".join(filter(None, [title.subtitle.text, *(label(line, 2 * _LINE) for line in lines)]))
        more = 16 * len(lines)
        figure.update_layout(
            title_subtitle={"text": said, "font": {"size": 12, "color": FAINT}},
            height=figure.layout.height + more,
            margin_t=figure.layout.margin.t + more,
        )
    return figure


_LINE = 96
