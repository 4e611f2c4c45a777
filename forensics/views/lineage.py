"""Which credential came of which: a lane for each, under the one it came of, over time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import plotly.graph_objects as go

from forensics.timeline import Timeline
from forensics.views.drawing import (
    BLUE,
    CERTAINTIES,
    FAINT,
    GREY,
    drawn_from,
    empty_figure,
    frame,
    legend_at,
    window,
)
from forensics.views.labels import count_of, label, moment

TITLE = "Lineage of credentials"
KEYS = 50
"""Credentials drawn at most: those that came of another, or of which one came, before the others; then by calls."""

UNKNOWN = "issuance not in evidence"

_LANE = 30

_KEYS = """
SELECT n.access_key_id, k.principal, k.workload, k.issued_at, k.expires_at, k.issued_by_access_key_id,
  k.issued_by_principal, k.issuance_event_id, k.issuance_certainty, k.class,
  coalesce(k.first_used, u.first) AS first_used, coalesce(k.last_used, u.last) AS last_used,
  coalesce(u.events, 0) AS events, u.first_id, count(*) OVER () AS there
FROM (
  SELECT access_key_id
  FROM timeline
  WHERE access_key_id IS NOT NULL
  GROUP BY access_key_id
  UNION
  SELECT l.ancestor_access_key_id
  FROM lineage AS l
  JOIN (SELECT DISTINCT access_key_id FROM timeline) AS t ON t.access_key_id = l.access_key_id
  WHERE l.ancestor_access_key_id IS NOT NULL
) AS n(access_key_id)
LEFT JOIN credential AS k ON k.access_key_id = n.access_key_id
LEFT JOIN (
  SELECT access_key_id, count(*) AS events, min(time) AS first, max(time) AS last, min_by(event_id, row(time, event_id)) AS first_id
  FROM timeline
  GROUP BY access_key_id
) AS u ON u.access_key_id = n.access_key_id
LEFT JOIN (
  SELECT DISTINCT ancestor_access_key_id AS access_key_id
  FROM lineage
  WHERE ancestor_access_key_id IS NOT NULL
) AS p ON p.access_key_id = n.access_key_id
ORDER BY k.issued_by_access_key_id IS NULL AND p.access_key_id IS NULL, coalesce(u.events, 0) DESC, n.access_key_id
LIMIT ?
"""


@dataclass(frozen=True)
class _Key:
    access_key_id: str
    principal: str | None
    workload: str | None
    issued_at: datetime | None
    expires_at: datetime | None
    parent: str | None
    issuer: str | None
    issuance: str | None
    certainty: str | None
    kind: str | None
    first_used: datetime | None
    last_used: datetime | None
    events: int
    first_id: str | None

    @property
    def begins(self) -> datetime | None:
        """Its issuance, else its first use."""
        return self.issued_at or self.first_used

    @property
    def fields(self) -> list[Any]:
        """What the hover shows, the ids for a click last."""
        issuer = self.parent or self.issuer or (f"not in evidence ({self.kind})" if self.kind else None)
        held = (self.access_key_id, self.principal, self.workload, issuer)
        ids = [label(event_id) for event_id in (self.issuance, self.first_id) if event_id]
        times = (self.issued_at, self.expires_at, self.first_used, self.last_used)
        return [*map(label, held), *map(moment, times), f"{self.events:,}", self.certainty or UNKNOWN, ids]


@drawn_from
def lineage_figure(timeline: Timeline) -> go.Figure:
    """The credentials that the timeline's events bear and those they came of: when issued, by which, when used.

    A line leads from a credential to each that came of it, at the time of the issuance, in the colour of how certain
    that is. At most `KEYS` are drawn; the others are counted. A click gives the issuance and the first event.
    """
    rows = timeline.select(_KEYS, KEYS).rows()
    drawn = [key for row in rows if (key := _Key(*row[:-1])).begins]
    if not drawn:
        return empty_figure(TITLE, "no events with a credential and a time in this timeline")
    placed = list(_in_order(drawn))
    figure = go.Figure()
    for name, colour in [*CERTAINTIES.items(), (UNKNOWN, GREY)]:
        _add_issuances(figure, placed, name, colour)
    figure.add_traces([_valid(placed), _used(placed)])
    return _framed(figure, placed, left_out=rows[0][-1] - len(placed))


def _in_order(keys: Sequence[_Key]) -> Iterator[tuple[int, _Key]]:
    """(depth, key): each under the one it came of, those of one origin by time."""
    known = {key.access_key_id for key in keys}
    children: dict[str | None, list[_Key]] = {}
    for key in sorted(keys, key=lambda key: (str(key.begins), key.access_key_id)):
        parent = key.parent if key.parent in known and key.parent != key.access_key_id else None
        children.setdefault(parent, []).append(key)
    waiting = [(0, key) for key in reversed(children.get(None, []))]
    while waiting:
        depth, key = waiting.pop()
        yield depth, key
        waiting += [(depth + 1, child) for child in reversed(children.get(key.access_key_id, []))]


def _add_issuances(figure: go.Figure, placed: Sequence[tuple[int, _Key]], certainty: str, colour: str) -> None:
    """A mark where each key of that certainty begins, and the line from the one it came of."""
    lane = {key.access_key_id: place for place, (_, key) in enumerate(placed)}
    mine = [key for _, key in placed if (key.certainty or UNKNOWN) == certainty]
    if not mine:
        return
    joined = [key for key in mine if key.parent in lane]
    figure.add_trace(
        go.Scatter(
            x=[value for key in joined for value in (key.begins, key.begins, None)],
            y=[value for key in joined for value in (lane[str(key.parent)], lane[key.access_key_id], None)],
            mode="lines",
            line={"color": colour, "width": 2},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[key.begins for key in mine],
            y=[lane[key.access_key_id] for key in mine],
            customdata=[key.fields for key in mine],
            meta={"events": 10},
            mode="markers",
            name=certainty,
            marker={
                "color": colour,
                "size": 13,
                "symbol": "circle-open" if certainty == UNKNOWN else "diamond",
                "line": {"width": 2, "color": colour},
            },
            hovertemplate=_HOVER,
        )
    )


_HOVER = (
    "<b>%{customdata[0]}</b><br>acts as %{customdata[1]}<br>of workload %{customdata[2]}<br>issued by %{customdata[3]}"
    "<br>%{customdata[4]} UTC, valid to %{customdata[5]}<br>used %{customdata[6]} to %{customdata[7]}"
    "<br>events of this timeline %{customdata[8]}<br>issuance: %{customdata[9]}<extra></extra>"
)


def _valid(placed: Sequence[tuple[int, _Key]]) -> go.Scatter:
    """A thin line while each is valid, as far as that is known."""
    spans = [(place, key) for place, (_, key) in enumerate(placed) if key.begins and key.expires_at]
    return go.Scatter(
        x=[value for _, key in spans for value in (key.begins, key.expires_at, None)],
        y=[value for place, _ in spans for value in (place, place, None)],
        mode="lines",
        name="valid",
        line={"color": FAINT, "width": 1, "dash": "dot"},
        hoverinfo="skip",
        legend="legend2",
    )


def _used(placed: Sequence[tuple[int, _Key]]) -> go.Scatter:
    """A bar from first to last use."""
    spans = [(place, key) for place, (_, key) in enumerate(placed) if key.first_used]
    return go.Scatter(
        x=[value for _, key in spans for value in (key.first_used, key.last_used or key.first_used, None)],
        y=[value for place, _ in spans for value in (place, place, None)],
        customdata=[key.fields for _, key in spans for _ in range(3)],
        meta={"events": 10},
        mode="lines+markers",
        name="used, first to last",
        line={"color": BLUE, "width": 6},
        marker={"color": BLUE, "size": 6, "symbol": "line-ns", "line": {"color": BLUE, "width": 2}},
        opacity=0.55,
        legend="legend2",
        hovertemplate=_HOVER,
    )


def _framed(figure: go.Figure, placed: Sequence[tuple[int, _Key]], *, left_out: int) -> go.Figure:
    keys = [key for _, key in placed]
    came = sum(depth > 0 for depth, _ in placed)
    notes = ["a key under the one it came of; the mark is its issuance, or its first use where that is not in evidence"]
    notes += [f"{left_out:,} further keys not drawn"] if left_out > 0 else []
    height = _LANE * len(placed) + 190
    title = f"{count_of(len(placed), 'credential')}, {came:,} of them issued with another"
    frame(figure, title=title, subtitle="; ".join(notes), height=height, legend_rows=2)
    figure.update_layout(legend=legend_at(1, height, "issuance"), legend2=legend_at(0, height, "bar"))
    figure.update_yaxes(
        tickvals=list(range(len(placed))),
        ticktext=[_name(depth, key) for depth, key in placed],
        range=[len(placed) - 0.45, -0.55],
        ticklabelstandoff=6,
    )
    times = [time for key in keys for time in (key.begins, key.first_used, key.last_used) if time]
    figure.update_xaxes(range=window(min(times), max(times)), title_text="time, UTC")
    return figure


def _name(depth: int, key: _Key) -> str:
    """The key, marked where it came of the one above, and who acts with it."""
    acts = (key.principal or "").rpartition("/")[2] or None
    return f"{'└ ' * min(depth, 4)}{label(key.access_key_id, 24)} <span style='color:{FAINT}'>{label(acts, 20)}</span>"
