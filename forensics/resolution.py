"""Who, what and which belongs to which: every stage over the source tables, in order, in one transaction."""

from __future__ import annotations

import importlib
import os

import duckdb

from forensics import event, scanned
from forensics.case import STALE as _STALE
from forensics.sources import sources
from forensics.transaction import transaction

MEMORY = 2_500_000_000
"""Bytes that the database may hold in memory while it resolves."""

STAGES = (
    "identity",
    "lineage",
    "login",
    "workload",
    "invocation",
    "interface",
    "lifetime",
    "attribution",
    "on_behalf",
    "request_link",
    "theft",
    "finding",
    "digests",
    "logging_state",
    "coverage",
    "tamper_finding",
    "kept_finding",
)
"""Modules with a `resolve(con)`, each reading only what those before it wrote."""


def mark_stale(con: duckdb.DuckDBPyConnection) -> None:
    """Remember that the source tables have changed since the last resolution."""
    con.execute("INSERT OR REPLACE INTO case_info VALUES (?, 'true')", [_STALE])


def is_stale(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether the source tables have changed since the last resolution."""
    return bool(con.execute("SELECT 1 FROM case_info WHERE key = ?", [_STALE]).fetchall())


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Fill the resolution tables anew from the source tables; a crash leaves the state before.

    Of source tables only what came since the last resolution is read (see `forensics.scanned`). What does not fit into
    `MEMORY`, or half of the machine's, is put aside on disk beside the case's database meanwhile; what cannot be put
    aside is done again with as much memory as there is.
    """
    try:
        con.execute(f"SET memory_limit = '{min(MEMORY, _machine() // 2)}B'")
        _resolve(con)
    except duckdb.OutOfMemoryException:
        con.execute("RESET memory_limit")
        _resolve(con)
    finally:
        con.execute("RESET memory_limit")


def _machine() -> int:
    """Bytes of memory that the machine has; `MEMORY` twice where it does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 2 * MEMORY


def _resolve(con: duckdb.DuckDBPyConnection) -> None:
    with transaction(con):
        scanned.check(con)
        event.resolve_copies(con)
        _complete_evidence(con)
        for stage in STAGES:
            importlib.import_module(f"forensics.{stage}").resolve(con)
        con.execute("DELETE FROM case_info WHERE key = ?", [_STALE])
    con.execute("CHECKPOINT")


def _complete_evidence(con: duckdb.DuckDBPyConnection) -> None:
    """Account and region of objects whose key names none: those of their records, where all agree."""
    for name, fresh in scanned.fresh(con, "evidence_place", sources()).items():
        asked = {"account_id": sources()[name].account, "region": sources()[name].region}
        for column, sql in asked.items():
            if sql != "NULL":
                con.execute(_PLACE.format(column=column, sql=sql, rows=fresh.rows))


_PLACE = """
UPDATE evidence
SET {column} = o.value
FROM (
  SELECT s.object_id, min({sql}) AS value
  FROM {rows} AS s
  JOIN evidence AS v ON v.object_id = s.object_id AND v.{column} IS NULL
  GROUP BY s.object_id
  HAVING min({sql}) = max({sql})
) AS o
WHERE o.object_id = evidence.object_id
"""
