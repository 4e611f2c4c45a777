"""Bytes over time: what went to and came from which remote address."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from forensics.timeline import Timeline
from forensics.views.bins import BIN_SQL, Bins
from forensics.views.drawing import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    drawn_from,
    empty_figure,
    frame,
    legend_at,
    window,
)
from forensics.views.labels import count_of, ends, label, moment, size

TITLE = "Bytes by remote address"
BINS = 120
OTHERS = "all others"
PANELS = {
    "out": "sent to outside addresses, flow logs",
    "in": "received from outside addresses, flow logs",
    "inside": "between private addresses, flow logs",
    "transit": "between outside addresses, flow logs",
    "served": "sent by S3 and other services, by caller's address",
}
"""Directions in order of drawing. A service's count and a flow's may be of the same bytes: never added up."""

_PANEL = 132
_COLOURS = (VERMILION, BLUE, ORANGE, GREEN, PURPLE, SKY, INK)

PRIVATE = (
    r"'^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\."
    r"|169\.254\.|127\.|[fF][cCdDeE])'"
)
"""Addresses that do not cross the internet: RFC 1918, RFC 6598, link-local, loopback, unique local IPv6."""

_MOVED = f"""
SELECT
  CASE
    WHEN destination_ip IS NULL THEN 'served'
    WHEN regexp_matches(source_ip, {PRIVATE}) AND regexp_matches(destination_ip, {PRIVATE}) THEN 'inside'
    WHEN regexp_matches(source_ip, {PRIVATE}) THEN 'out'
    WHEN regexp_matches(destination_ip, {PRIVATE}) THEN 'in'
    ELSE 'transit'
  END AS direction,
  CASE
    WHEN destination_ip IS NULL OR NOT regexp_matches(source_ip, {PRIVATE}) THEN source_ip
    ELSE destination_ip
  END AS remote,
  time, bytes, event_id
FROM timeline
WHERE bytes > 0
  AND time IS NOT NULL
  AND source_ip IS NOT NULL
  AND coalesce(outcome, 'accept') IN ('accept', 'success')
"""
"""`remote` of a record between private addresses is its destination."""

_PANELS = f"""
SELECT direction, sum(bytes) AS bytes, count(DISTINCT remote) AS addresses,
  min(time) AS first, max(time) AS last
FROM ({_MOVED}) AS moved
GROUP BY direction
"""

_GREATEST = f"""
SELECT remote
FROM (
  SELECT direction, remote, bytes,
    row_number() OVER (PARTITION BY direction ORDER BY bytes DESC, remote) AS place
  FROM (
    SELECT direction, remote, sum(bytes) AS bytes
    FROM ({_MOVED}) AS moved
    WHERE direction <> 'inside'
    GROUP BY direction, remote
  ) AS summed
) AS ranked
WHERE place <= ?
ORDER BY place, bytes DESC, remote
"""
"""Each direction's greatest, then each direction's second…"""

_BINNED = f"""
SELECT m.direction, n.remote, m.bin, sum(m.bytes) AS bytes, count(*) AS records,
  min_by(m.event_id, row(m.time, m.event_id)) AS first_id, max_by(m.event_id, row(m.time, m.event_id)) AS last_id
FROM (
  SELECT direction, remote, {BIN_SQL} AS bin, bytes, time, event_id
  FROM ({_MOVED}) AS moved
) AS m
LEFT JOIN unnest(CAST(? AS VARCHAR[])) AS n(remote) ON n.remote = m.remote
GROUP BY m.direction, n.remote, m.bin
ORDER BY m.direction, m.bin
"""

_REJECTED = "SELECT count(*) AS rejected FROM timeline WHERE bytes > 0 AND outcome = 'reject'"


@dataclass(frozen=True)
class _Panel:
    direction: str
    octets: int
    addresses: int
    first: datetime
    last: datetime

    @property
    def heading(self) -> str:
        addresses = count_of(self.addresses, "address", "addresses")
        return f"<b>{size(self.octets)}</b> {PANELS[self.direction]}, {addresses}"


@dataclass(frozen=True)
class _Bar:
    direction: str
    remote: str | None
    bin: int
    octets: int
    records: int
    ids: tuple[str, ...]


@drawn_from
def flows_figure(timeline: Timeline) -> go.Figure:
    """Bytes per bin, a panel for each direction, stacked by remote address; the greatest are told apart.

    A click gives the first and the last record of a bar. A flow counts where it started. Rejected flows moved nothing and are only counted in the subtitle.
    """
    found = {row[0]: _Panel(row[0], int(row[1]), *row[2:]) for row in timeline.select(_PANELS).rows()}
    if not found:
        return empty_figure(TITLE, "no events with bytes and an address in this timeline")
    panels = [found[direction] for direction in PANELS if direction in found]
    span = min(panel.first for panel in panels), max(panel.last for panel in panels)
    named = list(dict.fromkeys(row[0] for row in timeline.select(_GREATEST, len(_COLOURS)).rows()))[: len(_COLOURS)]
    bins = Bins.over(*span, at_most=BINS)
    counted = timeline.select(_BINNED, bins.width, named).rows()
    bars = [
        _Bar(way, name, place, int(octets), records, (*ids,)) for way, name, place, octets, records, *ids in counted
    ]
    figure = make_subplots(
        rows=len(panels),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.3 / len(panels),
        subplot_titles=[panel.heading for panel in panels],
    )
    for remote, colour in [*zip(named, _COLOURS, strict=False), (None, GREY)]:
        mine = [bar for bar in bars if bar.remote == remote]
        for place, row in enumerate(row for row, panel in enumerate(panels, 1) if _in(mine, panel)):
            trace = _trace(_in(mine, panels[row - 1]), bins, colour)
            figure.add_trace(trace.update(showlegend=place == 0), row=row, col=1)
    rejected = timeline.select(_REJECTED).rows()[0][0]
    return _framed(figure, bins, span, rejected=rejected, panels=len(panels))


def _in(bars: Sequence[_Bar], panel: _Panel) -> list[_Bar]:
    return [bar for bar in bars if bar.direction == panel.direction]


def _trace(bars: Sequence[_Bar], bins: Bins, colour: str) -> go.Bar:
    name = OTHERS if bars[0].remote is None else label(bars[0].remote, 45)
    return go.Bar(
        x=[bins.middle(bar.bin) for bar in bars],
        y=[bar.octets for bar in bars],
        width=bins.milliseconds,
        customdata=[[size(bar.octets), bar.records, moment(bins.start(bar.bin)), ends(bar.ids)] for bar in bars],
        meta={"events": 3},
        name=name,
        legendgroup=name,
        marker={"color": colour, "line": {"width": 0}},
        hovertemplate="<b>%{customdata[0]}</b>, %{fullData.name}"
        f"<br>%{{customdata[2]}} UTC and {bins.name}<br>records %{{customdata[1]:,}}<extra></extra>",
    )


def _framed(figure: go.Figure, bins: Bins, span: tuple[datetime, datetime], *, rejected: int, panels: int) -> go.Figure:
    notes = [f"bytes per {bins.name}, counted where a flow starts; each panel has its own scale"]
    notes += [f"{count_of(rejected, 'rejected flow')} left out"] if rejected else []
    height = _PANEL * panels + 190
    title = f"{TITLE}, {moment(span[0])[:19]} to {moment(span[1])[:19]} UTC"
    frame(figure, title=title, subtitle="; ".join(notes), height=height, legend_rows=2)
    figure.update_annotations(x=0, xanchor="left", font={"size": 12, "color": INK})
    figure.update_layout(barmode="stack", bargap=0, legend=legend_at(0, height, "remote address"), margin={"t": 96})
    figure.update_yaxes(rangemode="tozero", nticks=4, tickformat="~s", ticksuffix="B")
    figure.update_xaxes(range=window(*span))
    figure.update_xaxes(title_text="time, UTC", row=panels, col=1)
    return figure
