"""What makes the explorer fast: the events of a case once more, in memory, narrow and in order of time.

The tables `event` and `attribution` of the explorer's own cursor hide the views of those names, so that the very
statement of a Timeline runs on them. They are gone with the cursor; the case is not written to.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Self

import duckdb

from forensics.case import Case
from forensics.errors import QueryError
from forensics.explorer.filters import CITED
from forensics.explorer.state import State
from forensics.report.display import MEANINGS
from forensics.source import EVENT_COLUMNS

CERTAINTIES = tuple(MEANINGS)
"""From strongest to weakest; the place of a word is its bit in the column `certainties`."""

ENUMERATED = (
    "source",
    "account_id",
    "region",
    "principal",
    "session",
    "access_key_id",
    "action",
    "source_ip",
    "destination_ip",
    "outcome",
    "user_agent",
    "object_id",
)
"""Columns that hold few distinct values in most cases; what has fewer than `FEW` is kept as numbers of its values."""

FEW = 100_000

PARTS = 8
"""Stretches of time that are sorted one after the other, so that only one of them is in memory twice."""

_KEPT = "_index_of_the_explorer"
"""Where an open case keeps its index."""

_DISTINCT = "SELECT {counted}, min(time), max(time), count(*)\nFROM {case}.event"

_BOUNDS = """
SELECT approx_quantile(time, [{shares}])
FROM {case}.event
"""

_EVENT = """
INSERT INTO temp.event
SELECT {columns}
FROM {case}.event
WHERE {within}
ORDER BY time, event_id
"""

_ATTRIBUTED = """
CREATE TEMP TABLE attributed AS
SELECT e.rowid AS n, a.question, CAST(a.workload AS attributed_workload) AS workload,
  CAST(a.certainty AS certainty_word) AS certainty
FROM {case}.attribution AS a
JOIN temp.event AS e ON e.event_id = a.event_id
"""

_ATTRIBUTION = """
CREATE TEMP VIEW attribution AS
SELECT e.event_id, a.question, CAST(a.workload AS VARCHAR) AS workload, CAST(a.certainty AS VARCHAR) AS certainty
FROM attributed AS a
JOIN temp.event AS e ON e.rowid = a.n
"""

_WHOLE = f"""
CREATE TEMP TABLE whole AS
WITH marked AS (
  SELECT n, CAST(bit_or(CASE certainty {" ".join(f"WHEN '{word}' THEN {1 << bit}" for bit, word in enumerate(CERTAINTIES))} END)
    AS UTINYINT) AS certainties
  FROM attributed
  GROUP BY n
), found AS (
  SELECT DISTINCT c.event_id
  FROM (
    SELECT event_id FROM finding_evidence WHERE {CITED}
    UNION ALL
    SELECT finding_id AS event_id FROM finding
  ) AS c
)
SELECT e.rowid AS n, e.time, e.source, e.outcome, e.account_id, e.region, e.action, e.principal,
  coalesce(m.certainties, 0) AS certainties, f.event_id IS NOT NULL AS found
FROM temp.event AS e
LEFT JOIN marked AS m ON m.n = e.rowid
LEFT JOIN found AS f ON f.event_id = e.event_id
ORDER BY n
"""
"""What is counted of each event, in order of time: `certainties` are bits, `found` says that a finding cites it."""

_SHOWN = """
CREATE OR REPLACE TEMP TABLE shown AS
SELECT w.*
FROM whole AS w
WHERE w.n IN (
  SELECT rowid
  FROM event
  WHERE {conditions})
ORDER BY n
"""


class Index:
    """The events of a case, in memory; `.rows()` runs a statement over them. Raises QueryError."""

    @classmethod
    def of(cls, case: Case) -> Self:
        """That of the case, shared by its explorers while it cannot change; each of them is to close it."""
        kept: dict[str, Any] = vars(case)
        made: Self = kept[_KEPT] if _KEPT in kept else cls(case)
        if case.read_only:
            kept[_KEPT] = made
        made.users += 1
        return made

    def __init__(self, case: Case) -> None:
        self.case = case
        self.users = 0
        self.connection = case.connection.cursor()
        case.cursors.append(self.connection)
        self.shown = "whole"
        self._state: State | None = None
        name = str(self.rows("SELECT current_database()")[0][0]).replace('"', '""')
        self._fill(f'"{name}".main')

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a statement, in which `event` and `attribution` are the ones in memory. Raises QueryError."""
        try:
            return list(self.connection.execute(sql, list(params)).fetchall())
        except duckdb.Error as error:
            raise QueryError(f"query failed: {error}") from None

    def show(self, state: State) -> None:
        """Make `shown` the name of the table of a state's events: `n`, in order of time, and what is counted of them.

        Raises UnknownName, AmbiguousName, QueryError.
        """
        if self._state is not None and state == self._state:
            return
        timeline = state.timeline(self.case)
        if timeline.conditions:
            self.rows(_SHOWN.format(conditions="\n    AND ".join(timeline.conditions)), timeline.bound)
        self.shown = "shown" if timeline.conditions else "whole"
        self._state = state

    def forget(self) -> None:
        """Look again when that state is shown the next time: tags have changed."""
        self._state = None

    def close(self) -> None:
        """Give the memory back, once nobody uses it any more."""
        self.users -= 1
        if self.users <= 0:
            vars(self.case).pop(_KEPT, None)
            self.case.cursors.remove(self.connection)
            self.connection.close()

    def _fill(self, case: str) -> None:
        """Copy the events out of the views, which are in the catalogue and schema `case`."""
        counted = ", ".join(f"approx_count_distinct({name})" for name in ENUMERATED)
        *distinct, self.first, self.last, self.events = self.rows(_DISTINCT.format(counted=counted, case=case))[0]
        few = [name for name, number in zip(ENUMERATED, distinct, strict=True) if 0 < number < FEW]
        self._enumerate(few, case)
        kinds = {name: f"{name}_value" if name in few else kind for name, kind in EVENT_COLUMNS.items()}
        self.rows(f"CREATE TEMP TABLE event ({', '.join(f'{name} {kind}' for name, kind in kinds.items())})")
        columns = ", ".join(f"CAST({name} AS {kind})" for name, kind in kinds.items())
        for within, params in self._stretches(case):
            self.rows(_EVENT.format(columns=columns, within=within, case=case), params)
        self._attribute(case)

    def _enumerate(self, few: Sequence[str], case: str) -> None:
        if not few:
            return
        listed = ", ".join(f"list(DISTINCT {name}) AS {name}" for name in few)
        self.rows(f"CREATE TEMP TABLE distinct_value AS SELECT {listed} FROM {case}.event")
        for name in few:
            self.rows(f"CREATE TEMP TYPE {name}_value AS ENUM (SELECT unnest({name}) FROM distinct_value)")
        self.rows("DROP TABLE temp.distinct_value")

    def _stretches(self, case: str) -> list[tuple[str, tuple[Any, ...]]]:
        """Conditions that part the events by time, in order; those without a time come last, as they do in a Timeline."""
        shares = ", ".join(str(part / PARTS) for part in range(1, PARTS))
        found = self.rows(_BOUNDS.format(shares=shares, case=case))[0][0] if self.events >= FEW else None
        bounds = sorted(set(found or ()))
        if not bounds:
            return [("TRUE", ())]
        between = [("time >= ? AND time < ?", pair) for pair in pairwise(bounds)]
        return [("time < ?", (bounds[0],)), *between, ("time >= ?", (bounds[-1],)), ("time IS NULL", ())]

    def _attribute(self, case: str) -> None:
        words = ", ".join(f"'{word}'" for word in CERTAINTIES)
        self.rows(f"CREATE TEMP TYPE certainty_word AS ENUM ({words})")
        self.rows(f"CREATE TEMP TYPE attributed_workload AS ENUM (SELECT DISTINCT workload FROM {case}.attribution)")
        for statement in (_ATTRIBUTED.format(case=case), _ATTRIBUTION, _WHOLE):
            self.rows(statement)
