"""Acts against logs among all calls: which objects hold some is read once of each object, and kept in the case."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from forensics import scanned
from forensics.analysis.deeds import Ask, Deed, Kind, deeds_among
from forensics.analysis.tampering import KINDS, LOG_BUCKETS, OF_LOGS, STARTS

_NAMES = ", ".join(sorted({f"'{kind.action.partition(':')[2]}'" for kind in (*KINDS, *STARTS)}))

_CALLS = scanned.one(
    "log_call",
    "cloudtrail",
    f"""
SELECT DISTINCT w.object_id, w.name, u.bucket
FROM (
  SELECT s.object_id, regexp_replace(s.event_name, '[0-9]{{8}}(v[0-9]+)?$', '') AS name,
    CASE WHEN s.event_source NOT LIKE 's3.%' OR s.event_name = 'PutBucketLogging'
      OR array_to_string(s.resource_ids, ' ') LIKE '%/AWSLogs/%' THEN [NULL] ELSE s.resource_ids END AS buckets
  FROM {{rows}} AS s
  WHERE regexp_replace(s.event_name, '[0-9]{{8}}(v[0-9]+)?$', '') IN ({_NAMES})
) AS w, unnest(w.buckets) AS u(bucket)
WHERE u.bucket IS NULL OR u.bucket NOT LIKE '%/%'
""",
)
"""Objects with a call that may be an act against logs; `bucket` where it is one only if logs are in that bucket."""

_TOUCHED = scanned.one(
    "log_object_touched",
    "s3_access",
    """
SELECT DISTINCT s.object_id
FROM {rows} AS s
WHERE s.key LIKE '%AWSLogs/%' AND (s.operation LIKE '%.DELETE.OBJECT%' OR s.operation LIKE 'REST.PUT.OBJECT%')
""",
)
"""Objects of access logs that tell of log objects deleted or written."""

_OBJECTS = f"""
SELECT DISTINCT object_id
FROM {_CALLS.table}
WHERE bucket IS NULL OR list_contains(CAST(? AS VARCHAR[]), bucket)
ORDER BY object_id
"""

_ACTS = f"""
SELECT *
FROM event
WHERE source = 'cloudtrail'
  AND list_contains(CAST(? AS VARCHAR[]), object_id)
  AND list_contains(CAST(? AS VARCHAR[]), regexp_replace(action, '[0-9]{{8}}(v[0-9]+)?$', ''))
  AND {OF_LOGS}
"""


def asking(con: duckdb.DuckDBPyConnection) -> Ask:
    """Statements run on a connection, so that they see what its transaction wrote."""
    return lambda sql, params: con.execute(sql, list(params)).fetchall()


def acts(con: duckdb.DuckDBPyConnection, *, more: Sequence[Kind] = ()) -> list[Deed]:
    """Every act against a log in the case, refused ones too, and calls of `more` kinds (of `STARTS`), in order of time."""
    ask = asking(con)
    scanned.take(con, _CALLS)
    buckets = [str(row[0]) for row in ask(LOG_BUCKETS, ())]
    objects = [str(row[0]) for row in ask(_OBJECTS, (buckets,))]
    if not objects:
        return []
    kinds = (*KINDS, *more)
    return deeds_among(ask, (_ACTS, (objects, [kind.action for kind in kinds], buckets)), kinds, True)


def objects_deleted(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether a call deleted an object that is named like a log's: planning a statement over all logs takes long."""
    scanned.take(con, _CALLS)
    some = f"SELECT 1 FROM {_CALLS.table} WHERE name = 'DeleteObject' AND bucket IS NULL LIMIT 1"
    return bool(con.execute(some).fetchall())


def objects_touched(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether an access log tells of log objects that were deleted or written."""
    scanned.take(con, _TOUCHED)
    return bool(con.execute(f"SELECT 1 FROM {_TOUCHED.table} LIMIT 1").fetchall())
