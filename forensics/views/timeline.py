"""The timeline: lanes of findings by who found them, a lane for each source or workload, below them who held which key."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import log1p
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from forensics.detect import ran
from forensics.timeline import Timeline
from forensics.views.bins import Bins
from forensics.views.drawing import (
    BLUE,
    LEGEND_ROW,
    OUTCOMES,
    VERMILION,
    drawn_from,
    empty_figure,
    frame,
    lanes,
    legend_at,
    window,
)
from forensics.views.found_by import add_marks, by_lane, most_severe
from forensics.views.involved import Finding, Lifetime, findings_of, lifetimes_of
from forensics.views.labels import count_of, ends, label, moment
from forensics.views.laned import Lanes
from forensics.views.lifetimes import add_lifetimes, holding_names

TITLE = "Timeline"
SINGLE = 300
"""Up to this many events are drawn one by one; more are counted in bins."""
BINS = 160
LIFETIMES = 40

_LANE, _BAR = 46, 22


@drawn_from
def timeline_figure(timeline: Timeline, *, by: str = "source", lifetimes: bool = True) -> go.Figure:
    """Events over time, the findings about them and what the workloads involved held meanwhile.

    A lane is a source, or with `by="workload"` a workload that events are attributed to, whatever the question. A click gives an event's id, or the first and the last of a bin. Raises UsageError.

    More than `SINGLE` events are drawn as counts per bin, heights logarithmic so that a single event shows.
    At most `FINDINGS` findings of a lane (the most severe) and `LIFETIMES` bars are drawn; the rest is counted.
    """
    found = Lanes.of(timeline, by)
    findings = findings_of(timeline)
    times = [time for lane in found.found for time in (lane.first, lane.last) if time]
    times += [item.time for item in findings if item.time]
    if not times:
        number = found.events + len(findings)
        without = f": {count_of(number, 'event')} without a time" if number else " in this timeline"
        return empty_figure(TITLE, f"no events to draw{without}")
    held = lifetimes_of(timeline) if lifetimes else []
    return _draw(found, findings, held=held, span=(min(times), max(times)))


def _draw(
    found: Lanes,
    findings: list[Finding],
    *,
    held: list[Lifetime],
    span: tuple[datetime, datetime],
) -> go.Figure:
    drawn, marked, bars = found.drawn, by_lane(findings), held[:LIFETIMES]
    names = [f"<b>{name}</b> {len(items):,}" for name, items in marked.items()]
    names += [f"{label(_short(lane.name), 40)} {lane.events:,}" for lane in drawn]
    figure, height = _panels(_LANE * len(names), _BAR * len(bars))
    manner = _add_events(figure, found, Bins.over(*span, at_most=BINS), below=len(marked))
    add_marks(figure, marked, lowest=len(names))
    axis = window(*span)
    add_lifetimes(figure, bars, axis, row=2)
    left_out = _left_out(found, findings, marked, len(held) - len(bars))
    notes = "; ".join(filter(None, [*manner, *left_out, ran.in_short(found.timeline.case)]))
    title = _title(found, findings, span)
    frame(figure, title=title, subtitle=notes, height=height, legend_rows=1 + bool(bars))
    legends = {"legend": legend_at(len(bars) > 0, height, "outcome"), "legend2": legend_at(0, height, "held")}
    figure.update_layout(barmode="overlay", **legends)
    lanes(figure, names)
    if bars:
        lanes(figure, holding_names(bars), row=2)
    figure.update_xaxes(range=axis)
    figure.update_xaxes(title_text="time, UTC", row=1 + bool(bars), col=1)
    return figure


def _panels(lanes_height: int, bars_height: int) -> tuple[go.Figure, int]:
    """Subplots of those heights in pixels, the second only if it has one, and the height of the whole."""
    heights = [height for height in (lanes_height, bars_height) if height]
    figure = make_subplots(
        rows=len(heights),
        cols=1,
        shared_xaxes=True,
        row_heights=heights,
        vertical_spacing=20 / (sum(heights) + 20),
    )
    return figure, sum(heights) + 150 + LEGEND_ROW * len(heights)


def _short(name: str) -> str:
    """A source's name, or a workload's key without its account and Region."""
    return name.split(":", 5)[-1] if name.startswith("arn:") else name


def _title(found: Lanes, findings: Sequence[Finding], span: tuple[datetime, datetime]) -> str:
    counted = f"{count_of(found.events, 'event')} and {count_of(len(findings), 'finding')}"
    return f"{counted}, {moment(span[0])[:19]} to {moment(span[1])[:19]} UTC"


def _left_out(
    found: Lanes, findings: Sequence[Finding], marked: Mapping[str, Sequence[Finding]], held: int
) -> list[str]:
    lanes_left = sum(lane.timed > 0 for lane in found.found) - len(found.drawn)
    untimed = sum(lane.events - lane.timed for lane in found.found) + sum(item.time is None for item in findings)
    severe = sum(len(items) - len(most_severe(items)) for items in marked.values())
    counted = {
        "without a time": untimed,
        "lanes with fewer events": lanes_left,
        "less severe findings": severe,
        "further things held": held,
    }
    return [f"not drawn: {number:,} {what}" for what, number in counted.items() if number]


def _add_events(figure: go.Figure, found: Lanes, bins: Bins, *, below: int) -> list[str]:
    places = {lane.name: place for place, lane in enumerate(found.drawn, start=below)}
    if not places:
        return []
    if sum(lane.timed for lane in found.drawn) <= SINGLE:
        return _add_single(figure, found.single(), places)
    return _add_binned(figure, found.binned(bins), places, bins)


def _add_single(figure: go.Figure, rows: Sequence[tuple[Any, ...]], places: dict[str, int]) -> list[str]:
    for outcome, (colour, symbol) in OUTCOMES.items():
        mine = [(number, row) for number, row in enumerate(rows) if _known(row[5]) == outcome]
        if mine:
            figure.add_trace(
                go.Scatter(
                    x=[row[1] for _, row in mine],
                    y=[places[row[0]] + (number % 5 - 2) * 0.11 for number, row in mine],
                    customdata=[[label(value) for value in (*row[2:5], row[6])] for _, row in mine],
                    meta={"events": 3},
                    mode="markers",
                    name=outcome or "not recorded",
                    marker={
                        "color": colour,
                        "symbol": symbol,
                        "size": 8,
                        "opacity": 0.85,
                        "line": {"width": 1, "color": colour},
                    },
                    hovertemplate=_hover(
                        "%{x|%Y-%m-%d %H:%M:%S.%L} UTC", "%{customdata[0]}", principal=1, address=2, event=3
                    ),
                ),
                row=1,
                col=1,
            )
    return ["each mark is one event"]


def _known(outcome: str | None) -> str | None:
    return outcome if outcome in OUTCOMES else None


def _hover(time: str, head: str, **fields: int) -> str:
    rest = "".join(f"<br>{name} %{{customdata[{place}]}}" for name, place in fields.items())
    return f"<b>{head}</b><br>{time}{rest}<extra></extra>"


def _add_binned(figure: go.Figure, rows: Sequence[tuple[Any, ...]], places: dict[str, int], bins: Bins) -> list[str]:
    peak = {name: max(row[2] for row in rows if row[0] == name) for name in places}
    heights = [0.82 * log1p(row[2]) / log1p(peak[row[0]]) for row in rows]
    total = list(zip(rows, heights, strict=True))
    failed = [(row, max(height * row[3] / row[2], 0.05)) for row, height in total if row[3]]
    figure.add_trace(_bars(total, places, bins, name="events", colour=BLUE), row=1, col=1)
    figure.add_trace(_bars(failed, places, bins, name="denied, rejected, failed", colour=VERMILION), row=1, col=1)
    return [f"counted per {bins.name}: heights logarithmic within a lane, red the share that did not succeed"]


def _bars(
    bars: Sequence[tuple[tuple[Any, ...], float]],
    places: dict[str, int],
    bins: Bins,
    *,
    name: str,
    colour: str,
) -> go.Bar:
    rows = [row for row, _ in bars]
    return go.Bar(
        x=[bins.middle(row[1]) for row in rows],
        y=[round(-height, 3) for _, height in bars],
        base=[places[row[0]] + 0.42 for row in rows],
        width=bins.milliseconds,
        customdata=[[*row[2:6], moment(bins.start(row[1])), ends(row[6:])] for row in rows],
        meta={"events": 5},
        name=name,
        marker={"color": colour, "line": {"width": 0}},
        hovertemplate="<b>%{customdata[0]:,} events</b>, %{customdata[1]:,} denied, rejected or failed"
        f"<br>%{{customdata[4]}} UTC and {bins.name}"
        "<br>principals %{customdata[2]:,}<br>addresses %{customdata[3]:,}<extra></extra>",
    )
