"""Acts against logs among all calls: which objects hold some is read once of each object, and kept in the case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb

from forensics import scanned
from forensics.analysis.deeds import Ask, Deed, Kind, deeds_among
from forensics.analysis.tampering import KINDS, LOG_BUCKETS, OF_LOGS, STARTS


def listed(names: Iterable[str]) -> str:
    """SQL: those names of ours, as a list of texts."""
    return ", ".join(f"'{name}'" for name in names)


_KINDS = (*KINDS, *STARTS)
_ENDS = {action for kind in _KINDS for action, _ in (*kind.ends, *kind.of_owner)}
_ACTIONS = sorted({kind.action for kind in _KINDS} | _ENDS | {"s3:PutBucketLifecycleConfiguration"})
_NAMES = [action.partition(":")[2] for action in _ACTIONS]
_ELSEWHERE = ("DeleteBucket", "DeleteObject", "DeleteObjects")
"""Calls that are made all day long, and concern logs where they are of a bucket or a key of logs."""

_CALLS = scanned.one(
    "log_call",
    "cloudtrail",
    f"""
SELECT DISTINCT w.object_id, w.bucket
FROM (
  SELECT s.object_id, unnest(
    CASE WHEN s.event_name NOT IN ({listed(_ELSEWHERE)}) OR array_to_string(s.resource_ids, ' ') LIKE '%/AWSLogs/%'
      THEN [NULL] ELSE s.resource_ids END) AS bucket
  FROM {{rows}} AS s
  WHERE regexp_replace(s.event_name, '[0-9]{{8}}(v[0-9]+)?$', '') IN ({listed(_NAMES)})
    AND split_part(s.event_source, '.', 1) || ':' || regexp_replace(s.event_name, '[0-9]{{8}}(v[0-9]+)?$', '')
      IN ({listed(_ACTIONS)})
) AS w
WHERE w.bucket IS NULL OR w.bucket NOT LIKE '%/%'
""",
)
"""Objects with a call that may be an act against logs, or end one; `bucket` where it is one if logs are in that bucket."""

TOUCHED = scanned.one(
    "log_object_touched",
    "s3_access",
    """
SELECT DISTINCT s.object_id
FROM {rows} AS s
WHERE s.key LIKE '%AWSLogs/%' AND (s.operation LIKE '%.DELETE.OBJECT%' OR s.operation LIKE 'REST.PUT.OBJECT%')
""",
)
"""Objects of access logs that tell of log objects deleted or written."""

_EVENTS = """
CREATE OR REPLACE TEMP TABLE log_event AS
SELECT e.*, c.request_parameters, c.response_elements
FROM event AS e
JOIN cloudtrail AS c ON c.object_id = e.object_id AND c.record = e.record
WHERE e.source = 'cloudtrail'
  AND e.object_id IN (SELECT object_id FROM act_object)
  AND c.object_id IN (SELECT object_id FROM act_object)
  AND list_contains(CAST(? AS VARCHAR[]), regexp_replace(e.action, '[0-9]{8}(v[0-9]+)?$', ''))
"""

_NONE = """
CREATE OR REPLACE TEMP TABLE log_event AS
SELECT e.*, CAST(NULL AS JSON) AS request_parameters, CAST(NULL AS JSON) AS response_elements
FROM event AS e
LIMIT 0
"""

_OBJECTS = f"""
CREATE OR REPLACE TEMP TABLE act_object AS
SELECT DISTINCT object_id
FROM {_CALLS.table}
WHERE bucket IS NULL OR list_contains(CAST(? AS VARCHAR[]), bucket)
"""
"""A table, which the database reads first: of the source tables it then reads no other rows."""

_ACTS = f"""
SELECT *
FROM log_event
WHERE list_contains(CAST(? AS VARCHAR[]), regexp_replace(action, '[0-9]{{8}}(v[0-9]+)?$', ''))
  AND {OF_LOGS}
"""


def asking(con: duckdb.DuckDBPyConnection) -> Ask:
    """Statements run on a connection, so that they see what its transaction wrote."""
    return lambda sql, params: con.execute(sql, list(params)).fetchall()


def take(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Make `log_event`: events that may be acts against logs or end them, with requests and answers; give logs' buckets."""
    scanned.take(con, _CALLS)
    buckets = [str(row[0]) for row in con.execute(LOG_BUCKETS).fetchall()]
    con.execute(_OBJECTS, [buckets])
    if con.execute("SELECT 1 FROM act_object LIMIT 1").fetchall():
        con.execute(_EVENTS, [_ACTIONS])
    else:
        con.execute(_NONE)
    con.execute("DROP TABLE temp.act_object")
    return buckets


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Leave nothing that `take` made for a while."""
    con.execute("DROP TABLE temp.log_event")


def acts(con: duckdb.DuckDBPyConnection, buckets: list[str], *, more: Sequence[Kind] = ()) -> list[Deed]:
    """Every act against a log in the case, refused ones too, and calls of `more` kinds (of `STARTS`), in order of time.

    Needs `log_event`, and the buckets that `take` gave.
    """
    if not con.execute("SELECT 1 FROM log_event LIMIT 1").fetchall():
        return []
    kinds = (*KINDS, *more)
    calls = (_ACTS, ([kind.action for kind in kinds], buckets))
    return deeds_among(asking(con), calls, kinds, True, within="log_event")


def touched(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether access logs tell of log objects that were deleted or written; `TOUCHED.table` has the logs' objects."""
    scanned.take(con, TOUCHED)
    return bool(con.execute(f"SELECT 1 FROM {TOUCHED.table} LIMIT 1").fetchall())
