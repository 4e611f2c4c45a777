"""Why an hour of a log has no records, or not all: what digests, switched logs, flow records and delivery say."""

from __future__ import annotations

import duckdb

REASON = """
CREATE OR REPLACE TEMP TABLE reason (
  place BIGINT, hour TIMESTAMP, rank BIGINT, status VARCHAR, cause VARCHAR, records BOOLEAN,
  since TIMESTAMP, until TIMESTAMP, event_id VARCHAR
)
"""
"""Candidates for a cell, the least `rank` wins. `records`: only for cells with (TRUE) or without (FALSE) records."""

_STANDING = """
CREATE OR REPLACE TEMP TABLE standing AS
SELECT row_number() OVER (ORDER BY s.valid_from, s.thing, p.place) AS id, p.place, s.thing, s.state, s.valid_from,
  coalesce(s.valid_to, greatest(b.upto, s.valid_from)) AS valid_to, s.cause, s.event_id, s.narrow,
  coalesce(s.region = p.region OR s.every_region, FALSE) AS surely
FROM logging_state AS s
JOIN place AS p ON p.source = s.source
  AND (s.account_id IS NULL OR s.account_id = p.account_id)
  AND (s.region = p.region OR coalesce(s.every_region, TRUE))
LEFT JOIN (
  SELECT account_id, max(hour) + INTERVAL 1 HOUR AS upto
  FROM piece
  GROUP BY account_id
) AS b ON b.account_id = p.account_id
WHERE s.valid_to IS NOT NULL OR b.upto IS NOT NULL
"""
"""States of logging by place; one that nothing ends holds until the last record of the account in any log.

`surely` is FALSE where nothing says whether the trail recorded that Region."""

_OFF = """
INSERT INTO reason
WITH off AS (
  SELECT s.id, s.place, s.thing, s.valid_from, s.valid_to, s.cause, s.event_id, s.surely, p.source, p.account_id, p.region
  FROM standing AS s
  JOIN place AS p ON p.place = s.place
  WHERE s.state = 'off'
), held AS (
  SELECT place, min(hour) AS first
  FROM cell
  WHERE records > 0
  GROUP BY place
), seen AS (
  SELECT o.id, o.place, date_trunc('hour', e.time) AS hour
  FROM off AS o
  JOIN event AS e ON e.source = o.source AND e.account_id = o.account_id AND e.region = o.region
  WHERE o.valid_from < e.time AND e.time < o.valid_to
  GROUP BY o.id, o.place, date_trunc('hour', e.time)
), part AS (
  SELECT o.id, o.place, o.thing, o.cause, o.event_id, o.surely, i.hour,
    greatest(i.hour, o.valid_from) AS since, least(i.hour + INTERVAL 1 HOUR, o.valid_to) AS until
  FROM off AS o
  JOIN watched AS i ON i.hour < o.valid_to AND o.valid_from < i.hour + INTERVAL 1 HOUR
), other AS (
  SELECT DISTINCT t.id, t.hour
  FROM part AS t
  JOIN standing AS s ON s.place = t.place AND s.state = 'on' AND s.thing IS DISTINCT FROM t.thing
    AND s.valid_from <= t.since AND t.until <= s.valid_to
), shown AS (
  SELECT DISTINCT id, place
  FROM seen
), judged AS (
  SELECT t.*, n.id IS NOT NULL AS seen, a.id IS NOT NULL OR o.id IS NOT NULL AS others,
    p.source IN ('cloudtrail', 'config_item', 'guardduty') OR coalesce(h.first <= t.since, FALSE) AS ours
  FROM part AS t
  JOIN place AS p ON p.place = t.place
  LEFT JOIN seen AS n ON n.id = t.id AND n.place = t.place AND n.hour = t.hour
  LEFT JOIN shown AS a ON a.id = t.id AND a.place = t.place
  LEFT JOIN other AS o ON o.id = t.id AND o.hour = t.hour
  LEFT JOIN held AS h ON h.place = t.place
), verdict AS (
  SELECT j.*, j.surely AND j.ours AND NOT j.others AS emptied
  FROM judged AS j
)
SELECT place, hour, CASE WHEN emptied THEN 30 WHEN seen THEN 90 ELSE 80 END AS rank,
  CASE WHEN emptied THEN 'switched_off' WHEN seen THEN 'present' ELSE 'unknown' END AS status,
  CASE WHEN emptied THEN cause
    WHEN seen THEN 'records of another log: this one was off, ' || cause
    WHEN NOT surely THEN 'whether that trail recorded this Region is not in evidence: ' || cause
    WHEN others THEN 'another one was on, and has no records of this hour: ' || cause
    ELSE 'whether there was another one is not in evidence: ' || cause
  END AS cause,
  CASE WHEN emptied THEN NULL ELSE seen END AS records, since, until, event_id
FROM verdict
"""
"""An hour is switched off where a log was, no record is of the time that it was off, no other log of that place was
proven on, and evidence holds records of it from before: of trails, recorders and detectors the act itself is enough."""

_NARROW = """
INSERT INTO reason
SELECT s.place, i.hour, 95 AS rank, CASE WHEN c.records > 0 THEN 'present' ELSE 'unknown' END AS status,
  'narrowed, not every call is recorded: ' || s.cause AS cause, c.records > 0 AS records,
  CAST(NULL AS TIMESTAMP) AS since, CAST(NULL AS TIMESTAMP) AS until, s.event_id
FROM standing AS s
JOIN watched AS i ON s.valid_from < i.hour + INTERVAL 1 HOUR AND i.hour < s.valid_to
JOIN cell AS c ON c.place = s.place AND c.hour = i.hour
WHERE s.state = 'selects' AND s.narrow AND s.surely
"""

_LISTED = """
CREATE OR REPLACE TEMP TABLE listed AS
SELECT 's3://' || (f.file->>'$.s3Bucket') || '/' || (f.file->>'$.s3Object') AS uri,
  min(TRY_CAST(f.file->>'$.oldestEventTime' AS TIMESTAMP)) AS oldest,
  max(TRY_CAST(f.file->>'$.newestEventTime' AS TIMESTAMP)) AS newest
FROM cloudtrail_digest AS d, unnest(TRY_CAST(d.log_files AS JSON[])) AS f(file)
GROUP BY 1
"""
"""Log files that digests list, with the times of their events."""

_DIGESTS = """
INSERT INTO reason
WITH bad AS (
  SELECT k.account_id, k.region, k.status, k.uri, k.detail,
    coalesce(l.oldest, k.period_start) AS since,
    CASE WHEN l.newest IS NULL THEN k.period_end ELSE l.newest + INTERVAL 1 SECOND END AS until
  FROM digest_check AS k
  LEFT JOIN listed AS l ON l.uri = k.uri
  WHERE k.status IN ('altered', 'missing_log_file', 'missing_digest', 'missing_digests', 'gap')
), placed AS (
  SELECT p.place, i.hour, b.status, count(*) AS objects, min(CASE WHEN b.status = 'gap' THEN b.detail ELSE coalesce(b.uri, b.detail, b.status) END) AS example
  FROM bad AS b
  JOIN place AS p ON p.source = 'cloudtrail' AND p.account_id = b.account_id AND p.region = b.region
  JOIN watched AS i ON b.since < i.hour + INTERVAL 1 HOUR AND i.hour < b.until
  GROUP BY p.place, i.hour, b.status
)
SELECT t.place, t.hour,
  CASE WHEN t.status = 'altered' THEN 10 WHEN t.status = 'missing_log_file' THEN 20 WHEN t.status = 'gap' THEN 50 ELSE 40
  END AS rank,
  CASE WHEN t.status = 'missing_log_file' AND c.records = 0 THEN 'missing' ELSE 'tampered' END AS status,
  CASE t.status
    WHEN 'altered' THEN 'altered, says the digest: '
    WHEN 'missing_log_file' THEN 'a digest lists what is not in evidence: '
    WHEN 'gap' THEN 'no digest of that time: '
    ELSE 'the next digest names one that is not in evidence: '
  END || t.example || CASE WHEN t.objects > 1 THEN ' and ' || (t.objects - 1) || ' more' ELSE '' END AS cause,
  CASE WHEN t.status = 'gap' THEN FALSE END AS records, NULL AS since, NULL AS until, NULL AS event_id
FROM placed AS t
JOIN cell AS c ON c.place = t.place AND c.hour = t.hour
"""

_SILENT = """
INSERT INTO reason
WITH good AS (
  SELECT p.place, k.trail, k.period_start, k.period_end
  FROM digest_check AS k
  JOIN place AS p ON p.source = 'cloudtrail' AND p.account_id = k.account_id AND p.region = k.region
  WHERE k.status = 'valid' AND k.uri LIKE '%/CloudTrail-Digest/%'
), covered AS (
  SELECT g.place, g.trail, i.hour, sum(date_diff('second',
    greatest(g.period_start, i.hour), least(g.period_end, i.hour + INTERVAL 1 HOUR + to_minutes($minutes)))) AS seconds
  FROM good AS g
  JOIN watched AS i ON g.period_start < i.hour + INTERVAL 1 HOUR + to_minutes($minutes) AND i.hour < g.period_end
  GROUP BY g.place, g.trail, i.hour
), doubted AS (
  SELECT DISTINCT p.place, i.hour
  FROM digest_check AS k
  JOIN place AS p ON p.source = 'cloudtrail' AND p.account_id = k.account_id AND p.region = k.region
  JOIN watched AS i ON k.period_start < i.hour + INTERVAL 1 HOUR + to_minutes($minutes) AND i.hour < k.period_end
  WHERE k.status NOT IN ('valid', 'not_covered')
)
SELECT c.place, c.hour, 75 AS rank, 'silent' AS status,
  'digests cover what was delivered for this hour, and no listed file has a record of it' AS cause, FALSE AS records,
  NULL AS since, NULL AS until, NULL AS event_id
FROM covered AS c
LEFT JOIN doubted AS d ON d.place = c.place AND d.hour = c.hour
WHERE c.seconds >= 3600 + 60 * $minutes
  AND d.place IS NULL
GROUP BY c.place, c.hour
"""
"""Silence is proven by valid digests of one trail over the whole hour and as long after it as delivery takes, where
nothing of that time is unverified or missing: a listed file that was not acquired may hold records of the hour."""

_FLOWS = """
INSERT INTO reason
SELECT c.place, c.hour, CASE WHEN c.lost = 0 THEN 58 WHEN c.lost + c.quiet = c.records THEN 55 ELSE 92 END AS rank,
  CASE WHEN c.lost = 0 THEN 'silent' WHEN c.lost + c.quiet = c.records THEN 'missing' ELSE 'present' END AS status,
  CASE WHEN c.lost = 0 THEN 'NODATA: flows were recorded, and there were none'
    ELSE 'SKIPDATA in ' || c.lost || ' of ' || c.records || ' records: AWS lost flows of that time' END AS cause,
  TRUE AS records, NULL AS since, NULL AS until, NULL AS event_id
FROM cell AS c
WHERE c.records > 0 AND (c.lost > 0 OR c.quiet = c.records)
"""

_MOMENT = """
CREATE OR REPLACE TEMP TABLE moment AS
WITH remote AS (
  SELECT v.source, max(v.acquired_at) AS acquired, max(v.last_modified) AS modified,
    count(CASE WHEN v.uri LIKE 's3://%' OR v.uri LIKE 'aws://%' THEN 1 END) AS asked
  FROM evidence AS v
  WHERE v.source IS NOT NULL
  GROUP BY v.source
)
SELECT r.source, coalesce(max(CASE WHEN r.asked > 0 THEN a.started_at END), min(r.modified)) AS at
FROM remote AS r
LEFT JOIN acquisition AS a ON a.started_at <= r.acquired
GROUP BY r.source
"""
"""When each source's objects were acquired: when AWS was asked, else when the latest object was written."""

_LATE = """
INSERT INTO reason
SELECT c.place, c.hour, 60 AS rank, 'unknown' AS status, 'late' AS cause, FALSE AS records,
  NULL AS since, NULL AS until, NULL AS event_id
FROM cell AS c
JOIN place AS p ON p.place = c.place
JOIN moment AS m ON m.source = p.source
WHERE c.records = 0 AND m.at - to_minutes(p.minutes) < c.hour + INTERVAL 1 HOUR
"""
"""Acquired before the hour had ended and been delivered."""


def find(con: duckdb.DuckDBPyConnection) -> None:
    """Make `reason` and `standing` from what is in the case; needs `place`, `watched` and `cell`."""
    from forensics.sources import source

    con.execute(REASON)
    con.execute(_STANDING)
    if con.execute("SELECT 1 FROM standing LIMIT 1").fetchall():
        con.execute(_OFF)
        con.execute(_NARROW)
    if con.execute("SELECT 1 FROM digest_check LIMIT 1").fetchall():
        con.execute(_LISTED)
        con.execute(_DIGESTS)
        con.execute(_SILENT, {"minutes": source("cloudtrail").about.minutes})
        con.execute("DROP TABLE temp.listed")
    for statement in (_FLOWS, _MOMENT, _LATE):
        con.execute(statement)
