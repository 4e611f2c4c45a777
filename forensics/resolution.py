"""Who, what and which belongs to which: every stage over the source tables, in order, in one transaction."""

from __future__ import annotations

import contextlib
import importlib

import duckdb

from forensics import event
from forensics.case import STALE as _STALE
from forensics.sources import sources

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
    """Fill the resolution tables anew from the source tables; a crash leaves the state before."""
    con.execute("BEGIN")
    try:
        event.resolve_copies(con)
        _complete_evidence(con)
        for stage in STAGES:
            importlib.import_module(f"forensics.{stage}").resolve(con)
        con.execute("DELETE FROM case_info WHERE key = ?", [_STALE])
    except BaseException:
        with contextlib.suppress(duckdb.Error):  # after a fatal error the database undoes it by itself
            con.execute("ROLLBACK")
        raise
    con.execute("COMMIT")
    con.execute("CHECKPOINT")


def _complete_evidence(con: duckdb.DuckDBPyConnection) -> None:
    """Account and region of objects whose key names none: those of their records, where all agree."""
    for source in sources().values():
        for column, sql in (("account_id", source.account), ("region", source.region)):
            if sql != "NULL":
                con.execute(f"""
UPDATE evidence
SET {column} = o.value
FROM (
  SELECT s.object_id, min({sql}) AS value
  FROM "{source.name}" AS s
  JOIN evidence AS v ON v.object_id = s.object_id AND v.{column} IS NULL
  GROUP BY s.object_id
  HAVING min({sql}) = max({sql})
) AS o
WHERE o.object_id = evidence.object_id
""")
