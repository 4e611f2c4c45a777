"""Hours of which nothing was asked for, and hours whose records log groups and buckets no longer keep."""

from __future__ import annotations

import duckdb

from forensics.sources import sources

LONGEST_DAYS = 36_500
"""More than anything is kept; a log may say any number, and times so far back do not exist."""

_ANY = """
SELECT 1 FROM log_event WHERE list_contains(CAST(? AS VARCHAR[]), action) AND outcome = 'success'
UNION ALL
SELECT 1 FROM inventory WHERE operation = ?
LIMIT 1
"""
"""Whether there is anything to read: planning a statement over all logs takes long."""

_NOT_ASKED = """
INSERT INTO reason
WITH told AS (
  SELECT a.started_at, TRY_CAST(a.parameters->>'$.start' AS TIMESTAMP) AS since,
    TRY_CAST(a.parameters->>'$.end' AS TIMESTAMP) AS until,
    coalesce(TRY_CAST(a.parameters->'$.accounts' AS VARCHAR[]), []) AS accounts,
    coalesce(TRY_CAST(a.parameters->'$.regions' AS VARCHAR[]), []) AS regions,
    coalesce(TRY_CAST(a.parameters->'$.sources' AS VARCHAR[]), []) AS wanted
  FROM acquisition AS a
  WHERE a.kind = 's3'
), fetched AS (
  SELECT p.place
  FROM place AS p
  JOIN evidence AS v ON v.source = p.source
    AND (v.account_id = p.account_id OR v.account_id IS NULL) AND (v.region = p.region OR v.region IS NULL)
  GROUP BY p.place
  HAVING count(CASE WHEN v.uri LIKE 's3://%' THEN 1 END) = count(*)
)
SELECT c.place, c.hour, 62 AS rank, 'unknown' AS status,
  'not asked for: no acquisition''s window, accounts, Regions and sources include it' AS cause, FALSE AS records,
  NULL AS since, NULL AS until, NULL AS event_id
FROM cell AS c
JOIN place AS p ON p.place = c.place
JOIN fetched AS f ON f.place = c.place
LEFT JOIN told AS t ON (t.since IS NULL OR t.since < c.hour + INTERVAL 1 HOUR)
  AND (t.until IS NULL OR c.hour < t.until)
  AND (len(t.accounts) = 0 OR list_contains(t.accounts, p.account_id))
  AND (len(t.regions) = 0 OR list_contains(t.regions, p.region))
  AND (len(t.wanted) = 0 OR list_contains(t.wanted, p.source))
WHERE c.records = 0 AND t.started_at IS NULL
"""
"""Of places whose objects all came from buckets by a window: an hour that no window includes."""

_GROUPS = """
CREATE OR REPLACE TEMP TABLE kept_group AS
WITH act AS (
  SELECT e.time, e.account_id, e.region, e.event_id, e.action, coalesce(e.principal, 'somebody not named') AS principal,
    e.request_parameters->>'$.logGroupName' AS log_group,
    TRY_CAST(e.request_parameters->>'$.retentionInDays' AS BIGINT) AS days
  FROM log_event AS e
  WHERE e.action IN ('logs:PutRetentionPolicy', 'logs:DeleteLogGroup') AND e.outcome = 'success'
), described AS (
  SELECT i.observed_at AS time, i.account_id, i.region, i.object_id || '/' || i.record AS event_id,
    i.resource_id AS log_group, TRY_CAST(i.configuration->>'$.retentionInDays' AS BIGINT) AS days
  FROM inventory AS i
  WHERE i.operation = 'DescribeLogGroups' AND i.configuration IS NOT NULL
), last_set AS (
  SELECT log_group, account_id, region, max(time) AS time
  FROM act
  WHERE action = 'logs:PutRetentionPolicy'
  GROUP BY log_group, account_id, region
)
SELECT a.log_group, a.account_id, a.region, a.event_id, CASE WHEN a.days IS NULL THEN a.time END AS deleted_at, a.days,
  CASE WHEN a.days IS NULL THEN 'log group ' || a.log_group || ' deleted' ELSE a.log_group || ' keeps ' || a.days
    || CASE WHEN a.days = 1 THEN ' day' ELSE ' days' END END
    || ', by ' || a.principal || ' at ' || strftime(a.time, '%Y-%m-%d %H:%M:%S') || ' UTC' AS told
FROM act AS a
LEFT JOIN last_set AS l ON l.log_group = a.log_group AND l.account_id = a.account_id AND l.region = a.region
WHERE a.action = 'logs:DeleteLogGroup' OR (a.time = l.time AND a.days IS NOT NULL)
UNION ALL
SELECT d.log_group, d.account_id, d.region, d.event_id, NULL AS deleted_at, d.days,
  d.log_group || ' keeps ' || d.days || CASE WHEN d.days = 1 THEN ' day' ELSE ' days' END AS told
FROM described AS d
LEFT JOIN last_set AS l ON l.log_group = d.log_group AND l.account_id = d.account_id AND l.region = d.region
WHERE d.days IS NOT NULL AND l.time IS NULL
"""

_OF_GROUPS = """
INSERT INTO reason
WITH whose AS ({whose}), gone AS (
  SELECT p.place, p.source, g.told, g.event_id,
    coalesce(g.deleted_at, m.at - to_days(CAST(least(greatest(g.days, 0), {longest}) AS INTEGER))) AS before
  FROM kept_group AS g
  JOIN whose AS w ON w.log_group = g.log_group
  JOIN place AS p ON p.source = w.source AND p.account_id = g.account_id
    AND (p.region = g.region OR p.region IS NULL)
  JOIN moment AS m ON m.source = p.source
)
SELECT c.place, c.hour, CASE WHEN c.records > 0 THEN 94 ELSE 77 END AS rank,
  CASE WHEN c.records > 0 THEN 'present' ELSE 'unknown' END AS status,
  'what was not delivered elsewhere is gone: ' || min(g.told)
    || CASE WHEN count(DISTINCT g.told) > 1 THEN ' and ' || (count(DISTINCT g.told) - 1) || ' more' ELSE '' END AS cause,
  c.records > 0 AS records, NULL AS since, NULL AS until, arg_min(g.event_id, g.told) AS event_id
FROM gone AS g
JOIN cell AS c ON c.place = g.place AND c.hour < g.before
GROUP BY c.place, c.hour, c.records
"""
"""Log groups that were deleted, or keep fewer days than lie between the hour and the acquisition."""

_NAMED = """
SELECT '{source}' AS source, g.log_group
FROM kept_group AS g
WHERE g.log_group LIKE '{prefix}%'
"""
PREFIXES = {"/aws/lambda/": "lambda_log", "/aws/eks/": "eks_audit", "/aws/rds/": "rds_log", "aws-waf-logs-": "waf"}
"""Log groups whose names say what they hold (each service's page on its logs), also where none of their lines is held."""

_BUCKETS = """
INSERT INTO reason
WITH act AS (
  SELECT e.time, e.event_id, coalesce(e.principal, 'somebody not named') AS principal,
    e.request_parameters->>'$.bucketName' AS bucket,
    TRY_CAST(coalesce(e.request_parameters->>'$.LifecycleConfiguration.Rule.Expiration.Days',
      e.request_parameters->>'$.LifecycleConfiguration.Rule[0].Expiration.Days') AS INTEGER) AS days
  FROM log_event AS e
  WHERE e.action IN ('s3:PutBucketLifecycle', 's3:PutBucketLifecycleConfiguration')
    AND e.outcome = 'success'
), held AS (
  SELECT p.place, a.time, a.days, a.event_id, a.bucket, a.principal
  FROM act AS a
  JOIN evidence AS v ON contains(v.uri, '/' || a.bucket || '/')
  JOIN place AS p ON p.source = v.source AND (v.account_id = p.account_id OR v.account_id IS NULL)
    AND (v.region = p.region OR v.region IS NULL)
  WHERE a.days IS NOT NULL
  GROUP BY p.place, a.time, a.days, a.event_id, a.bucket, a.principal
)
SELECT c.place, c.hour, 78 AS rank, 'unknown' AS status,
  'bucket ' || h.bucket || ' deletes objects after ' || h.days || CASE WHEN h.days = 1 THEN ' day' ELSE ' days' END
    || ': PutBucketLifecycle by ' || h.principal || ' at ' || strftime(h.time, '%Y-%m-%d %H:%M:%S') || ' UTC' AS cause,
  FALSE AS records, NULL AS since, NULL AS until, h.event_id
FROM held AS h
JOIN place AS p ON p.place = h.place
JOIN moment AS m ON m.source = p.source
JOIN cell AS c ON c.place = h.place AND c.hour + to_days(least(greatest(h.days, 0), {longest})) < m.at AND h.time < m.at
WHERE c.records = 0
"""
"""A lifecycle rule takes an object that was delivered so many days before the acquisition."""


def find(con: duckdb.DuckDBPyConnection) -> None:
    """Add reasons; needs `reason`, `place`, `cell`, `moment` and `log_event`."""
    if con.execute("SELECT 1 FROM acquisition WHERE kind = 's3' LIMIT 1").fetchall():
        con.execute(_NOT_ASKED)
    if con.execute(_ANY, [["logs:PutRetentionPolicy", "logs:DeleteLogGroup"], "DescribeLogGroups"]).fetchall():
        con.execute(_GROUPS)
        con.execute(_OF_GROUPS.format(whose=_whose(), longest=LONGEST_DAYS))
        con.execute("DROP TABLE temp.kept_group")
    if con.execute(_ANY, [["s3:PutBucketLifecycle", "s3:PutBucketLifecycleConfiguration"], ""]).fetchall():
        con.execute(_BUCKETS.format(longest=LONGEST_DAYS))


def _whose() -> str:
    """SQL of the log groups of each source: those its records name, and those whose names say it."""
    named = [
        f"SELECT DISTINCT '{item.name}' AS source, log_group FROM \"{item.name}\" WHERE log_group IS NOT NULL"
        for item in sources().values()
        if "log_group" in {name for name, _ in item.table_columns}
    ]
    return " UNION ".join(
        [*named, *(_NAMED.format(source=source, prefix=prefix) for prefix, source in PREFIXES.items())]
    )
