"""Typed rows into the case: many results in a transaction, value by value where the database refuses one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path

import duckdb
import pyarrow as pa

from forensics import event, resolution, storage
from forensics.source import Source
from forensics.sources import sources
from forensics.tasks import Outcome, Result

COMMIT_ROWS = 500_000
"""Rows between commits; a crash costs reading them again."""

INSERT_ROWS = 40_000
"""Rows of a statement: fewer take longer, as the database gives memory back after each."""


class Writer:
    """Puts results into the case, many in a transaction."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con
        self._open: list[Result] = []
        self._waiting: list[Result] = []
        self._rows = 0
        self._careful = False
        self._present: dict[str, set[str]] = {}

    def take(self, result: Result) -> None:
        """Insert the rows of a piece of a result; commit once enough have come together, objects whole."""
        if not self._open:
            self._begin()
        self._open.append(result)
        self._waiting.append(result)
        self._rows += result.rows
        if sum(item.rows for item in self._waiting) >= INSERT_ROWS:
            self._insert_waiting()
        if result.outcomes and self._rows >= COMMIT_ROWS:
            self.commit()

    def drop_unfinished(self) -> None:
        """Undo the pieces of an object whose reading ended before its outcome was known; what came of others stays."""
        finished = next((n for n in range(len(self._open), 0, -1) if self._open[n - 1].outcomes), 0)
        if self._open and finished < len(self._open):
            del self._open[finished:]
            self._waiting = []
            self._again()

    def commit(self) -> None:
        """Make what was taken last."""
        if self._open:
            self._insert_waiting()
            _settle(self._con, [outcome for result in self._open for outcome in result.outcomes])
            if self._careful:
                self._con.execute(_RECOUNT)
            event.create_view(self._con)
            self._con.execute("COMMIT")
        for result in self._open:
            for _, path in result.files:
                Path(path).unlink(missing_ok=True)
        self._open, self._rows, self._careful = [], 0, False

    @contextlib.contextmanager
    def undoing(self) -> Iterator[None]:
        """Whatever interrupts the work undoes what is not committed, so that this connection can load again."""
        try:
            yield
        except BaseException:
            if self._open:
                with contextlib.suppress(duckdb.Error):  # after a fatal error the database undoes it by itself
                    self._con.execute("ROLLBACK")
            raise

    def _begin(self) -> None:
        self._con.execute("BEGIN")
        resolution.mark_stale(self._con)

    def _insert_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            self._insert(waiting, careful=False)
        except duckdb.Error:
            self._again()

    def _again(self) -> None:
        """A value that the database refuses fails a whole statement: do the open transaction anew, value by value."""
        self._con.execute("ROLLBACK")
        self._present, self._careful = {}, True
        if self._open:
            self._begin()
        for result in self._open:
            self._insert([result], careful=True)

    def _insert(self, results: Sequence[Result], *, careful: bool) -> None:
        """Files of one form go in together."""
        with contextlib.ExitStack() as stack:
            tables: dict[tuple[str, pa.Schema], list[pa.Table]] = {}
            for name, path in (file for result in results for file in result.files):
                file = stack.enter_context(pa.memory_map(path))
                table = pa.ipc.open_stream(file).read_all()
                tables.setdefault((name, table.schema), []).append(table)
            for (name, _), found in tables.items():
                self._rows_of(name, pa.concat_tables(found), careful=careful)
            tables.clear()

    def _rows_of(self, name: str, batch: pa.Table, *, careful: bool) -> None:
        """The statements read `batch` itself: a registered table would be kept until the commit."""
        if name == "rejected_record":
            self._con.execute("INSERT INTO rejected_record SELECT object_id, record, reason, excerpt FROM batch")
            return
        source = sources()[name]
        columns = self._columns(source, batch)
        if careful:
            for column in _json_columns(source, columns):
                self._con.execute(_refused(column))
        self._con.execute(_insert_sql(source, columns, careful=careful))

    def _columns(self, source: Source, batch: pa.Table) -> set[str]:
        """The columns to insert: those with values; the table grows those that it lacks."""
        valued = {name for name in batch.column_names if batch[name].null_count < batch.num_rows}
        valued |= {"object_id", "record", *(name for name, _, _ in source.derived)}
        valued |= {"identity_key"} if source.identity else set()
        if not valued <= self._present.get(source.name, set()):
            storage.grow(self._con, source, valued)
            self._present[source.name] = storage.present(self._con, source)
        return valued & set(batch.column_names)


def _json_columns(source: Source, columns: set[str]) -> list[str]:
    return [name for name, kind in source.table_columns if kind == "JSON" and name in columns]


def _refused(column: str) -> str:
    return f"""
INSERT INTO rejected_record
SELECT object_id, record, '{column} is not JSON that the database reads', left(CAST("{column}" AS VARCHAR), 10000)
FROM batch
WHERE "{column}" IS NOT NULL AND NOT json_valid("{column}")
"""


def _insert_sql(source: Source, columns: set[str], *, careful: bool) -> str:
    derived = {name: sql for name, _, sql in source.derived}
    inner: list[str] = []
    for name, kind in source.table_columns:
        if name in columns:
            check = careful and kind == "JSON"
            text = f'CASE WHEN json_valid("{name}") THEN "{name}" END' if check else f'"{name}"'
            inner.append(f'{text} AS "{name}"')
        elif name not in derived and name != "identity_key":
            inner.append(f'CAST(NULL AS {kind}) AS "{name}"')
    outer = [
        f'{derived[name]} AS "{name}"'
        if name in derived
        else f"{source.identity.key} AS identity_key"
        if name == "identity_key" and source.identity
        else f's."{name}"'
        for name, _ in source.table_columns
        if name in columns or name in derived or name == "identity_key"
    ]
    targets = [
        f'"{name}"' for name, _ in source.table_columns if name in columns or name in derived or name == "identity_key"
    ]
    return (
        f'INSERT INTO stored."{source.name}" ({", ".join(targets)})\n'
        f"SELECT {', '.join(outer)}\nFROM (SELECT {', '.join(inner)} FROM batch) AS s"
    )


_RECOUNT = """
UPDATE evidence
SET rejected = r.rejected,
  status = CASE WHEN evidence.status = 'loaded' THEN 'partial' ELSE evidence.status END,
  reason = coalesce(evidence.reason, r.reason)
FROM (
  SELECT object_id, count(*) AS rejected, min(reason) AS reason
  FROM rejected_record
  GROUP BY object_id
) AS r
WHERE r.object_id = evidence.object_id AND r.rejected <> evidence.rejected
"""
"""What the database refused is rejected after an object's outcome was known."""

_SETTLE = """
UPDATE evidence
SET source = o.source,
  account_id = o.account_id,
  region = o.region,
  status = o.status,
  records = o.records,
  rejected = o.rejected,
  reason = o.reason
FROM (SELECT {columns}) AS o
WHERE o.object_id = evidence.object_id
"""


def _settle(con: duckdb.DuckDBPyConnection, outcomes: Sequence[Outcome]) -> None:
    """Write what came of objects; bound as lists: pyarrow would import pandas to make arrays of them."""
    if not outcomes:
        return
    types = {"records": "BIGINT", "rejected": "BIGINT"}
    names = [item.name for item in fields(Outcome)]
    columns = ", ".join(f"unnest(CAST(${name} AS {types.get(name, 'VARCHAR')}[])) AS {name}" for name in names)
    values = {name: [getattr(item, name) for item in outcomes] for name in names}
    con.execute(_SETTLE.format(columns=columns), values)
