"""From where: events over time by the country, the network or the AWS Region of the address they came from."""

from __future__ import annotations

from collections.abc import Sequence
from math import log1p
from typing import Any

import plotly.graph_objects as go

from forensics.geography import Geography, Place
from forensics.timeline import Timeline
from forensics.views.bins import BIN_SQL, Bins
from forensics.views.drawing import BLUE, VERMILION, drawn_from, empty_figure, frame, window
from forensics.views.flows import PRIVATE
from forensics.views.labels import count_of, ends, label, moment

TITLE = "From where"
ADDRESSES = 5000
"""Addresses whose place is told: those with the most events; the others are one lane."""

LANES = 25
"""Places drawn at most: those with the most events."""

BINS = 160
OTHERS = "other addresses"
INSIDE = "private addresses"
SERVICE = "AWS services, by name"
NOWHERE = "places not known"

_LANE = 34

_FROM = """
SELECT source_ip AS address, time, event_id, outcome
FROM timeline
WHERE source_ip IS NOT NULL
  AND time IS NOT NULL
"""

_ADDRESSES = f"""
SELECT address, min(time) AS first, max(time) AS last, regexp_matches(address, {PRIVATE}) AS inside,
  NOT regexp_matches(address, '^[0-9a-fA-F:.]+$') AS named
FROM ({_FROM}) AS came
GROUP BY address
ORDER BY count(*) DESC, address
"""

_BINNED = f"""
SELECT coalesce(p.place, '{OTHERS}') AS place, c.bin, count(*) AS events,
  count(CASE WHEN c.outcome IN ('denied', 'reject', 'error') THEN 1 END) AS failed,
  count(DISTINCT c.address) AS addresses, min(c.address) AS address,
  min_by(c.event_id, row(c.time, c.event_id)) AS first_id, max_by(c.event_id, row(c.time, c.event_id)) AS last_id
FROM (SELECT address, {BIN_SQL} AS bin, outcome, time, event_id FROM ({_FROM}) AS came) AS c
LEFT JOIN (SELECT unnest(CAST(? AS VARCHAR[])) AS address, unnest(CAST(? AS VARCHAR[])) AS place) AS p
  ON p.address = c.address
GROUP BY coalesce(p.place, '{OTHERS}'), c.bin
ORDER BY coalesce(p.place, '{OTHERS}'), c.bin
"""


@drawn_from
def geography_figure(timeline: Timeline, geography: Geography | None = None) -> go.Figure:
    """Events per bin, a lane for each place they came from: country and network, or AWS's service and Region.

    Places are told by the files of `geography`; without them only private addresses, names of services and the others
    are told apart. A flow comes from its source. A click gives the first and the last event of a bar.
    """
    found = timeline.select(_ADDRESSES).rows()
    if not found:
        return empty_figure(TITLE, "no events with an address and a time in this timeline")
    known = geography or Geography()
    names = [_lane(known.place(row[0]), inside=row[3], named=row[4]) for row in found[:ADDRESSES]]
    span = min(row[1] for row in found), max(row[2] for row in found)
    bins = Bins.over(*span, at_most=BINS)
    rows = timeline.select(_BINNED, bins.width, [row[0] for row in found[:ADDRESSES]], names).rows()
    totals: dict[str, int] = {}
    for row in rows:
        totals[row[0]] = totals.get(row[0], 0) + row[2]
    drawn = sorted(totals, key=lambda name: (-totals[name], name))[:LANES]
    figure = go.Figure([_bars(rows, drawn, bins, failed=failed) for failed in (False, True)])
    over = f"{moment(span[0])[:19]} to {moment(span[1])[:19]} UTC"
    title = f"{count_of(sum(totals.values()), 'event')} from {count_of(len(found), 'address', 'addresses')}, {over}"
    notes = [f"counted per {bins.name}: heights logarithmic within a lane, red the share that did not succeed"]
    notes += [f"{len(totals) - len(drawn):,} places with fewer events not drawn"] if len(totals) > len(drawn) else []
    frame(figure, title=title, subtitle="; ".join(notes), height=_LANE * len(drawn) + 160)
    figure.update_layout(barmode="overlay")
    lanes_named = [f"{label(name, 48)} {totals[name]:,}" for name in drawn]
    figure.update_yaxes(tickvals=list(range(len(drawn))), ticktext=lanes_named, range=[len(drawn) - 0.45, -0.55])
    figure.update_xaxes(range=window(*span), title_text="time, UTC")
    return figure


def _lane(place: Place, *, inside: bool, named: bool) -> str:
    if inside:
        return INSIDE
    if named:
        return SERVICE
    if place.aws:
        return f"AWS: {place.aws}"
    return ", ".join(part for part in (place.country, place.network) if part) or NOWHERE


def _bars(rows: Sequence[tuple[Any, ...]], drawn: Sequence[str], bins: Bins, *, failed: bool) -> go.Bar:
    lane = {name: place for place, name in enumerate(drawn)}
    peak = {name: max(row[2] for row in rows if row[0] == name) for name in drawn}
    mine = [row for row in rows if row[0] in lane and (row[3] or not failed)]
    heights = [0.82 * log1p(row[2]) / log1p(peak[row[0]]) for row in mine]
    if failed:
        heights = [max(height * row[3] / row[2], 0.05) for height, row in zip(heights, mine, strict=True)]
    return go.Bar(
        x=[bins.middle(row[1]) for row in mine],
        y=[-round(height, 3) for height in heights],
        base=[lane[row[0]] + 0.42 for row in mine],
        width=bins.milliseconds,
        customdata=[
            [row[2], row[3], row[4], label(row[5], 45), moment(bins.start(row[1])), ends(row[6:])] for row in mine
        ],
        meta={"events": 5},
        name="denied, rejected, failed" if failed else "events",
        marker={"color": VERMILION if failed else BLUE, "line": {"width": 0}},
        hovertemplate="<b>%{customdata[0]:,} events</b>, %{customdata[1]:,} denied, rejected or failed"
        f"<br>%{{customdata[4]}} UTC and {bins.name}"
        "<br>addresses %{customdata[2]:,}, one of them %{customdata[3]}<extra></extra>",
    )
