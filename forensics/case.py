"""A case: one directory with one DuckDB file, the evidence it was made from, and the custody record."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import duckdb

from forensics import attribution, configuration, event, locking, scanned, storage
from forensics.carded import Carded
from forensics.errors import CaseError, CaseExists, CaseLocked, NewerCase, NotACase, QueryError
from forensics.lookups import Lookups
from forensics.sources import source, sources
from forensics.tables import KEPT, TABLES
from forensics.tables.kept import EVIDENCE_SINCE_3

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from forensics.cards.card import Card
    from forensics.covered import Coverage
    from forensics.detect.report import Detection
    from forensics.explorer.app import Explorer
    from forensics.logged import Logged
    from forensics.notes import Notes
    from forensics.timeline import Moment

SCHEMA_VERSION = 3
"""Version of the tables; a case with a greater one is refused."""

DATABASE = "case.duckdb"
CONFIG = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}

STALE = "resolution_stale"
"""Key of `case_info` that is there while the source tables have changed since the last resolution."""

Params = Sequence[Any] | Mapping[str, Any]


@dataclass(frozen=True, repr=False)
class Query(Carded):
    """A statement over a case, checked but not run; `.df()`, `.arrow()` and `.rows()` run it afresh."""

    case: Case
    sql: str
    params: Params = ()

    def rows(self) -> list[tuple[Any, ...]]:
        """All rows as tuples. Raises QueryError."""
        with self._relation() as relation:
            return list(relation.fetchall())

    def df(self) -> pd.DataFrame:
        """All rows as a pandas DataFrame; times are UTC without a zone. Raises QueryError."""
        with self._relation() as relation:
            frame: pd.DataFrame = relation.df()
            return frame

    def arrow(self) -> pa.Table:
        """All rows as a pyarrow Table. Raises QueryError."""
        with self._relation() as relation:
            return relation.to_arrow_table()

    def batches(self, rows: int = 100_000) -> Iterator[pa.RecordBatch]:
        """The rows in Arrow batches, so that any number of them fits in memory. Raises QueryError."""
        with self._relation() as relation:
            yield from relation.to_arrow_reader(rows)

    def head(self) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The names of the columns and all rows, of one run. Raises QueryError."""
        with self._relation() as relation:
            return list(relation.columns), list(relation.fetchall())

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in order."""
        with self._relation() as relation:
            return list(relation.columns)

    @contextlib.contextmanager
    def _relation(self) -> Iterator[duckdb.DuckDBPyRelation]:
        cursor = self.case.connection.cursor()
        try:
            yield cursor.sql(self.sql, params=self.params or None)
        except duckdb.Error as error:
            older = self.case.read_only and isinstance(error, duckdb.BinderException)
            raise QueryError(f"query failed: {error}{_of_older(self.case) if older else ''}") from None
        finally:
            cursor.close()

    def card(self) -> Card:
        """Its first rows. Raises QueryError, also of a statement that does not read."""
        from forensics.cards.rows import first_rows

        return first_rows(self)

    def _plainly(self) -> str:
        return self.sql


@dataclass(frozen=True, repr=False)
class Case(Lookups, Carded):
    """An open case. Use `Case.create`, `Case.open`; close it or use it in a `with` block."""

    path: Path
    connection: duckdb.DuckDBPyConnection
    read_only: bool = True

    @classmethod
    def create(cls, path: str | Path) -> Self:
        """Make the case directory and open it for writing. Raises CaseExists."""
        root = Path(path)
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise CaseExists(f"cannot create a case at {root}: it exists and is not an empty directory")
        (root / "evidence").mkdir(parents=True)
        connection = _connect(root / DATABASE, read_only=False)
        connection.execute("BEGIN")
        for statement in TABLES.values():
            connection.execute(statement)
        made = datetime.now(UTC).isoformat(timespec="seconds")
        connection.executemany(
            "INSERT INTO case_info VALUES (?, ?)", [["schema_version", str(SCHEMA_VERSION)], ["created_at", made]]
        )
        case = cls(root, connection, read_only=False)
        case.prepare()
        connection.execute("COMMIT")
        return case

    @classmethod
    def open(cls, path: str | Path, *, read_only: bool = True) -> Self:
        """Open a case; read-only unless asked otherwise: then SQL reaches no file either. Raises NotACase, CaseLocked, NewerCase, CaseError."""
        root = Path(path)
        file = root / DATABASE
        if not file.is_file():
            raise NotACase(f"no case at {root}: {DATABASE} is not there; make one with `forensics new {root}`")
        connection = _connect(file, read_only=read_only)
        case = cls(root, connection, read_only=read_only)
        try:
            case.check_version()
            if not read_only:
                case.prepare()
        except BaseException:
            connection.close()
            raise
        return case

    def check_version(self) -> None:
        """Raises NewerCase, NotACase."""
        try:
            row = self.connection.execute("SELECT value FROM case_info WHERE key = 'schema_version'").fetchone()
        except duckdb.CatalogException:
            row = None
        if row is None:
            raise NotACase(f"{self.path / DATABASE} is a DuckDB file but not a case of this package")
        if int(row[0]) > SCHEMA_VERSION:
            raise NewerCase(
                f"the case {self.path} has table version {row[0]}, this package knows {SCHEMA_VERSION}: "
                "upgrade the package"
            )

    def prepare(self) -> None:
        """Make what is missing: a table per source (a newer package may know more sources) and the views."""
        self._refuse_strangers()
        self._upgrade()
        for name in ("named_stream", "acquisition", "content_hash", "detection_run", "detection_rule"):
            self.connection.execute(TABLES[name])
        storage.prepare(self.connection, sources().values())
        for statement in scanned.SCHEMA:
            self.connection.execute(statement)
        event.create_view(self.connection)
        configuration.create_view(self.connection)
        attribution.create_view(self.connection)

    def source_named(self, name: str) -> str:
        """That name, where a source has it, or records of this case whose module is not here. Raises UnknownName."""
        return name if name in self.strangers() else source(name).name

    def strangers(self) -> list[str]:
        """Sources of which the case holds records, but this process no module."""
        held = self.connection.execute(
            "SELECT DISTINCT source FROM evidence WHERE records > 0 AND source IS NOT NULL ORDER BY source"
        ).fetchall()
        return [str(row[0]) for row in held if row[0] not in sources()]

    def _refuse_strangers(self) -> None:
        """What is written anew is written by the sources that are here: records of others would be lost to it."""
        if names := self.strangers():
            raise CaseError(
                f"the case {self.path} holds records of {', '.join(names)}, of which no module is here: to write to it,"
                " name the folder of that module in FORENSICS_SOURCES (custody.jsonl says which it was), or install it;"
                " to read it, open it read-only"
            )

    def _upgrade(self) -> None:
        """Make the resolution tables of a case of an older version anew, to be filled by the next `load`."""
        done = "SELECT 1 FROM case_info WHERE key = 'schema_version' AND CAST(value AS INTEGER) >= ?"
        if self.connection.execute(done, [SCHEMA_VERSION]).fetchall():
            return
        for column in EVIDENCE_SINCE_3:
            self.connection.execute(f"ALTER TABLE evidence ADD COLUMN IF NOT EXISTS {column}")
        self.connection.execute("DROP SCHEMA IF EXISTS kept CASCADE")
        for name, statement in TABLES.items():
            if name not in KEPT:
                self.connection.execute(f'DROP TABLE IF EXISTS "{name}"')
                self.connection.execute(statement)
        self.connection.execute("INSERT OR REPLACE INTO case_info VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)])
        self.connection.execute("INSERT OR REPLACE INTO case_info VALUES (?, 'true')", [STALE])

    def sql(self, query: str, params: Params = ()) -> Query:
        """A query over the case's tables; values go in `params`, never in the text. Raises QueryError at once."""
        made = Query(self, query, params)
        try:
            statements = self.connection.extract_statements(query)
        except duckdb.Error as error:
            raise QueryError(f"query failed: {error}") from None
        if len(statements) != 1:
            raise QueryError(f"one statement at a time: {len(statements)} were given")
        return made

    def coverage(
        self,
        source: str | None = None,
        *,
        account: str | None = None,
        region: str | None = None,
        start: Moment | None = None,
        end: Moment | None = None,
    ) -> Coverage:
        """Which hours of which log the case holds, and why not the others: all, or narrowed; times are UTC.

        Raises UnknownName, UsageError.
        """
        from forensics.covered import Coverage

        found = Coverage(self).between(start, end)
        found = found.source(source) if source else found
        found = found.account(account) if account else found
        return found.region(region) if region else found

    def logged(self, arn: str, *, at: Moment) -> Logged:
        """Whether trails recorded data events of that bucket, object or function at a moment. Raises UsageError."""
        from forensics.logged import logged

        return logged(self, arn, at)

    def detect(
        self,
        *rules: str | Path,
        allowed: str | Path | None = None,
        start: Moment | None = None,
        end: Moment | None = None,
    ) -> Detection:
        """Run Sigma rules (files, folders, zips; none: our own), for a case open for writing. Raises UsageError.

        What they hit is in `finding` with source `sigma` until the next run.
        """
        from forensics.detect.run import detect

        return detect(self, rules, allowed=allowed, start=start, end=end)

    def explore(self, about: str | None = None, *, start: Moment | None = None, end: Moment | None = None) -> Explorer:
        """Events to search, narrow, look at, tag and note in JupyterLab: all, or of one thing and a window in UTC.

        `about` is what a card is made of, or an event's id, or an action. Raises UsageError (the extra `lab` is not
        installed), UnknownName, AmbiguousName.
        """
        from forensics.explorer import explore

        return explore(self, about, start=start, end=end)

    def card(self) -> Card:
        """What it holds. Raises QueryError."""
        from forensics.cards.whole import whole

        return whole(self)

    def _plainly(self) -> str:
        return f"case {self.path}, which is closed or cannot be read"

    @cached_property
    def notes(self) -> Notes:
        """Tags and notes of people, in `notes.jsonl` beside the database: written to also while that is read-only."""
        from forensics.notes import Notes

        return Notes.of(self.path)

    @cached_property
    def cursors(self) -> list[duckdb.DuckDBPyConnection]:
        """Further connections to the database file that are kept open, to be closed with the case."""
        return []

    def reopen(self) -> None:
        """Open the database file anew, after an error that DuckDB cannot go on after. Raises CaseLocked, CaseError."""
        self.close()
        self.cursors.clear()
        object.__setattr__(self, "connection", _connect(self.path / DATABASE, read_only=self.read_only))

    def close(self) -> None:
        """Close the database file."""
        for connection in (*self.cursors, self.connection):
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _of_older(case: Case) -> str:
    """What to add to an error, where the views of a case are those of an older version of the package."""
    known = "SELECT 1 FROM duckdb_columns() WHERE table_name = 'attribution' AND column_name = 'object_id'"
    if case.connection.execute(known).fetchall():
        return ""
    return f"; the case was made by an older version of this package: `forensics load {case.path}` brings it up to date"


def _connect(file: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    try:
        connection = duckdb.connect(str(file), read_only=read_only, config=dict(CONFIG))
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        with contextlib.suppress(duckdb.InvalidInputException):  # a kernel without ipywidgets: it draws none there
            connection.execute("SET enable_progress_bar = false")
        if read_only:
            connection.execute("SET enable_external_access = false")
        return connection
    except duckdb.IOException as error:
        if "could not set lock" in str(error).lower():
            raise CaseLocked(locking.held(file, str(error), read_only=read_only)) from None
        raise CaseError(f"cannot open {file}: {error}") from None
    except duckdb.ConnectionException as error:
        if "different configuration" in str(error):
            raise CaseLocked(locking.held_here(file)) from None
        raise CaseError(f"cannot open {file}: {error}") from None
    except duckdb.Error as error:
        raise CaseError(f"cannot open {file}: {error}; process {os.getpid()}") from None
