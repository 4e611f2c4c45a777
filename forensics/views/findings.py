"""The findings: a lane for each type, from first to last sight, coloured and sized by severity."""

from collections.abc import Sequence

import plotly.graph_objects as go

from forensics.timeline import Timeline
from forensics.views.drawing import SEVERITIES, drawn_from, empty_figure, frame, legend_at, severity_level, window
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
        return empty_figure(TITLE, without or "no events with a finding in this timeline")
    ranked = sorted(timed, key=lambda item: (-(item.severity or 0), item.type or "", item.finding_id))
    types = list(dict.fromkeys(item.type for item in ranked))[:TYPES]
    shown = [item for item in ranked if item.type in types][:SHOWN]
    figure = go.Figure()
    for level in [*(name for name, _, _ in SEVERITIES), "no severity"]:
        _add_level(figure, level, [item for item in shown if severity_level(item.severity)[0] == level], types)
    return _framed(figure, found, shown, types)


def _add_level(figure: go.Figure, level: str, findings: Sequence[Finding], types: Sequence[str | None]) -> None:
    if not findings:
        return
    colour = severity_level(findings[0].severity)[1]
    places = [types.index(item.type) for item in findings]
    figure.add_trace(_spans(findings, places, colour))
    figure.add_trace(
        go.Scatter(
            x=[item.time for item in findings],
            y=places,
            customdata=[_fields(item) for item in findings],
            meta={"events": 6},
            text=["" if item.severity is None else f"{item.severity:g}" for item in findings],
            textposition="top center",
            textfont={"size": 10, "color": colour},
            mode="markers+text",
            cliponaxis=False,
            name=level,
            marker={
                "color": colour,
                "symbol": "diamond",
                "size": [9 + (item.severity or 0) * 0.7 for item in findings],
                "line": {"color": "#ffffff", "width": 1},
            },
            hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]} to %{customdata[2]} UTC"
            "<br>severity %{text}<br>principal %{customdata[3]}<br>access key %{customdata[4]}"
            "<br>workload %{customdata[5]}<br>finding %{customdata[6]}<extra></extra>",
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
    held = (item.principal, item.access_key_id, item.workload, item.finding_id)
    return [label(item.title or item.type), moment(item.time), end, *(label(value) for value in held)]


def _framed(
    figure: go.Figure, found: Sequence[Finding], shown: Sequence[Finding], types: Sequence[str | None]
) -> go.Figure:
    notes = ["diamond: first seen, bar: to last seen, number: severity"]
    notes += [f"{len(found) - len(shown):,} less severe or without a time not drawn"] if len(found) > len(shown) else []
    height = _LANE * len(types) + 170
    title = f"{count_of(len(found), 'finding')} of {count_of(len({item.type for item in found}), 'type')}"
    frame(figure, title=title, subtitle="; ".join(notes), height=height)
    figure.update_layout(legend=legend_at(0, height, "severity"))
    figure.update_yaxes(
        tickvals=list(range(len(types))),
        ticktext=[label(name, 52) for name in types],
        range=[len(types) - 0.4, -0.7],
    )
    times = [time for item in shown for time in (item.time, item.end_time) if time]
    figure.update_xaxes(range=window(min(times), max(times)), title_text="time, UTC")
    return figure
