"""The card of a thing beside the table, as plain values: who that is, or who held it at the moment of an event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

import duckdb

from forensics.cards.card import Card, Part
from forensics.case import Case, Query
from forensics.errors import UsageError
from forensics.explorer.index import Index
from forensics.report.cells import cell_text, is_missing
from forensics.views.labels import shorten, visible

ROWS = 8
"""Rows of a part of a card."""

CARDS = {
    "principal": "principal",
    "session": "session",
    "access_key": "credential",
    "workload": "workload",
    "finding": "finding",
    "address": "address",
    "resource": "resource",
}
"""Kinds of filter whose values have a card, and the method of Case that makes it."""

HELD = ("address", "access_key", "session")
"""Kinds whose values workloads hold for a time: `who_was` answers who did."""

LINKS = {
    "principal": "principal",
    "session": "session",
    "access_key_id": "access_key",
    "workload": "workload",
    "finding_id": "finding",
    "source_ip": "address",
    "address": "address",
    "action": "action",
}
"""Columns of a card's parts whose values can be narrowed to, and by which kind of filter."""


class _Cursor:
    """The index's cursor under another hand: a query may close it, and it stays open."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def cursor(self) -> _Cursor:
        return self

    def sql(self, query: str, *, params: Any = None) -> duckdb.DuckDBPyRelation:
        return self._connection.sql(query, params=params)

    def extract_statements(self, query: str) -> list[Any]:
        return list(self._connection.extract_statements(query))

    def close(self) -> None:
        """The index closes its own."""


def in_memory(index: Index) -> Case:
    """The same case, whose queries read the events that the index holds in memory."""
    return replace(index.case, connection=cast("duckdb.DuckDBPyConnection", _Cursor(index.connection)))


def thing(index: Index, kind: str, value: str, *, at: datetime | None = None, held: bool = False) -> dict[str, Any]:
    """The card as {kind, heading, call, coverage, answers, facts, parts}; `held` asks who held it at that moment.

    Raises UnknownName, AmbiguousName, UsageError.
    """
    case = in_memory(index)
    if held or kind not in CARDS:
        if at is None:
            raise UsageError("who held it depends on the moment: choose an event that has a time")
        card: Card = case.who_was(value, at=at)
    else:
        card = getattr(case, CARDS[kind])(value)
    return {
        "kind": card.kind_of_card,
        "heading": shorten(visible(card.heading), 300),
        "call": visible(card.call),
        "coverage": _coverage(card),
        "answers": [
            {"text": shorten(visible(item.text), 900), "certainty": item.certainty} for item in card.answers()[:ROWS]
        ],
        "facts": [[name, _said(fact)] for name, fact in card.facts().items() if not is_missing(fact)],
        "parts": [made for part in card.parts() if (made := _part(part))["rows"] or made["none"]],
    }


def _coverage(card: Card) -> dict[str, str]:
    """How much of the card's time was logged: {word, text}; empty where that is no question."""
    found = card.coverage()
    badge = found.badge if found else None
    return {"word": badge.word, "text": visible(badge.sentence)} if badge and badge.logs else {}


def _part(part: Part) -> dict[str, Any]:
    chosen = ", ".join(f'"{name}"' for name in part.headings) or "*"
    inner = f"(\n{part.query.sql}\n) AS part"
    query = part.query
    rows = Query(query.case, f"SELECT {chosen}\nFROM {inner}\nLIMIT {ROWS + 1}", query.params).rows()
    total = len(rows)
    if total > ROWS:
        total = int(Query(query.case, f"SELECT count(*) FROM {inner}", query.params).rows()[0][0])
    names = list(part.headings)
    full = [place for place in range(len(names)) if any(not is_missing(row[place]) for row in rows)]
    return {
        "title": part.title,
        "headings": [part.headings[names[place]] for place in full],
        "rows": [[_linked(names[place], row[place]) for place in full] for row in rows[:ROWS]],
        "total": total,
        "none": part.none,
    }


def _linked(name: str, value: Any) -> dict[str, Any]:
    """A cell of a part; `certainty` and `kind` say that it is a word of certainty, or can be narrowed to."""
    if is_missing(value):
        return {"text": ""}
    if name.endswith("certainty"):
        return {"text": _said(value), "certainty": str(value)}
    kind = LINKS.get(name, "")
    return (
        {"text": _said(value), "kind": kind, "value": value}
        if kind and isinstance(value, str)
        else {"text": _said(value)}
    )


def _said(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(shorten(visible(item), 120) for item in value[:3]) + (
            f" +{len(value) - 3}" if len(value) > 3 else ""
        )
    return shorten(visible(cell_text(value)), 300)
