"""The predicates of many rules over one source table, without a full scan for each.

The distinct values of a table's few-valued columns (of CloudTrail: service, call, error, kind of identity) say which rules
can match at all, and which rows they concern. Rules that concern few rows are judged together on a copy of those rows;
the others one by one on the table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from forensics import storage
from forensics.detect.fields import literal
from forensics.detect.pipelines import Table
from forensics.source import Source

FEW = 600_000
"""Rows of the copy at most; or SHARE of the table, if that is more."""
SHARE = 0.6
TOGETHER = 40
"""Rules judged by one statement."""

MATCH = "CREATE OR REPLACE TEMP TABLE detect_match (rule INTEGER, source VARCHAR, object_id VARCHAR, record BIGINT)"


@dataclass(frozen=True)
class Asked:
    """One rule over the table: its number, its SQL and that reduced to the narrow columns; its JSON paths by name."""

    number: int
    sql: str
    narrow: str = ""
    paths: Mapping[str, str] = field(default_factory=dict)


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
    sizes: dict[int, int] = field(default_factory=dict)

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
        if not self.table.narrow:
            wide: Sequence[Asked] = asked
        else:
            self._tell_apart(asked)
            wide = self._copy([item for item in asked if self.kinds[item.number]])
        every = [item for item in wide if not item.narrow]
        about_some = [item for item in wide if item.narrow]
        for first in range(0, len(every), TOGETHER):
            about_some += self._matching(every[first : first + TOGETHER])
        for item in about_some:
            condition = f"{self.window} AND {self._of_values(item)}"
            self._alone(item, f'"{self.source.name}"', condition, self.bounds)

    def lacking(self, asked: Sequence[Asked]) -> dict[int, set[str]]:
        """For each rule the names whose JSON paths have no value in any row the rule concerns."""
        few = [item for item in asked if item.paths and self._is_copied(item)]
        found: dict[int, set[str]] = {}
        for first in range(0, len(few), TOGETHER):
            found |= self._lacking_together(few[first : first + TOGETHER])
        for item in asked:
            if item.number not in found and item.paths and self.kinds.get(item.number, [0]):
                found[item.number] = {name for name, sql in item.paths.items() if not self._somewhere(sql)}
        return found

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
SELECT CAST(row_number() OVER () AS INTEGER) AS kind, s.*
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
        there = {item.number for item in few}
        return [item for item in asked if item.number not in there]

    def _make_copy(self, few: Sequence[Asked]) -> None:
        texts = [text for item in few for text in (item.sql, *item.paths.values())]
        used = {name for text in texts for name in re.findall(r'\bs\."?(\w+)"?', text)}
        columns = [name for name, _ in self.source.table_columns if name in used | {"object_id", "record"}]
        names = ", ".join(f's."{name}"' for name in self.table.narrow)
        chosen = ", ".join(f's."{name}"' for name in columns)
        self._all(
            f"""
CREATE OR REPLACE TEMP TABLE detect_row AS
SELECT k.kind, {chosen}
FROM "{self.source.name}" AS s
JOIN detect_kind AS k ON k.hashed = hash({names})
WHERE k.kind IN ({_numbers(self.copied)})
  AND {self.window}
ORDER BY k.kind"""
        )

    def _together(self, batch: Sequence[Asked]) -> None:
        each = [
            f"SELECT {item.number}, '{self.source.name}', s.object_id, s.record FROM detect_row AS s"
            f" WHERE {self._of_kinds(item)} AND ({item.sql})"
            for item in batch
        ]
        try:
            self._plain("INSERT INTO detect_match\n" + "\nUNION ALL\n".join(each))
        except duckdb.Error:
            for item in batch:
                self._alone(item, "detect_row", self._of_kinds(item), {})

    def _matching(self, batch: Sequence[Asked]) -> list[Asked]:
        """Of rules about every row those that match some, found in one scan; all where that fails."""
        tests = ", ".join(f"bool_or({item.sql})" for item in batch)
        try:
            (found,) = self._all(f'SELECT {tests} FROM "{self.source.name}" AS s WHERE {self.window}')
        except duckdb.Error:
            return list(batch)
        return [item for item, matches in zip(batch, found, strict=True) if matches]

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

    def _is_copied(self, item: Asked) -> bool:
        kinds = self.kinds.get(item.number)
        return bool(kinds) and set(kinds or ()) <= self.copied

    def _lacking_together(self, batch: Sequence[Asked]) -> dict[int, set[str]]:
        paths = [(item, name, sql) for item in batch for name, sql in item.paths.items()]
        tests = ", ".join(
            f"EXISTS (SELECT 1 FROM detect_row AS s WHERE {self._of_kinds(item)} AND ({sql}) IS NOT NULL)"
            for item, _, sql in paths
        )
        (found,) = self._plain(f"SELECT {tests}")
        lacking: dict[int, set[str]] = {item.number: set() for item in batch}
        for (item, name, _), there in zip(paths, found, strict=True):
            if not there:
                lacking[item.number].add(name)
        return lacking

    def _somewhere(self, sql: str) -> bool:
        condition = f"{self.window} AND ({sql}) IS NOT NULL"
        return bool(self._all(f'SELECT 1 FROM "{self.source.name}" AS s WHERE {condition} LIMIT 1'))


def _numbers(values: Any) -> str:
    return ", ".join(str(value) for value in sorted(values)) or "NULL"


def _reason(error: duckdb.Error) -> str:
    return str(error).splitlines()[0][:300]
