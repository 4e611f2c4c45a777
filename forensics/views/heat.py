"""Who did what how often: principals by actions, the most active of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log10
from typing import Any

import plotly.graph_objects as go

from forensics.timeline import Timeline
from forensics.views.drawing import INK, VERMILION, drawn_from, empty_figure, frame
from forensics.views.labels import count_of, ends, label, moment

TITLE = "Principals by actions"
PRINCIPALS, ACTIONS = 25, 30
"""Rows and columns drawn at most: those with the most events; the others are one row and one column more."""

OTHERS = "all others"
NOBODY = "no principal recorded"

_ROW, _WORDS = 26, 300
_SCALE = ("#eef1f4", "#b5d5eb", "#6db0dc", "#2f86c1", "#00588c")

_DONE = f"""
SELECT coalesce(principal, '{NOBODY}') AS principal, action, outcome, time, event_id
FROM timeline
WHERE action IS NOT NULL
  AND (principal IS NOT NULL OR source IN ('cloudtrail', 's3_access', 'eks_audit'))
"""
"""Of logs that tell who called, calls of nobody too: they are anonymous. Other logs name no caller."""

_LEFT = f"SELECT count(*) - (SELECT count(*) FROM ({_DONE}) AS done) AS events FROM timeline"

_COUNTED = f"""
SELECT count(*) AS events, count(DISTINCT principal) AS principals, count(DISTINCT action) AS actions,
  min(time) AS first, max(time) AS last
FROM ({_DONE}) AS done
"""

_GREATEST = f"""
SELECT {{column}} AS name
FROM ({_DONE}) AS done
GROUP BY {{column}}
ORDER BY count(*) DESC, {{column}}
LIMIT ?
"""

_CELLS = f"""
SELECT p.name AS principal, a.name AS action, count(*) AS events,
  count(CASE WHEN d.outcome IN ('denied', 'reject', 'error') THEN 1 END) AS failed,
  min(d.time) AS first, max(d.time) AS last, min_by(d.event_id, row(d.time, d.event_id)) AS first_id, max_by(d.event_id, row(d.time, d.event_id)) AS last_id
FROM ({_DONE}) AS d
LEFT JOIN unnest(CAST(? AS VARCHAR[])) AS p(name) ON p.name = d.principal
LEFT JOIN unnest(CAST(? AS VARCHAR[])) AS a(name) ON a.name = d.action
GROUP BY p.name, a.name
ORDER BY p.name, a.name
"""


@dataclass(frozen=True)
class _Cell:
    principal: str | None
    action: str | None
    events: int
    failed: int
    first: datetime | None
    last: datetime | None
    first_id: str | None
    last_id: str | None


@drawn_from
def heat_figure(timeline: Timeline) -> go.Figure:
    """A cell for each principal and action with the number of its events, darker for more, on a logarithmic scale.

    The `PRINCIPALS` and `ACTIONS` with the most events are told apart. A red number is of events that were denied or
    failed, all or some. A click gives the first and the last event.
    """
    events, *kinds, first, last = timeline.select(_COUNTED).rows()[0]
    if not events:
        return empty_figure(TITLE, "no events with an action in this timeline")
    rows = _greatest(timeline, "principal", PRINCIPALS, kinds[0])
    columns = _greatest(timeline, "action", ACTIONS, kinds[1])
    named = [[name for name in names if name is not None] for names in (rows, columns)]
    cells = [_Cell(*row) for row in timeline.select(_CELLS, *named).rows()]
    figure = go.Figure(_heat(cells, rows, columns))
    left = timeline.select(_LEFT).rows()[0][0]
    return _framed(figure, rows, columns, _titles(events, kinds, (first, last), left=left))


def _greatest(timeline: Timeline, column: str, limit: int, there: int) -> list[str | None]:
    """The names with the most events; None stands for the others, if there are any."""
    names = [row[0] for row in timeline.select(_GREATEST.format(column=column), limit).rows()]
    return [*names, None] if there > len(names) else names


def _heat(cells: Sequence[_Cell], rows: Sequence[str | None], columns: Sequence[str | None]) -> go.Heatmap:
    shown = {(cell.principal, cell.action): cell for cell in cells}
    grid = [[shown.get((row, column)) for column in columns] for row in rows]
    small = len(rows) * len(columns) <= _WORDS
    return go.Heatmap(
        z=[[log10(cell.events) if cell else None for cell in line] for line in grid],
        x=list(range(len(columns))),
        y=list(range(len(rows))),
        customdata=[[_fields(cell) for cell in line] for line in grid],
        meta={"events": 6},
        text=[[_number(cell) for cell in line] for line in grid] if small else None,
        texttemplate="%{text}" if small else None,
        textfont={"size": 10},
        zmin=0,
        zmax=max(1.0, log10(max(cell.events for cell in cells))),
        colorscale=[[place / (len(_SCALE) - 1), colour] for place, colour in enumerate(_SCALE)],
        showscale=False,
        xgap=2,
        ygap=2,
        hoverongaps=False,
        hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<br>events %{customdata[2]}, of them denied or failed"
        " %{customdata[3]}<br>%{customdata[4]} to %{customdata[5]} UTC<br>event %{customdata[6][0]}<extra></extra>",
    )


def _fields(cell: _Cell | None) -> list[Any]:
    if cell is None:
        return [""] * 6 + [[]]
    ids = ends((cell.first_id, cell.last_id))
    who = OTHERS if cell.principal is None else label(cell.principal)
    what = OTHERS if cell.action is None else label(cell.action)
    return [who, what, f"{cell.events:,}", f"{cell.failed:,}", moment(cell.first), moment(cell.last), ids]


def _number(cell: _Cell | None) -> str:
    if cell is None:
        return ""
    return f"<span style='color:{VERMILION}'><b>{cell.events:,}</b></span>" if cell.failed else f"{cell.events:,}"


def _titles(
    events: int, kinds: Sequence[int], span: tuple[datetime | None, datetime | None], *, left: int
) -> tuple[str, str]:
    principals, actions = count_of(kinds[0], "principal"), count_of(kinds[1], "action")
    over = f", {moment(span[0])[:19]} to {moment(span[1])[:19]} UTC" if span[0] else ""
    further = [f"{kinds[0] - PRINCIPALS:,} further principals"] if kinds[0] > PRINCIPALS else []
    further += [f"{kinds[1] - ACTIONS:,} further actions"] if kinds[1] > ACTIONS else []
    notes = ["darker: more events, logarithmic; bold red: some were denied or failed"]
    notes += [f"{OTHERS}: {' and '.join(further)}"] if further else []
    notes += [f"{count_of(left, 'event')} of logs that name no principal not drawn"] if left else []
    return f"{count_of(events, 'event')} of {principals} and {actions}{over}", "; ".join(notes)


def _framed(
    figure: go.Figure, rows: Sequence[str | None], columns: Sequence[str | None], titles: tuple[str, str]
) -> go.Figure:
    frame(figure, title=titles[0], subtitle=titles[1], height=_ROW * len(rows) + 320, legend_rows=0)
    one = len({_account(name) for name in rows} - {None}) == 1
    figure.update_layout(showlegend=False, margin={"t": 84, "b": 20})
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[OTHERS if name is None else label(_short(name, one), 44) for name in rows],
        range=[len(rows) - 0.5, -0.5],
        showgrid=False,
    )
    figure.update_xaxes(
        tickvals=list(range(len(columns))),
        ticktext=[OTHERS if name is None else label(name, 30) for name in columns],
        range=[-0.5, len(columns) - 0.5],
        tickangle=-50 if len(columns) > 3 else 0,
        tickfont={"size": 11, "color": INK},
        automargin=True,
        showgrid=False,
    )
    return figure


def _account(principal: str | None) -> str | None:
    """The account in an ARN."""
    parts = (principal or "").split(":", 5)
    return parts[4] if parts[0] == "arn" and len(parts) == 6 else None


def _short(principal: str, one_account: bool) -> str:
    """What tells principals apart: an ARN from its account on, without that too where all are of one."""
    if _account(principal) is None:
        return principal
    return principal.split(":", 5 if one_account else 4)[-1]
