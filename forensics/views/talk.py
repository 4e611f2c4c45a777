"""Who talked to whom: workloads and addresses that sent, to those that received, bytes as width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import plotly.graph_objects as go

from forensics.timeline import Timeline
from forensics.views.drawing import CERTAINTIES, GREY, drawn_from, empty_figure, frame
from forensics.views.flows import PRIVATE
from forensics.views.labels import count_of, ends, label, moment, size

TITLE = "Who talked to whom"
ENDS = 12
"""Senders and receivers that are told apart: those with the most bytes; the others are one."""

OTHERS = "all others"
NOT_ATTRIBUTED = "addresses only"

_NODE = 34

_ENDS = f"""
SELECT t.event_id, t.time, coalesce(t.end_time, t.time) AS end_time, t.bytes, h.certainty,
  CASE WHEN h.at = 'source' THEN h.name ELSE t.source_ip END AS sender,
  CASE WHEN h.at = 'destination' THEN h.name ELSE t.destination_ip END AS receiver
FROM timeline AS t
LEFT JOIN (
  SELECT a.event_id, a.certainty,
    CASE WHEN a.candidates > 1 THEN 'one of: ' || a.names ELSE a.names END AS name,
    CASE
      WHEN regexp_matches(e.source_ip, {PRIVATE}) AND NOT regexp_matches(e.destination_ip, {PRIVATE}) THEN 'source'
      WHEN regexp_matches(e.destination_ip, {PRIVATE}) AND NOT regexp_matches(e.source_ip, {PRIVATE}) THEN 'destination'
      WHEN s.holds IS NOT NULL THEN 'source'
      WHEN d.holds IS NOT NULL THEN 'destination'
    END AS at
  FROM (
    SELECT event_id, certainty, min(workload) AS workload, count(DISTINCT workload) AS candidates,
      string_agg(DISTINCT workload, ', ' ORDER BY workload) AS names,
      row_number() OVER (PARTITION BY event_id ORDER BY certainty = 'shared', certainty) AS place
    FROM attribution
    WHERE question = 'endpoint'
    GROUP BY event_id, certainty
  ) AS a
  JOIN timeline AS e ON e.event_id = a.event_id
  LEFT JOIN (SELECT DISTINCT workload, holds FROM lifetime WHERE holds_kind IN ('private_ip', 'public_ip')) AS s
    ON s.workload = a.workload AND s.holds = e.source_ip
  LEFT JOIN (SELECT DISTINCT workload, holds FROM lifetime WHERE holds_kind IN ('private_ip', 'public_ip')) AS d
    ON d.workload = a.workload AND d.holds = e.destination_ip
  WHERE a.place = 1
) AS h ON h.event_id = t.event_id
WHERE t.bytes > 0
  AND t.source_ip IS NOT NULL
  AND t.destination_ip IS NOT NULL
  AND coalesce(t.outcome, 'accept') IN ('accept', 'success')
"""
"""An end is the workload to which the record is attributed, where it is clear which end that is; else the address."""

_PAIRS = f"""
SELECT sender, receiver, certainty, sum(bytes) AS bytes, count(*) AS records, min(time) AS first, max(end_time) AS last,
  min_by(event_id, row(time, event_id)) AS first_id, max_by(event_id, row(time, event_id)) AS last_id
FROM ({_ENDS}) AS ends
GROUP BY sender, receiver, certainty
"""

_SHOWN = f"""
SELECT from_named AS sender, to_named AS receiver, certainty, CAST(sum(bytes) AS BIGINT) AS bytes,
  CAST(sum(records) AS BIGINT) AS records, min(first) AS first, max(last) AS last, min_by(first_id, row(first, first_id)) AS first_id,
  max_by(last_id, row(last, last_id)) AS last_id, max(sending) AS senders, max(receiving) AS receivers
FROM (
  SELECT r.*, CASE WHEN r.sending <= ? THEN r.sender END AS from_named,
    CASE WHEN r.receiving <= ? THEN r.receiver END AS to_named
  FROM (
    SELECT p.*, dense_rank() OVER (ORDER BY p.sent DESC, p.sender) AS sending,
      dense_rank() OVER (ORDER BY p.received DESC, p.receiver) AS receiving
    FROM (
      SELECT q.*, sum(q.bytes) OVER (PARTITION BY q.sender) AS sent,
        sum(q.bytes) OVER (PARTITION BY q.receiver) AS received
      FROM ({_PAIRS}) AS q
    ) AS p
  ) AS r
) AS named
GROUP BY from_named, to_named, certainty
ORDER BY sum(bytes) DESC, from_named, to_named, certainty
"""

_REJECTED = "SELECT count(*) AS rejected FROM timeline WHERE bytes > 0 AND outcome = 'reject'"


@dataclass(frozen=True)
class _Link:
    sender: str | None
    receiver: str | None
    certainty: str | None
    octets: int
    records: int
    first: datetime | None
    last: datetime | None
    first_id: str | None
    last_id: str | None
    senders: int
    receivers: int


@drawn_from
def talk_figure(timeline: Timeline) -> go.Figure:
    """Senders on the left, receivers on the right, between them the bytes, in the colour of the attribution's certainty.

    An end is a workload where the record is attributed to one, else an address. The `ENDS` with the most bytes on
    either side are told apart. A record that several interfaces logged counts several times; rejected flows moved
    nothing. A click on a band gives its first and its last record.
    """
    links = [_Link(*row) for row in timeline.select(_SHOWN, ENDS, ENDS).rows()]
    if not links:
        return empty_figure(TITLE, "no events with bytes between two addresses in this timeline")
    senders, receivers = (_ends(link.sender for link in links), _ends(link.receiver for link in links))
    figure = go.Figure(_sankey(links, senders, receivers))
    for name in [*CERTAINTIES, None]:
        if any(link.certainty == name for link in links):
            figure.add_trace(_sample(name))
    rejected = timeline.select(_REJECTED).rows()[0][0]
    return _framed(figure, links, rejected=rejected, rows=max(len(senders), len(receivers)))


def _ends(names: Any) -> list[str | None]:
    """Each once, in the order given, the others last."""
    there = list(dict.fromkeys(names))
    return [name for name in there if name is not None] + [None] * (None in there)


def _sankey(links: Sequence[_Link], senders: Sequence[str | None], receivers: Sequence[str | None]) -> go.Sankey:
    names = [*senders, *receivers]
    return go.Sankey(
        arrangement="fixed",
        domain={"x": [0.01, 0.99], "y": [0.0, 1.0]},
        node={
            "label": [OTHERS if name is None else label(_short(name), 46) for name in names],
            "customdata": [OTHERS if name is None else label(name, 160) for name in names],
            "color": [GREY] * len(names),
            "pad": 14,
            "thickness": 12,
            "line": {"width": 0},
            "hovertemplate": "<b>%{customdata}</b><extra></extra>",
        },
        link={
            "source": [senders.index(link.sender) for link in links],
            "target": [len(senders) + receivers.index(link.receiver) for link in links],
            "value": [link.octets for link in links],
            "color": [_pale(CERTAINTIES.get(link.certainty or "", GREY)) for link in links],
            "customdata": [_fields(link) for link in links],
            "hovertemplate": "<b>%{customdata[0]}</b><br>from %{customdata[1]}<br>to %{customdata[2]}"
            "<br>%{customdata[3]} to %{customdata[4]} UTC<br>records %{customdata[5]}"
            "<br>the workload is %{customdata[6]}<extra></extra>",
        },
        meta={"events": 7},
        textfont={"size": 11},
    )


def _pale(colour: str) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.45)"


def _short(name: str) -> str:
    """A key without its account and Region; of several candidates the first and how many more."""
    first, *more = name.removeprefix("one of: ").split(", ") if name.startswith("one of: ") else [name]
    bare = first.split(":", 5)[-1] if first.startswith("arn:") else first
    return f"{bare} or {len(more)} more" if more else bare


def _fields(link: _Link) -> list[Any]:
    named = [OTHERS if name is None else label(name, 160) for name in (link.sender, link.receiver)]
    ids = ends((link.first_id, link.last_id))
    known = link.certainty or "not attributed"
    return [size(link.octets), *named, moment(link.first), moment(link.last), f"{link.records:,}", known, ids]


def _sample(certainty: str | None) -> go.Scatter:
    return go.Scatter(
        x=[None],
        y=[None],
        mode="markers",
        name=certainty or NOT_ATTRIBUTED,
        marker={"symbol": "square", "size": 12, "color": CERTAINTIES.get(certainty or "", GREY)},
    )


def _framed(figure: go.Figure, links: Sequence[_Link], *, rejected: int, rows: int) -> go.Figure:
    senders, receivers = max(link.senders for link in links), max(link.receivers for link in links)
    notes = ["left: who sent; right: who received; width: bytes, as each interface recorded them"]
    notes += [f"{count_of(rejected, 'rejected flow')} left out"] if rejected else []
    times = [time for link in links for time in (link.first, link.last) if time]
    over = f", {moment(min(times))[:19]} to {moment(max(times))[:19]} UTC" if times else ""
    octets = size(sum(link.octets for link in links))
    title = f"{octets} from {count_of(senders, 'sender')} to {count_of(receivers, 'receiver')}{over}"
    frame(figure, title=title, subtitle="; ".join(notes), height=_NODE * rows + 190)
    figure.update_layout(legend_title_text="certainty of the workload", margin={"t": 84})
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure
