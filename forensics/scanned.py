"""What resolution reads out of the source tables, kept in the case, so that evidence added later is read alone.

Reading millions of rows is the costly part of a stage; what comes of it is small. A stage declares that part as a
`Scan` and calls `take`: the first time it reads all rows of the source tables, from then on only those that came
since, and appends what it finds to the table of its name in the schema `kept`. The stage makes its tables of that one
each time anew. To move a scan here, in a stage:

    _MINTS = Scan("mint", {"cloudtrail": "SELECT s.event_id, s.event_time FROM {rows} AS s WHERE s.event_name = 'X'"})
    scanned.take(con, _MINTS)
    con.execute(f"CREATE OR REPLACE TEMP TABLE mint_call AS SELECT event_id, event_time FROM {_MINTS.table}")

Rules, without which later evidence would give other tables than the same evidence at once:

* A scan reads one source's rows, `{rows}`, and of other tables only `evidence`: nothing that a stage makes, nor
  `superseded`, for later evidence may change those. It keeps what is needed to judge by them afterwards (`object_id`
  and `record` for `superseded`).
* A scan without `GROUP BY` needs no more. One that groups is given `merged`, which groups its rows, `{kept}`, again to
  the same columns: read `Scan.rows`, not `Scan.table`. Only what can be put together again is counted: `min`, `max`,
  `sum`, `bool_or`, `arg_min` with the value that it goes by; of `count(DISTINCT x)` keep the `x`.
* A changed text of a scan, or a source table that lost rows, has everything read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import duckdb

from forensics import storage
from forensics.sources import sources

SCHEMA = (
    "CREATE SCHEMA IF NOT EXISTS kept",
    """
CREATE TABLE IF NOT EXISTS kept.scan (
  name VARCHAR NOT NULL, source VARCHAR NOT NULL, sha256 VARCHAR NOT NULL, next_row BIGINT NOT NULL, size BIGINT NOT NULL,
  merged_rows BIGINT
)
""",
    """
CREATE TABLE IF NOT EXISTS kept.source (
  source VARCHAR NOT NULL, next_row BIGINT NOT NULL, rows BIGINT NOT NULL, object_id VARCHAR, record BIGINT
)
""",
)
"""`kept.scan`: from which row on a scan has not read a source, how many rows that had then, and how many rows the scan's
own table had when it was merged. `kept.source`: how many rows were before a row, and which was the last of them, to tell
whether they are still those that were read."""

MERGE_FROM = 10_000
"""Rows for which it pays to merge a kept table where it lies, once it has twice as many as after the last time."""

_OWN_ROWS = 1 << 54
"""Row ids from there on are of rows that this transaction has written itself, and get others when it commits."""

_SIZES = "SELECT table_name, estimated_size FROM duckdb_tables() WHERE schema_name = 'stored'"

_READ = "SELECT name, source, sha256, next_row, size FROM kept.scan WHERE list_contains(CAST(? AS VARCHAR[]), name)"

_SOURCES = """
SELECT t.table_name, k.next_row, k.rows, k.object_id, k.record
FROM duckdb_tables() AS t
LEFT JOIN kept.source AS k ON k.source = t.table_name
WHERE t.schema_name = 'stored'
  AND (t.estimated_size > 0 OR k.source IS NOT NULL)
ORDER BY t.table_name
"""


@dataclass(frozen=True)
class Scan:
    """What is read of source tables: by source a SELECT over `{rows}` (alias it `s`), each with the same columns.

    `merged` is a SELECT that groups rows of `{kept}` again; without it each row stands for itself.
    """

    name: str
    parts: Mapping[str, str]
    merged: str = ""

    @property
    def table(self) -> str:
        """The table of what was found; of a scan that groups, a thing may have a row for each time it was read."""
        return f"kept.{self.name}"

    @property
    def rows(self) -> str:
        """SQL: what was found, as a table to read from."""
        return f"({self.merged.replace('{kept}', self.table)})" if self.merged else self.table

    @property
    def sha256(self) -> str:
        """Tells declarations apart: what was read by another is of no use."""
        return hashlib.sha256(repr((sorted(self.parts.items()), self.merged)).encode()).hexdigest()


def one(name: str, source: str, sql: str, merged: str = "") -> Scan:
    """A scan of one source."""
    return Scan(name, {source: sql}, merged)


def take(con: duckdb.DuckDBPyConnection, *scans: Scan) -> None:
    """Bring the tables of scans up to date with the source tables; the caller owns the transaction."""
    known = _known(con, [scan.name for scan in scans])
    for scan in scans:
        marks = {source: mark for source, mark in known[scan.name].items() if source in scan.parts}
        if any(mark.sha256 != scan.sha256 for mark in marks.values()):
            _begin(con, scan)
            marks = {source: _Mark(mark.size, None, 0, 0) for source, mark in marks.items()}
        grown = {source: mark for source, mark in marks.items() if mark.size != mark.before}
        for source, mark in grown.items():
            _read(con, scan, source, mark)
        if grown and scan.merged:
            _merge(con, scan, len(grown))


def latest(con: duckdb.DuckDBPyConnection, scan: Scan) -> str:
    """SQL: `scan.rows`, or the table itself while nothing in it is there twice: for what is large."""
    rows, merged = _sizes(con, scan)
    return scan.table if rows == merged else scan.rows


@dataclass(frozen=True)
class Fresh:
    """Rows of a source that came since they were asked for: SQL, a table to read from; `whole` if those are all."""

    rows: str
    whole: bool


def fresh(con: duckdb.DuckDBPyConnection, name: str, sources: Iterable[str]) -> dict[str, Fresh]:
    """The rows of sources that came since the last call by that name; of those that got none, nothing.

    For what is no table of its own, but brought up to date in place; the caller owns the transaction.
    """
    known = _known(con, [name])[name]
    found = {}
    for source in sources:
        size, _, mark, before = known[source]
        if size != (before or 0):
            top = next_row(con, source, mark or 0)
            con.execute("DELETE FROM kept.scan WHERE name = ? AND source = ?", [name, source])
            con.execute("INSERT INTO kept.scan VALUES (?, ?, '', ?, ?, NULL)", [name, source, top, size])
            found[source] = Fresh(rows_between(con, source, mark or 0, top), not mark)
    return found


class _Mark(NamedTuple):
    """How far a source was read: its rows now, the scan's declaration, the row reached, and the rows there were then."""

    size: int
    sha256: str | None
    next_row: int | None
    before: int | None


def _known(con: duckdb.DuckDBPyConnection, names: list[str]) -> dict[str, dict[str, _Mark]]:
    """How far every source was read, by scan."""
    sizes = con.execute(_SIZES).fetchall()
    read = {(name, source): mark for name, source, *mark in con.execute(_READ, [names]).fetchall()}
    unread = (None, None, None)
    return {name: {source: _Mark(size, *read.get((name, source), unread)) for source, size in sizes} for name in names}


def forget(con: duckdb.DuckDBPyConnection, sources: Iterable[str]) -> None:
    """Have those source tables read from their first row: rows that were read have gone, or are others now."""
    for source in sources:
        for table in ("scan", "source"):
            con.execute(f"DELETE FROM kept.{table} WHERE source = ?", [source])


def check(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Forget, and return, the sources that lost rows which were read, and remember which rows there are now.

    Rows are only ever appended to a source table, and then keep their place in it. Whatever removes some leaves fewer
    before the row reached, or another as the last of them.
    """
    lost = []
    for source, *then in con.execute(_SOURCES).fetchall():
        reached = then[0]
        if reached is not None and _state(con, source, reached) != tuple(then):
            lost.append(source)
        top = next_row(con, source, 0 if source in lost else reached or 0)
        if source in lost or reached != top:
            con.execute("DELETE FROM kept.source WHERE source = ?", [source])
            con.execute("INSERT INTO kept.source VALUES (?, ?, ?, ?, ?)", [source, *_state(con, source, top)])
    for source in lost:
        con.execute("DELETE FROM kept.scan WHERE source = ?", [source])
    return lost


def next_row(con: duckdb.DuckDBPyConnection, source: str, start: int = 0) -> int:
    """The row id that the next row of a source's table gets, where those before `start` are known to be given."""
    asked = f'SELECT max(rowid) + 1 FROM stored."{source}" WHERE rowid >= {start} AND rowid < {_OWN_ROWS}'
    return int(con.execute(asked).fetchall()[0][0] or start)


def rows_between(con: duckdb.DuckDBPyConnection, source: str, start: int, end: int) -> str:
    """SQL: the rows of a source's view from a row id on, before another, as a table to read from."""
    if not start:
        return f'"{source}"'
    columns = storage.shown(con, sources()[source])
    return f'(\nSELECT\n  {columns}\nFROM stored."{source}"\nWHERE rowid >= {start} AND rowid < {end})'


def _state(con: duckdb.DuckDBPyConnection, source: str, end: int) -> tuple[Any, ...]:
    (rows,) = con.execute(f'SELECT count(*) FROM stored."{source}" WHERE rowid < {end}').fetchall()[0]
    last = con.execute(f'SELECT object_id, record FROM stored."{source}" WHERE rowid = {end - 1}').fetchall()
    return (end, rows, *(last[0] if last else (None, None)))


def _begin(con: duckdb.DuckDBPyConnection, scan: Scan) -> None:
    """An empty table, of which no row of any source has been read."""
    source, sql = next(iter(scan.parts.items()))
    con.execute(f"CREATE OR REPLACE TABLE {scan.table} AS\n" + sql.replace("{rows}", f'"{source}"') + "\nLIMIT 0")
    con.execute("DELETE FROM kept.scan WHERE name = ?", [scan.name])
    con.executemany(
        "INSERT INTO kept.scan VALUES (?, ?, ?, 0, 0, NULL)",
        [[scan.name, source, scan.sha256] for source in scan.parts],
    )


def _read(con: duckdb.DuckDBPyConnection, scan: Scan, source: str, mark: _Mark) -> None:
    start = mark.next_row or 0
    top = next_row(con, source, start)
    con.execute(
        f"INSERT INTO {scan.table}\n{scan.parts[source].replace('{rows}', rows_between(con, source, start, top))}"
    )
    con.execute(
        "UPDATE kept.scan SET next_row = ?, size = ? WHERE name = ? AND source = ?", [top, mark.size, scan.name, source]
    )


def _merge(con: duckdb.DuckDBPyConnection, scan: Scan, reads: int) -> None:
    """Keep a table from growing with each addition where most of what is found is known."""
    rows, merged = _sizes(con, scan)
    if reads == 1 and not merged:
        merged = rows
    elif not merged or rows >= max(2 * merged, MERGE_FROM):
        con.execute(f"CREATE OR REPLACE TABLE {scan.table} AS\nSELECT * FROM {scan.rows} AS k")
        merged, _ = _sizes(con, scan)
    con.execute("UPDATE kept.scan SET merged_rows = ? WHERE name = ?", [merged, scan.name])


def _sizes(con: duckdb.DuckDBPyConnection, scan: Scan) -> tuple[int, int]:
    """Rows of the table, and of them those that are known to be different things."""
    counted = f"SELECT (SELECT count(*) FROM {scan.table}), coalesce(max(merged_rows), 0) FROM kept.scan WHERE name = ?"
    ((rows, merged),) = con.execute(counted, [scan.name]).fetchall()
    return int(rows), int(merged)
