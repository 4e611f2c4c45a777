"""What a query shows of itself: its first rows, how many there are, and its SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import duckdb

from forensics.cards.card import Card, Part
from forensics.case import Query
from forensics.errors import QueryError

_ASKED = 200
"""Characters of Python text that is told for all rows."""

_WIDE = 8
"""Columns from which values are shown in brief."""

FIRST = 50
"""Rows that are shown."""


@dataclass(frozen=True, repr=False)
class Rows(Card):
    """The first rows of a statement that reads."""

    kind_of_card: ClassVar[str] = "query"

    @property
    def call(self) -> str:
        """The Python text that makes it."""
        values = f", {self.query.params!r}" if self.query.params else ""
        return f"case.sql({self.query.sql.strip()!r}{values})"

    @property
    def heading(self) -> str:
        """The beginning of its SQL, on one line."""
        return " ".join(self.query.sql.split())[:120]

    def parts(self) -> tuple[Part, ...]:
        """The rows; all columns, as they are named."""
        ask = f"{self.call}.df()" if len(self.call) < _ASKED else "the same query, with .df() behind it"
        return (
            Part("Rows", self.query, {}, none="No row.", limit=FIRST, ask=ask, brief=len(self.query.columns) > _WIDE),
        )


def first_rows(query: Query) -> Rows:
    """The rows of a query, to be shown. Raises QueryError of a statement that does not read."""
    statements = query.case.connection.extract_statements(query.sql)
    if any(item.type != duckdb.StatementType.SELECT for item in statements):
        raise QueryError("only what a SELECT gives is shown: call .rows() or .df() to run another statement")
    return Rows(query.case, query)
