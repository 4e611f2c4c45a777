"""What the analyst says of objects whose container does not: the log group, stream, account and Region they are of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import duckdb

from forensics import resolution, scanned
from forensics.errors import UsageError
from forensics.source import LogStream
from forensics.sources import sources
from forensics.transaction import transaction

if TYPE_CHECKING:
    from forensics.case import Case

_NAMED = """
CREATE OR REPLACE TEMP TABLE to_name AS
SELECT e.object_id
FROM evidence AS e
LEFT JOIN named_stream AS n ON n.object_id = e.object_id
WHERE (e.uri = $uri OR starts_with(e.uri, $uri || '/') OR starts_with(e.uri, $uri || '!'))
  AND e.stored_at IS NOT NULL
  AND e.status <> 'duplicate'
  AND (n.object_id IS NULL OR (n.log_group, n.log_stream, n.owner, n.region)
    IS DISTINCT FROM ($log_group, $log_stream, $owner, $region))
"""
_OF_THEM = "WHERE object_id IN (SELECT object_id FROM to_name)"
_FORGET = f"""
UPDATE evidence
SET status = 'pending', source = NULL, account_id = NULL, region = NULL, records = NULL, rejected = NULL, reason = NULL
{_OF_THEM}
"""


def stated(log_group: str | None, log_stream: str | None, account: str | None, region: str | None) -> LogStream | None:
    """The stream that somebody states; None for nothing. Raises UsageError where that makes no sense."""
    if account and not re.fullmatch(r"\d{12}", account):
        raise UsageError(f"the account must be 12 digits, not {account!r}")
    if log_group:
        return LogStream(log_group, log_stream, account, region)
    if log_stream or account or region:
        raise UsageError("stream, account and Region go with --log-group: say which log group the events are of")
    return None


def words(stream: LogStream | None) -> str:
    """What was stated, as the custody record has it; "" for nothing."""
    parts = (stream.log_group, stream.log_stream, stream.owner, stream.region) if stream else ()
    return " as events of " + " ".join(part for part in parts if part) if parts else ""


def name(case: Case, uri: str, stream: LogStream) -> int:
    """Say of which stream the objects at and below `uri` are; what was loaded of them is to be loaded anew.

    Gives how many objects are named otherwise than before. An export to S3, and lines that were taken out of their
    envelope, do not say it themselves (pages "Exporting log data to Amazon S3", "Decompress CloudWatch Logs").
    """
    con = case.connection
    said = {"log_group": stream.log_group, "log_stream": stream.log_stream}
    said |= {"owner": stream.owner, "region": stream.region}
    with transaction(con):
        con.execute(_NAMED, {"uri": uri, **said})
        (count,) = con.execute("SELECT count(*) FROM to_name").fetchall()[0]
        con.execute("DELETE FROM named_stream WHERE object_id IN (SELECT object_id FROM to_name)")
        con.execute("INSERT INTO named_stream SELECT object_id, ?, ?, ?, ? FROM to_name", list(said.values()))
        _unload(con)
        if count:
            resolution.mark_stale(con)
    return int(count)


def unload(con: duckdb.DuckDBPyConnection, object_ids: Sequence[str]) -> None:
    """Take out what was loaded of those objects, and make them pending again; within a transaction."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE to_name AS SELECT unnest(CAST(? AS VARCHAR[])) AS object_id", [object_ids]
    )
    _unload(con)


def _unload(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"DELETE FROM rejected_record {_OF_THEM}")
    scanned.forget(con, [name for name in sources() if _deleted(con, name)])
    con.execute(_FORGET)
    con.execute("DROP TABLE temp.to_name")


def _deleted(con: duckdb.DuckDBPyConnection, source: str) -> int:
    """How many rows of a source there were of the objects."""
    (rows,) = con.execute(f'DELETE FROM stored."{source}" {_OF_THEM}').fetchall()[0]
    return int(rows)


def named(case: Case, object_id: str) -> LogStream | None:
    """The stream that the analyst said the object is of."""
    try:
        rows = case.connection.execute(
            "SELECT log_group, log_stream, owner, region FROM named_stream WHERE object_id = ?", [object_id]
        ).fetchall()
    except duckdb.CatalogException:  # a case of an older version, open read-only
        return None
    return LogStream(*rows[0]) if rows else None
