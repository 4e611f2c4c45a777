"""What we hold: source by time, silence told apart from missing logs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from typing import Any

import numpy as np
import plotly.graph_objects as go

from forensics.case import Case
from forensics.views.drawing import (
    GREY,
    LEGEND_ROW,
    ORANGE,
    PURPLE,
    VERMILION,
    empty_figure,
    frame,
    legend_at,
)
from forensics.views.labels import count_of, label, moment

TITLE = "Coverage"
CELLS = 5000
ROWS = 60
"""Rows drawn at most: those with the most hours that are not held come first."""

_SIGNED = 72
"""Columns up to which the cells that are not held also bear a sign, for those who print in grey."""

_HOURS = (1, 3, 6, 12, 24, 168, 720)
_ROW = 26
_PRESENT = ("#cfe3f2", "#86bbdf", "#3d8dc4", "#00588c")
"""From few records to many, within a row."""

STATUSES = {
    "silent": ("#eef1f4", "nothing happened"),
    "unknown": (GREY, ""),
    "switched_off": (ORANGE, ""),
    "missing": (VERMILION, ""),
    "tampered": (PURPLE, "altered or deleted"),
}
"""Colour, and what the word does not say. A cell of several hours shows the most alarming of them."""

_SIGNS = {"unknown": "?", "switched_off": "off", "missing": "×", "tampered": "!"}
_COLOURS = ("#ffffff", *_PRESENT, *(colour for colour, _ in STATUSES.values()))
"""By code: 0 where coverage says nothing, then shades of presence, then the other statuses."""

_WORDS = ("silent", "present", "unknown", "switched_off", "missing", "tampered")
"""By rank: the statuses from least to most alarming."""

_SPAN = "SELECT min(hour) AS first, max(hour) AS last, count(*) AS cells FROM coverage"

_ROWS = """
SELECT source, account_id, region, count(CASE WHEN status NOT IN ('present', 'silent') THEN 1 END) AS gaps
FROM coverage
GROUP BY source, account_id, region
ORDER BY source, account_id, region
"""

_CELLS = """
SELECT source, account_id, region, bin,
  max(rank) AS worst, sum(records) AS records, max_by(cause, rank) AS cause
FROM (
  SELECT source, account_id, region, records, cause,
    CAST(floor(date_diff('hour', CAST(? AS TIMESTAMP), hour) / CAST(? AS DOUBLE)) AS BIGINT) AS bin,
    CASE status
      WHEN 'tampered' THEN 5 WHEN 'missing' THEN 4 WHEN 'switched_off' THEN 3 WHEN 'unknown' THEN 2
      WHEN 'present' THEN 1 ELSE 0
    END AS rank
  FROM coverage
) AS placed
GROUP BY source, account_id, region, bin
"""


@dataclass(frozen=True)
class _Row:
    source: str
    account_id: str | None
    region: str | None
    gaps: int

    @property
    def key(self) -> tuple[str | None, ...]:
        """What tells one row from another."""
        return self.source, self.account_id, self.region


@dataclass(frozen=True)
class _Cell:
    row: tuple[str | None, ...]
    bin: int
    rank: int
    records: int
    cause: str | None

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> _Cell:
        source, account_id, region, place, rank, records, cause = row
        return cls((source, account_id, region), place, rank, int(records), cause)


def coverage_figure(case: Case) -> go.Figure:
    """A cell per source, account, region and hour, or several hours so that at most `CELLS` are drawn."""
    first, last, _ = case.sql(_SPAN).rows()[0]
    if first is None:
        return empty_figure(TITLE, "no events: coverage has not been computed for this case")
    rows = [_Row(*row) for row in case.sql(_ROWS).rows()]
    drawn = [row for row in rows if row in sorted(rows, key=lambda row: -row.gaps)[:ROWS]]
    hours = (last - first) // timedelta(hours=1) + 1
    width = next((width for width in _HOURS if hours / width * len(drawn) <= CELLS), _HOURS[-1])
    cells = [_Cell.of(row) for row in case.sql(_CELLS, (first, width)).rows()]
    figure = go.Figure(_heat(drawn, cells, first, width=width, columns=-(-hours // width)))
    for rank in sorted({cell.rank for cell in cells}):
        figure.add_trace(_sample(_WORDS[rank]))
    return _framed(figure, drawn, (first, last + timedelta(hours=1)), width=width, left_out=len(rows) - len(drawn))


def _heat(rows: Sequence[_Row], cells: Sequence[_Cell], first: datetime, *, width: int, columns: int) -> go.Heatmap:
    places = {row.key: place for place, row in enumerate(rows)}
    codes = np.zeros((len(rows), columns), dtype=np.int8)
    records = np.zeros((len(rows), columns), dtype=np.int64)
    words = [["no statement"] * columns for _ in rows]
    peaks = {row.key: max(cell.records for cell in cells if cell.row == row.key) for row in rows}
    for cell in cells:
        if cell.row in places:
            place = places[cell.row], cell.bin
            codes[place], records[place] = _code(cell, peaks[cell.row]), cell.records
            words[place[0]][place[1]] = _WORDS[cell.rank] + (f": {label(cell.cause, 60)}" if cell.cause else "")
    step = 1 / len(_COLOURS)
    return go.Heatmap(
        z=codes,
        x0=first + timedelta(hours=width / 2),
        dx=width * 3_600_000,
        customdata=records,
        hovertext=words,
        text=_signs(codes) if columns <= _SIGNED else None,
        texttemplate="%{text}" if columns <= _SIGNED else None,
        zmin=-0.5,
        zmax=len(_COLOURS) - 0.5,
        colorscale=[[(place + end) * step, colour] for place, colour in enumerate(_COLOURS) for end in (0, 1)],
        showscale=False,
        xgap=1 if columns <= 200 else 0,
        ygap=3,
        hovertemplate="<b>%{hovertext}</b><br>%{y}<br>%{x|%Y-%m-%d %H:%M} UTC"
        "<br>records %{customdata:,}<extra></extra>",
    )


def _code(cell: _Cell, peak: int) -> int:
    if _WORDS[cell.rank] != "present":
        return 1 + len(_PRESENT) + list(STATUSES).index(_WORDS[cell.rank])
    shade = sqrt(cell.records / peak) if peak else 0.0
    return 1 + min(int(shade * len(_PRESENT)), len(_PRESENT) - 1)


def _signs(codes: np.ndarray[Any, np.dtype[np.int8]]) -> list[list[str]]:
    by_code = {1 + len(_PRESENT) + place: _SIGNS.get(word, "") for place, word in enumerate(STATUSES)}
    return [[by_code.get(int(code), "") for code in row] for row in codes]


def _sample(word: str) -> go.Scatter:
    colour = _PRESENT[2] if word == "present" else STATUSES[word][0]
    meaning = "darker: more records" if word == "present" else STATUSES[word][1]
    return go.Scatter(
        x=[None],
        y=[None],
        mode="markers",
        name=word.replace("_", " ") + (f" ({meaning})" if meaning else ""),
        marker={"symbol": "square", "size": 12, "color": colour, "line": {"width": 1, "color": GREY}},
    )


def _framed(
    figure: go.Figure, rows: Sequence[_Row], span: tuple[datetime, datetime], *, width: int, left_out: int
) -> go.Figure:
    gaps = sum(row.gaps for row in rows)
    notes = [f"a cell is {count_of(width, 'hour')}; {count_of(gaps, 'hour')} of a log not held or not known"]
    notes += [f"{count_of(left_out, 'row')} with fewer gaps not drawn"] if left_out else []
    height = _ROW * len(rows) + 130 + LEGEND_ROW * 3
    title = f"{TITLE} by log, account and Region, {moment(span[0])[:16]} to {moment(span[1])[:16]} UTC"
    frame(figure, title=title, subtitle="; ".join(notes), height=height, legend_rows=3)
    figure.update_layout(legend=legend_at(0, height))
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[label(" ".join(part for part in row.key if part), 60) for row in rows],
        range=[len(rows) - 0.5, -0.5],
        showgrid=False,
    )
    figure.update_xaxes(range=list(span), showgrid=False, title_text="time, UTC")
    return figure
