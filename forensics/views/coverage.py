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
"""Rows drawn at most; of each log the others, those with fewer gaps, are one more row."""

FOLDED = 30
"""Beyond so many rows those of a log whose cells all say the same are one."""

_SIGNED = 72
"""Columns up to which the cells that are not held also bear a sign, for those who print in grey."""

_HOURS = (1, 3, 6, 12, 24, 168, 720)
_ROW, _LOW_ROW = 26, 17
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

_PLACES = """
SELECT (SELECT count(*) FROM (SELECT DISTINCT source, account_id, region FROM coverage) AS p) AS places,
  count(CASE WHEN status NOT IN ('present', 'silent') THEN 1 END) AS gaps
FROM coverage
"""

_CELLS = """
SELECT source, account_id, region, bin, max(rank) AS worst, CAST(sum(records) AS BIGINT) AS records,
  max_by(cause, rank) AS cause, CAST(sum(hours) AS BIGINT) AS hours, max_by(hours, rank) AS worst_hours
FROM (
  SELECT source, account_id, region, bin, rank, sum(records) AS records, min(cause) AS cause, count(*) AS hours
  FROM (
    SELECT source, account_id, region, records, cause,
      CAST(floor(date_diff('hour', CAST(? AS TIMESTAMP), hour) / CAST(? AS DOUBLE)) AS BIGINT) AS bin,
      CASE status
        WHEN 'tampered' THEN 5 WHEN 'missing' THEN 4 WHEN 'switched_off' THEN 3 WHEN 'unknown' THEN 2
        WHEN 'present' THEN 1 ELSE 0
      END AS rank
    FROM coverage
  ) AS ranked
  GROUP BY source, account_id, region, bin, rank
) AS placed
GROUP BY source, account_id, region, bin
ORDER BY source, account_id, region, bin
"""

Key = tuple[str | None, ...]


@dataclass(frozen=True)
class _Cell:
    """So many hours of a row: the worst status, for how many of them and why, and all records."""

    bin: int
    rank: int
    records: int
    cause: str | None
    hours: int
    worst_hours: int

    def with_(self, other: _Cell) -> _Cell:
        """Both together: the worse wins."""
        worst = max(self, other, key=lambda cell: cell.rank)
        same = self.rank == other.rank
        return _Cell(
            self.bin,
            worst.rank,
            self.records + other.records,
            worst.cause,
            self.hours + other.hours,
            self.worst_hours + other.worst_hours if same else worst.worst_hours,
        )

    @property
    def words(self) -> str:
        """What a reader is told of it."""
        of = f"{self.worst_hours:,} of {count_of(self.hours, 'hour')}" if self.worst_hours < self.hours else ""
        said = ", ".join(part for part in (of, label(self.cause, 60) if self.cause else "") if part)
        return _WORDS[self.rank] + (f": {said}" if said else "")


@dataclass(frozen=True)
class _Row:
    """A line of the figure: one or several accounts and Regions of a log."""

    source: str
    keys: tuple[Key, ...]
    cells: tuple[_Cell, ...]
    others: bool = False

    @property
    def gaps(self) -> tuple[int, int]:
        """Cells that were stopped, lost or altered, and those that are not known."""
        ranks = [cell.rank for cell in self.cells]
        return sum(rank > _WORDS.index("unknown") for rank in ranks), ranks.count(_WORDS.index("unknown"))

    @property
    def said(self) -> str:
        """Its label."""
        if len(self.keys) == 1:
            return label(" ".join(part for part in (self.source, *self.keys[0]) if part), 60)
        accounts, regions = ({key[place] for key in self.keys} for place in (0, 1))
        where = [label(next(iter(accounts)) or "", 20) if len(accounts) == 1 else count_of(len(accounts), "account")]
        where += [label(next(iter(regions)) or "", 20) if len(regions) == 1 else count_of(len(regions), "Region")]
        return " ".join(part for part in (label(self.source, 30), "others," if self.others else "", *where) if part)

    @classmethod
    def of(cls, rows: Sequence[_Row], *, others: bool = False) -> _Row:
        """Several rows of a log as one."""
        cells: dict[int, _Cell] = {}
        for cell in (cell for row in rows for cell in row.cells):
            cells[cell.bin] = cells[cell.bin].with_(cell) if cell.bin in cells else cell
        keys = tuple(key for row in rows for key in row.keys)
        return cls(rows[0].source, keys, tuple(cells[place] for place in sorted(cells)), others)


def coverage_figure(case: Case) -> go.Figure:
    """A cell per log, account, Region and hour, or several hours so that about `CELLS` are drawn: the worst wins."""
    first, last, _ = case.sql(_SPAN).rows()[0]
    if first is None:
        return empty_figure(TITLE, "no events: coverage has not been computed for this case")
    hours = (last - first) // timedelta(hours=1) + 1
    places, gaps = case.sql(_PLACES).rows()[0]
    lines = min(places, FOLDED)
    width = next((width for width in _HOURS if hours / width * lines <= CELLS), _HOURS[-1])
    rows = _rows(case, first, width)
    figure = go.Figure(_heat(rows, first, width=width, columns=-(-hours // width)))
    for rank in sorted({cell.rank for row in rows for cell in row.cells}):
        figure.add_trace(_sample(_WORDS[rank]))
    return _framed(figure, rows, (first, last + timedelta(hours=1)), width=width, gaps=gaps)


def _rows(case: Case, first: datetime, width: int) -> list[_Row]:
    """The lines: those alike folded where there are many, and the least telling of each log one line."""
    by_key: dict[Key, list[_Cell]] = {}
    for source, account_id, region, *cell in case.sql(_CELLS, (first, width)).rows():
        by_key.setdefault((source, account_id, region), []).append(_Cell(cell[0], cell[1], int(cell[2]), *cell[3:]))
    rows = [_Row(str(key[0]), (key[1:],), tuple(cells)) for key, cells in by_key.items()]
    return rows if len(rows) <= FOLDED else _cut(_folded(rows))


def _folded(rows: Sequence[_Row]) -> list[_Row]:
    alike: dict[tuple[Any, ...], list[_Row]] = {}
    for row in rows:
        alike.setdefault((row.source, tuple((cell.bin, cell.rank) for cell in row.cells)), []).append(row)
    return [_Row.of(same) for same in alike.values()]


def _cut(rows: Sequence[_Row]) -> list[_Row]:
    """The rows with the most gaps, and of each log the rest as one; logs stay together."""
    ranked = sorted(rows, key=lambda row: row.gaps, reverse=True)
    kept, left = ranked[:ROWS], ranked[ROWS:]
    for source in dict.fromkeys(row.source for row in left):
        kept.append(_Row.of([row for row in left if row.source == source], others=True))
    return sorted(kept, key=lambda row: (row.source, row.others, tuple(-gap for gap in row.gaps)))


def _heat(rows: Sequence[_Row], first: datetime, *, width: int, columns: int) -> go.Heatmap:
    codes = np.zeros((len(rows), columns), dtype=np.int8)
    records = np.zeros((len(rows), columns), dtype=np.int64)
    words = [["no statement"] * columns for _ in rows]
    for place, row in enumerate(rows):
        peak = max(cell.records for cell in row.cells)
        for cell in row.cells:
            codes[place, cell.bin], records[place, cell.bin] = _code(cell, peak), cell.records
            words[place][cell.bin] = cell.words
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
        ygap=3 if len(rows) <= FOLDED else 1,
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
    figure: go.Figure, rows: Sequence[_Row], span: tuple[datetime, datetime], *, width: int, gaps: int
) -> go.Figure:
    folded = sum(len(row.keys) for row in rows)
    notes = [f"a cell is {count_of(width, 'hour')}; {count_of(gaps, 'hour')} of a log not held or not known"]
    notes += [f"{folded:,} accounts and Regions of logs in {len(rows):,} rows"] if folded > len(rows) else []
    height = (_ROW if len(rows) <= FOLDED else _LOW_ROW) * len(rows) + 130 + LEGEND_ROW * 3
    title = f"{TITLE} by log, account and Region, {moment(span[0])[:16]} to {moment(span[1])[:16]} UTC"
    frame(figure, title=title, subtitle="; ".join(notes), height=height, legend_rows=3)
    figure.update_layout(legend=legend_at(0, height))
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[row.said for row in rows],
        range=[len(rows) - 0.5, -0.5],
        showgrid=False,
    )
    figure.update_xaxes(range=list(span), showgrid=False, title_text="time, UTC")
    return figure
