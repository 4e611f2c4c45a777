"""A page of the table: rows of the events shown, in order of time, with who they are attributed to and how certainly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from forensics.explorer.index import CERTAINTIES, Index
from forensics.views.labels import moment, shorten, size, visible

ROWS = (50, 100, 200)
"""Rows of a page that can be chosen."""

LONGEST = 300
"""Characters of a cell; the record has them all."""


@dataclass(frozen=True)
class Column:
    """A column of the table: what it is called, and the kind of filter a click on a cell offers; "" none."""

    name: str
    label: str
    kind: str = ""
    usual: bool = False


COLUMNS = (
    Column("time", "time, UTC", usual=True),
    Column("action", "action", "action", usual=True),
    Column("principal", "principal", "principal", usual=True),
    Column("source_ip", "from", "address", usual=True),
    Column("outcome", "outcome", "outcome", usual=True),
    Column("workload", "workload, certainty", "workload", usual=True),
    Column("resources", "resource", "resource", usual=True),
    Column("summary", "summary", usual=True),
    Column("source", "source", "source"),
    Column("destination_ip", "to", "address"),
    Column("session", "session", "session"),
    Column("access_key_id", "access key", "access_key"),
    Column("user_agent", "user agent", "user_agent"),
    Column("account_id", "account", "account"),
    Column("region", "Region", "region"),
    Column("bytes", "bytes"),
    Column("severity", "severity"),
    Column("event_id", "event", "event"),
)
"""In the order in which they are shown; the first is always there."""

_READ = tuple(column.name for column in COLUMNS if column.name not in ("workload", "resources"))

_PAGE = f"""
SELECT s.n, s.found, {", ".join(f"e.{name}" for name in _READ)}, e.resources[1:4] AS resources, len(e.resources) AS named
FROM event AS e
JOIN (
  SELECT n, found
  FROM {{shown}}
  ORDER BY n {{order}}
  LIMIT ?
  OFFSET ?
) AS s ON s.n = e.rowid
ORDER BY s.n {{order}}
"""

_ATTRIBUTED = """
SELECT n, question, CAST(workload AS VARCHAR) AS workload, CAST(certainty AS VARCHAR) AS certainty
FROM attributed
WHERE n IN ({marks})
ORDER BY n, certainty, workload, question
"""

QUESTIONS = {"issued_to": "issued to", "used_from": "used from", "endpoint": "an end of it"}
"""The three questions of an attribution in words."""


def page(index: Index, *, at: int, rows: int, newest_first: bool) -> list[dict[str, Any]]:
    """Rows from the `at`-th on: {id, found, cells}; a cell is {text, value, items, certainty, title}, by column.

    `value` is there where it is not the text; `items` are the values of a cell with several. Raises QueryError.
    """
    sql = _PAGE.format(shown=index.shown, order="DESC" if newest_first else "ASC")
    found = index.rows(sql, (rows, at))
    attributed = _attributed(index, [row[0] for row in found])
    return [_row(row, attributed.get(row[0], [])) for row in found]


def _attributed(index: Index, places: Sequence[int]) -> dict[int, list[tuple[str, str, str]]]:
    if not places:
        return {}
    made: dict[int, list[tuple[str, str, str]]] = {}
    for n, *said in index.rows(_ATTRIBUTED.format(marks=", ".join("?" * len(places))), places):
        made.setdefault(n, []).append((said[0], said[1], said[2]))
    return made


def _row(row: Sequence[Any], attributed: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    _, found, *values, resources, named = row
    read = dict(zip(_READ, values, strict=True))
    cells: dict[str, Mapping[str, Any]] = {
        name: _cell(name, value) for name, value in read.items() if value is not None
    }
    if resources:
        cells["resources"] = _listed(resources, named)
    if attributed:
        cells["workload"] = _workload(attributed)
    if "action" not in cells and "summary" in cells:
        cells["action"] = cells["summary"]
    return {"id": read["event_id"], "found": bool(found), "at": moment(read["time"]), "cells": cells}


def _cell(name: str, value: Any) -> dict[str, Any]:
    if name == "time":
        return {"text": moment(value)}
    if name == "bytes":
        return {"text": size(value), "title": f"{value:,} bytes"}
    text = shorten(visible(value), LONGEST)
    return {"text": text} if text == value else {"text": text, "value": str(value)}


def _listed(values: Sequence[str], number: int) -> dict[str, Any]:
    """The first of several values, and how many more there are."""
    more = f" +{number - 1}" if number > 1 else ""
    items = [{"text": shorten(visible(value), LONGEST), "value": value} for value in values]
    return {"text": items[0]["text"], "value": values[0], "more": more, "items": items}


def _workload(attributed: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    """The most certain attribution; the others in the title and among the items."""
    best = min(attributed, key=lambda said: CERTAINTIES.index(said[2]))
    names = list(dict.fromkeys([best[1], *(workload for _, workload, _ in attributed)]))
    title = "\n".join(
        f"{QUESTIONS.get(asked, asked)}: {visible(workload)} ({word})" for asked, workload, word in attributed[:8]
    )
    cell = _listed(names[:4], len(names))
    return {**cell, "certainty": best[2], "title": title}
