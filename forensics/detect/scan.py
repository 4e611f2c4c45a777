"""The predicates of many rules over one source table, without a full scan for each.

The distinct values of a table's few-valued columns (of CloudTrail: service, call, error, kind of identity) say which rules
can match at all, and which rows they concern. Rules that concern some rows are judged together on a copy of those rows,
in which each path into JSON that they name was followed once; rules about every row in one scan of the table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb

from forensics import storage
from forensics.detect.fields import literal
from forensics.detect.pipelines import Table
from forensics.source import Source

FEW = 4_000_000
"""Rows of the copy at most; or SHARE of the table, if that is more."""
SHARE = 0.6
TOGETHER = 40
"""Rules judged by one statement; below 63, the bits of a number."""
ALIKE, ALIKE_IN, OFTEN = 4, 2, 8
"""Rules about every row that name the same columns are judged on the distinct values of these where there are ALIKE such
rules or more, of ALIKE_IN columns or fewer, whose values occur OFTEN times in the mean."""
SLOTS = 24
"""Columns of the copy for what lies at paths. Paths that no row needs both of share one; a path beyond that is followed anew."""

MATCH = "CREATE OR REPLACE TEMP TABLE detect_match (rule INTEGER, source VARCHAR, object_id VARCHAR, record BIGINT)"


@dataclass(frozen=True)
class Asked:
    """One rule over the table: its number, its SQL, that reduced to the narrow columns, and what is left to ask of rows so found.

    `paths` are its JSON paths by name, `lifted` those that its filters name besides.
    """

    number: int
    sql: str
    narrow: str = ""
    rest: str = ""
    paths: Mapping[str, str] = field(default_factory=dict)
    lifted: frozenset[str] = frozenset()


@dataclass
class Scan:
    """One table in one window of time: which rules matched (`detect_match`), and what could not have."""

    con: duckdb.DuckDBPyConnection
    source: Source
    table: Table
    start: Any = None
    end: Any = None
    errors: dict[int, str] = field(default_factory=dict)
    kinds: dict[int, list[int]] = field(default_factory=dict)
    copied: set[int] = field(default_factory=set)
    there: set[int] = field(default_factory=set)
    sizes: dict[int, int] = field(default_factory=dict)
    slots: dict[str, int] = field(default_factory=dict)

    @property
    def window(self) -> str:
        """SQL: whether a row lies in the window."""
        time = self.source.event.columns["time"]
        parts = [f"{time} >= $start"] * (self.start is not None) + [f"{time} < $end"] * (self.end is not None)
        return " AND ".join(parts) or "TRUE"

    @property
    def bounds(self) -> dict[str, Any]:
        """The values of `window`."""
        return {name: value for name, value in (("start", self.start), ("end", self.end)) if value is not None}

    def rows(self) -> int:
        """How many rows lie in the window."""
        return int(self._all(f'SELECT count(*) FROM "{self.source.name}" AS s WHERE {self.window}')[0][0])

    def columns(self) -> set[str]:
        """The columns that ever had a value in the case."""
        return storage.present(self.con, self.source)

    def run(self, asked: Sequence[Asked]) -> None:
        """Judge the rules; a rule whose SQL fails is in `errors` and costs no other."""
        every, some = [item for item in asked if not item.narrow], [item for item in asked if item.narrow]
        self._of_every_row(every)
        if self.table.narrow:
            self._tell_apart(asked)
            for item in self._copy([item for item in some if self.kinds[item.number]]):
                condition = f"{self.window} AND {self._of_values(item)}"
                self._alone(item, f'"{self.source.name}"', condition, self.bounds)

    def lacking(self, asked: Sequence[Asked]) -> dict[int, set[str]]:
        """For each rule the names whose JSON paths have no value in any row the rule concerns."""
        found: dict[int, set[str]] = {item.number: set() for item in asked}
        kinds_with = self._kinds_with() if self.there else {}
        for item in asked:
            if self.kinds.get(item.number, [0]):
                found[item.number] = {name for name, sql in item.paths.items() if not self._has(item, sql, kinds_with)}
        return found

    def _has(self, item: Asked, sql: str, kinds_with: Mapping[int, set[int]]) -> bool:
        """Whether what lies at a path is there in a row that the rule concerns."""
        if item.number not in self.there:
            return self._somewhere(sql)
        if sql in self.slots:
            return not kinds_with[self.slots[sql]].isdisjoint(self.kinds[item.number])
        return bool(
            self._plain(f"SELECT 1 FROM detect_row AS s WHERE {self._of_kinds(item)} AND ({sql}) IS NOT NULL LIMIT 1")
        )

    def _kinds_with(self) -> dict[int, set[int]]:
        """For each slot of the copy the kinds of rows that have something there."""
        slots = sorted(set(self.slots.values()))
        counts = "".join(f", count({_slot(slot)})" for slot in slots)
        rows = self._plain(f"SELECT s.kind{counts} FROM detect_row AS s GROUP BY s.kind")
        return {slot: {row[0] for row in rows if row[1 + place]} for place, slot in enumerate(slots)}

    def close(self) -> None:
        """Drop what the scan made for itself."""
        for name in ("detect_kind", "detect_row"):
            self.con.execute(f"DROP TABLE IF EXISTS temp.{name}")

    def _all(self, sql: str) -> list[tuple[Any, ...]]:
        return list(self.con.execute(sql, self.bounds).fetchall())

    def _tell_apart(self, asked: Sequence[Asked]) -> None:
        """Number the combinations of the narrow columns, and say which of them each rule can match."""
        names = ", ".join(f's."{name}"' for name in self.table.narrow)
        self._all(
            f"""
CREATE OR REPLACE TEMP TABLE detect_kind AS
SELECT CAST(row_number() OVER (ORDER BY {names}) AS INTEGER) AS kind, s.*
FROM (
  SELECT {names}, hash({names}) AS hashed, count(*) AS rows
  FROM "{self.source.name}" AS s
  WHERE {self.window}
  GROUP BY {names}
) AS s"""
        )
        self.sizes = {int(kind): int(rows) for kind, rows in self._plain("SELECT kind, rows FROM detect_kind")}
        self.kinds = {item.number: list(self.sizes) for item in asked if not item.narrow}
        narrow = [item for item in asked if item.narrow]
        for first in range(0, len(narrow), TOGETHER):
            self._kinds_of(narrow[first : first + TOGETHER])

    def _plain(self, sql: str) -> list[tuple[Any, ...]]:
        return list(self.con.execute(sql).fetchall())

    def _kinds_of(self, batch: Sequence[Asked]) -> None:
        lists = ", ".join(f"list(s.kind) FILTER ({item.narrow})" for item in batch)
        try:
            (found,) = self._plain(f"SELECT {lists} FROM detect_kind AS s")
            self.kinds |= {item.number: list(kinds or []) for item, kinds in zip(batch, found, strict=True)}
        except duckdb.Error as error:
            if len(batch) == 1:
                self.errors[batch[0].number] = _reason(error)
                self.kinds[batch[0].number] = []
            for item in batch if len(batch) > 1 else ():
                self._kinds_of([item])

    def _copy(self, asked: Sequence[Asked]) -> list[Asked]:
        """Copy the rows of the rules that concern the fewest, judge those rules there; gives the others."""
        limit = max(FEW, int(SHARE * sum(self.sizes.values())))
        few: list[Asked] = []
        for item in sorted(asked, key=lambda item: sum(self.sizes[kind] for kind in self.kinds[item.number])):
            wanted = self.copied | set(self.kinds[item.number])
            if sum(self.sizes[kind] for kind in wanted) > limit:
                break
            few.append(item)
            self.copied = wanted
        if few:
            self._make_copy(few)
        few.sort(key=lambda item: self.kinds[item.number])
        for first in range(0, len(few), TOGETHER):
            self._together(few[first : first + TOGETHER])
        self.there = {item.number for item in few}
        return [item for item in asked if item.number not in self.there]

    def _make_copy(self, few: Sequence[Asked]) -> None:
        wanted: dict[str, set[int]] = {}
        for item in few:
            for sql in {*item.paths.values(), *item.lifted}:
                wanted.setdefault(sql, set()).update(self.kinds[item.number])
        self.slots = _slots(wanted)
        used = self._columns_of(" ".join(["s.object_id s.record", *map(self._lifted, few)]))
        chosen = [f's."{name}"' for name in used]
        chosen += [self._filled(slot, wanted) for slot in sorted(set(self.slots.values()))]
        names = ", ".join(f's."{name}"' for name in self.table.narrow)
        self._all(
            f"""
CREATE OR REPLACE TEMP TABLE detect_row AS
SELECT k.kind, {", ".join(chosen)}
FROM "{self.source.name}" AS s
JOIN detect_kind AS k ON k.hashed = hash({names})
WHERE k.kind IN ({_numbers(self.copied)})
  AND {self.window}
ORDER BY k.kind"""
        )

    def _filled(self, slot: int, wanted: Mapping[str, set[int]]) -> str:
        """SQL: a slot's column, each path followed for the kinds of rows that a rule asks it of."""
        cases = [
            f"WHEN k.kind IN ({_numbers(wanted[sql])}) THEN {sql}" for sql, its in self.slots.items() if its == slot
        ]
        return f"CASE {' '.join(cases)} END AS detect_{slot}"

    def _lifted(self, item: Asked) -> str:
        """What is left to ask of rows of the rule's kinds, as SQL over the copy."""
        sql = item.rest
        for path in sorted({*item.paths.values(), *item.lifted} & self.slots.keys(), key=len, reverse=True):
            sql = sql.replace(path, _slot(self.slots[path]))
        return sql

    def _together(self, batch: Sequence[Asked]) -> None:
        each = [
            f"SELECT {item.number}, '{self.source.name}', s.object_id, s.record FROM detect_row AS s"
            f" WHERE {self._of_kinds(item)} AND ({self._lifted(item)})"
            for item in batch
        ]
        try:
            self._plain("INSERT INTO detect_match\n" + "\nUNION ALL\n".join(each))
        except duckdb.Error:
            for item in batch:
                self._alone(replace(item, sql=self._lifted(item)), "detect_row", self._of_kinds(item), {})

    def _of_every_row(self, every: Sequence[Asked]) -> None:
        """Judge rules about every row: which match at all, and those then on each row."""
        alike: dict[tuple[str, ...], list[Asked]] = {}
        for item in every:
            alike.setdefault(self._columns_of(item.sql), []).append(item)
        told = {columns: items for columns, items in alike.items() if len(items) >= ALIKE and self._repeats(columns)}
        others = [item for columns, items in alike.items() if columns not in told for item in items]
        matching = self._matching(others, f'"{self.source.name}" AS s WHERE {self.window}')
        for columns, items in told.items():
            names = ", ".join(f's."{name}"' for name in columns)
            values = f'(SELECT DISTINCT {names} FROM "{self.source.name}" AS s WHERE {self.window}) AS s'
            matching += self._matching(items, values)
        for first in range(0, len(matching), TOGETHER):
            self._marked(matching[first : first + TOGETHER])

    def _columns_of(self, sql: str) -> tuple[str, ...]:
        """The table's columns that SQL over it names; or more."""
        used = set(re.findall(r'\bs\."?(\w+)"?', sql))
        return tuple(name for name, _ in self.source.table_columns if name in used)

    def _repeats(self, columns: tuple[str, ...]) -> bool:
        """Whether the values of columns repeat so often that it pays to judge each once."""
        if not 0 < len(columns) <= ALIKE_IN:
            return False
        names = ", ".join(f's."{name}"' for name in columns)
        ((values, rows),) = self._all(
            f'SELECT approx_count_distinct(hash({names})), count(*) FROM "{self.source.name}" AS s WHERE {self.window}'
        )
        return bool(values * OFTEN <= rows)

    def _matching(self, items: Sequence[Asked], rows: str) -> list[Asked]:
        """Of rules those that match some row, each batch in one scan; all of a batch where that fails."""
        found: list[Asked] = []
        for first in range(0, len(items), TOGETHER):
            batch = items[first : first + TOGETHER]
            try:
                (each,) = self._all(f"SELECT {', '.join(f'bool_or({item.sql})' for item in batch)} FROM {rows}")
                found += [item for item, matches in zip(batch, each, strict=True) if matches]
            except duckdb.Error:
                found += batch
        return found

    def _marked(self, batch: Sequence[Asked]) -> None:
        """Mark on each row, as bits of a number, the rules that match it; one by one where a rule of them fails."""
        marks = " + ".join(
            f"CASE WHEN {item.sql} THEN CAST({1 << bit} AS BIGINT) ELSE 0 END" for bit, item in enumerate(batch)
        )
        numbers = ", ".join(f"({item.number}, {1 << bit})" for bit, item in enumerate(batch))
        try:
            self._all(
                f"""
INSERT INTO detect_match
WITH row AS MATERIALIZED (
  SELECT s.object_id, s.record, {marks} AS marks
  FROM "{self.source.name}" AS s
  WHERE {self.window}
)
SELECT b.rule, '{self.source.name}' AS source, r.object_id, r.record
FROM row AS r, (VALUES {numbers}) AS b(rule, bit)
WHERE r.marks <> 0 AND r.marks & b.bit <> 0"""
            )
        except duckdb.Error:
            for item in batch:
                self._alone(item, f'"{self.source.name}"', self.window, self.bounds)

    def _of_kinds(self, item: Asked) -> str:
        return f"s.kind IN ({_numbers(self.kinds[item.number])})"

    def _of_values(self, item: Asked) -> str:
        """SQL: the values that the narrow columns have in the rule's rows, where these are few and some are left out."""
        parts = ["TRUE"]
        kinds = _numbers(self.kinds.get(item.number, ()))
        for name in self.table.narrow if item.narrow else ():
            rows = self._plain(f'SELECT DISTINCT "{name}" FROM detect_kind WHERE kind IN ({kinds})')
            values = [value for (value,) in rows]
            if None not in values and len(values) <= TOGETHER:
                parts.append(f's."{name}" IN ({", ".join(map(literal, values))})')
        return " AND ".join(parts)

    def _alone(self, item: Asked, table: str, condition: str, values: dict[str, Any]) -> None:
        try:
            self.con.execute(
                f"""
INSERT INTO detect_match
SELECT {item.number} AS rule, '{self.source.name}' AS source, s.object_id, s.record
FROM {table} AS s
WHERE {condition} AND ({item.sql})""",
                values,
            ).fetchall()
        except duckdb.Error as error:
            self.errors[item.number] = _reason(error)

    def _somewhere(self, sql: str) -> bool:
        condition = f"{self.window} AND ({sql}) IS NOT NULL"
        return bool(self._all(f'SELECT 1 FROM "{self.source.name}" AS s WHERE {condition} LIMIT 1'))


def _slots(wanted: Mapping[str, set[int]]) -> dict[str, int]:
    """A slot for each path; paths that rows of one kind need get different ones. Those that most kinds need come first."""
    taken: list[set[int]] = []
    slots: dict[str, int] = {}
    for sql, kinds in sorted(wanted.items(), key=lambda item: (-len(item[1]), item[0])):
        slot = next((place for place, others in enumerate(taken) if others.isdisjoint(kinds)), len(taken))
        if slot == SLOTS:
            continue
        taken[slot:] = taken[slot:] or [set()]
        taken[slot] |= kinds
        slots[sql] = slot
    return slots


def _slot(slot: int) -> str:
    return f"s.detect_{slot}"


def _numbers(values: Any) -> str:
    return ", ".join(str(value) for value in sorted(values)) or "NULL"


def _reason(error: duckdb.Error) -> str:
    return str(error).splitlines()[0][:300]
