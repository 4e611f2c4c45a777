"""What objects that did not load, and log objects that were deleted, mean for the hours that their keys name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import duckdb

from forensics import log_acts
from forensics.analysis.words import count
from forensics.each import each
from forensics.sources import sources

_STAMP, _DAY = r"_(\d{8}T\d{4})Z", r"^(.*/\d{4}/\d{2}/\d{2}/)"

_REJECTED = f"""
SELECT regexp_extract(v.uri, '{_DAY}', 1) AS folder, regexp_extract(v.uri, '{_STAMP}', 1) AS stamp,
  count(*) AS objects, min(v.uri) AS example, NULL AS event_id, NULL AS told
FROM evidence AS v
WHERE v.status IN ('rejected', 'partial')
GROUP BY 1, 2
ORDER BY 1, 2
"""

_ANY_DELETED = "SELECT 1 FROM log_event WHERE action = 's3:DeleteObject' LIMIT 1"

_DELETED = f"""
SELECT regexp_extract(d.key, '{_DAY}', 1) AS folder, regexp_extract(d.key, '{_STAMP}', 1) AS stamp,
  count(DISTINCT d.key) AS objects, min(d.key) AS example, min(d.event_id) AS event_id,
  coalesce(min(d.principal), 'somebody not named') || ' at ' || strftime(min(d.time), '%Y-%m-%d %H:%M:%S') || ' UTC' AS told
FROM (
  SELECT w.event_id, w.time, w.principal, w.arn AS key
  FROM {each("log_event AS w", "w.resources", "arn")} AS w
  WHERE w.action = 's3:DeleteObject' AND w.outcome = 'success' AND w.arn LIKE 'arn:aws:s3:::%/AWSLogs/%'
  UNION ALL
  SELECT e.event_id, e.time, coalesce(e.principal, s.requester) AS principal, 's3://' || s.bucket || '/' || s.key AS key
  FROM s3_access AS s
  JOIN event AS e ON e.source = 's3_access' AND e.object_id = s.object_id AND e.record = s.record
  WHERE s.operation LIKE 'REST.DELETE.OBJECT%' AND s.key LIKE '%AWSLogs/%' AND e.outcome = 'success'
    AND s.object_id IN (SELECT object_id FROM {log_acts.TOUCHED.table})
    AND e.object_id IN (SELECT object_id FROM {log_acts.TOUCHED.table})
) AS d
GROUP BY 1, 2
ORDER BY 1, 2
"""
"""The events of a large case are not spread out by their resources all together: they would fill the memory."""

_INSERT = """
INSERT INTO reason
SELECT p.place, i.hour, g.rank, CASE WHEN g.records THEN 'present' ELSE g.status END AS status, g.cause, g.records,
  NULL AS since, NULL AS until, g.event_id
FROM (
  SELECT unnest(CAST(? AS VARCHAR[])) AS source, unnest(CAST(? AS VARCHAR[])) AS account_id,
    unnest(CAST(? AS VARCHAR[])) AS region, unnest(CAST(? AS TIMESTAMP[])) AS since, unnest(CAST(? AS TIMESTAMP[])) AS until,
    unnest(CAST(? AS BIGINT[])) AS rank, unnest(CAST(? AS VARCHAR[])) AS status, unnest(CAST(? AS VARCHAR[])) AS cause,
    unnest(CAST(? AS BOOLEAN[])) AS records, unnest(CAST(? AS VARCHAR[])) AS event_id
) AS g
JOIN place AS p ON p.source = g.source AND p.account_id = g.account_id AND p.region = g.region
JOIN watched AS i ON g.since <= i.hour AND i.hour < g.until
"""

DELIVERED_AFTER = timedelta(minutes=5)
"""The time in a log file's name is that of its delivery; its events are about as much earlier."""


def find(con: duckdb.DuckDBPyConnection) -> None:
    """Add reasons of rejected and of deleted objects; needs `reason`, `place`, `watched` and `log_event`."""
    made: list[tuple[Any, ...]] = []
    for row in con.execute(_REJECTED).fetchall():
        made += _reasons(row, (70, "unknown"), f"{count(row[2], 'object')} of that time did not load whole: {row[3]}")
    some = log_acts.touched(con) or con.execute(_ANY_DELETED).fetchall()
    for row in con.execute(_DELETED).fetchall() if some else ():
        made += _reasons(
            row, (52, "missing"), f"{count(row[2], 'log object')} of that time deleted by {row[5]}: {row[3]}"
        )
    if made:
        con.execute(_INSERT, [list(column) for column in zip(*made, strict=True)])


def _reasons(row: Sequence[Any], verdict: tuple[int, str], cause: str) -> list[tuple[Any, ...]]:
    """For cells without records that verdict, for those with records a remark."""
    folder, stamp, _, example, event_id, _ = row
    named = _named(example)
    since, until = _times(folder, stamp)
    if not named or not since:
        return []
    rank, status = verdict
    without = (*named, since, until, rank, status, cause, False, event_id)
    return [without, (*named, since, until, 93, status, cause, True, event_id)]


def _named(key: str) -> tuple[str, str, str] | None:
    """Source, account and Region of a key of AWSLogs."""
    for source in sources().values():
        for pattern in source.keys:
            found = re.search(pattern, key)
            groups = found.groupdict() if found else {}
            if groups.get("account") and groups.get("region"):
                return source.name, groups["account"], groups["region"]
    return None


def _times(folder: str, stamp: str) -> tuple[datetime | None, datetime | None]:
    """The hour that a name tells, else the day that a folder does."""
    try:
        if stamp:
            hour = (datetime.strptime(stamp, "%Y%m%dT%H%M") - DELIVERED_AFTER).replace(minute=0)  # noqa: DTZ007
            return hour, hour + timedelta(hours=1)
        year, month, day = folder.rstrip("/").split("/")[-3:]
        start = datetime(int(year), int(month), int(day))
        return start, start + timedelta(days=1)
    except (ValueError, IndexError):
        return None, None
