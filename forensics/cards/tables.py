"""The tables of a card: the first rows of each part, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from forensics.case import Query
from forensics.report.cells import cell_text, is_missing, is_monospace, is_number
from forensics.views.labels import visible

if TYPE_CHECKING:
    from forensics.cards.card import Card, Part

SHORT = 8
"""Rows of a table, and sentences, that a card shows; the query has them all."""

_UNBROKEN = 36
"""Characters of a cell that stays on one line: ids and words are not broken, names of resources are."""


@dataclass(frozen=True)
class Table:
    """The shown columns and first rows of a part; `ask` is the Python text of all of its rows, if there is one."""

    part: Part
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    total: int
    ask: str = ""

    @property
    def headings(self) -> list[str]:
        """As shown, in the order of the columns."""
        return [self.part.headings.get(name, visible(name)) for name in self.columns]

    @property
    def more(self) -> str:
        """How many rows are not shown; "" where all are."""
        return f"… and {self.total - len(self.rows):,} more" if self.total > len(self.rows) else ""

    def kinds(self) -> list[str]:
        """The style class of each column."""
        return [_kind(name, [row[place] for row in self.rows]) for place, name in enumerate(self.columns)]

    def time(self, row: Sequence[Any]) -> datetime | None:
        """The first time of a row."""
        return next((value for value in row if isinstance(value, datetime) and not is_missing(value)), None)


def read(card: Card) -> list[Table]:
    """The parts that have rows, or that say what it means that they have none."""
    asked = _asked(card)
    tables = (_read(part, next((ask for query, ask in asked if query == part.query), "")) for part in card.parts())
    return [table for table in tables if table.total or table.part.none]


def _read(part: Part, ask: str) -> Table:
    """The first rows of the part, its shown columns only, and how many rows there are."""
    chosen = ", ".join(f'"{name}"' for name in part.headings) or "*"
    query, limit = part.query, part.limit
    inner = query.sql.strip().removesuffix(";")
    head = Query(query.case, f"SELECT {chosen}\nFROM (\n{inner}\n) AS part\nLIMIT {limit + 1}", query.params)
    columns, rows = head.head()
    total = len(rows) if part.total is None else part.total
    if total > limit and part.total is None:
        counted = Query(query.case, f"SELECT count(*) AS total\nFROM (\n{inner}\n) AS part", query.params)
        total = int(counted.rows()[0][0])
    kept = [
        place for place in range(len(columns)) if not part.headings or any(not is_missing(row[place]) for row in rows)
    ]
    shown = [[row[place] for place in kept] for row in rows[:limit]]
    return Table(part, [columns[place] for place in kept], shown, total, part.ask or ask)


def _asked(card: Card) -> list[tuple[Query, str]]:
    """The queries that the card has as attributes, each with the Python text of its rows."""
    names = [name for kind in type(card).__mro__ for name, value in vars(kind).items() if _queries(value)]
    return [(getattr(card, name), f"{card.call}.{name}.df()") for name in dict.fromkeys(names)]


def _queries(value: object) -> bool:
    return isinstance(value, property) and getattr(value.fget, "__annotations__", {}).get("return") in ("Query", Query)


def _kind(column: str, values: Sequence[Any]) -> str:
    present = [value for value in values if not is_missing(value)]
    if present and all(is_number(value) for value in present):
        return "fx-number"
    if present and all(isinstance(value, datetime) for value in present):
        return "fx-time"
    name = "fx-mono" if is_monospace(column) else ""
    lines = [line for value in present for line in cell_text(value).split("\n")]
    if all(len(line) <= _UNBROKEN for line in lines):
        return f"{name} fc-short".strip()
    return name or "fc-text"
