"""Coverage: for which source, account, Region and hour the case holds records, and why it holds none of others."""

from __future__ import annotations

import duckdb

from forensics import coverage_held, coverage_kept, coverage_objects, coverage_reasons, log_acts
from forensics.sources import sources

LONGEST_WINDOW_DAYS = 400
"""A case that spans more is not filled hour by hour, only on the days on which some source has a record."""

PROVEN_ON = "it was on, but nothing proves that there was nothing to log, or that everything was delivered"
BESIDES = "; besides: "
"""In the cause of an hour that was switched off in part: after it stands what is to be said of the rest."""
NOTHING_SAYS = "nothing in evidence says whether it was on"

_PLACES = """
CREATE OR REPLACE TEMP TABLE place AS
SELECT row_number() OVER (ORDER BY w.source, w.account_id, w.region) AS place, w.source, w.account_id, w.region, h.minutes,
  h.minutes IS NOT NULL AS hourly
FROM (
  SELECT source, account_id, region FROM piece
  UNION
  SELECT source, account_id, region FROM logging_state
  WHERE state <> 'selects' AND account_id IS NOT NULL AND region IS NOT NULL
  UNION
  SELECT 'cloudtrail' AS source, account_id, region FROM digest_check
  WHERE account_id IS NOT NULL AND region IS NOT NULL
  UNION
  SELECT source, account_id, region FROM evidence
  WHERE status = 'rejected' AND source IS NOT NULL AND account_id IS NOT NULL AND region IS NOT NULL
) AS w
LEFT JOIN (SELECT unnest(CAST(? AS VARCHAR[])) AS source, unnest(CAST(? AS BIGINT[])) AS minutes) AS h ON h.source = w.source
"""

_HOURS = """
CREATE OR REPLACE TEMP TABLE watched AS
WITH bounds AS (
  SELECT min(hour) AS first_hour, max(hour) AS last_hour
  FROM piece
), every_day AS (
  SELECT CAST(d.day AS TIMESTAMP) AS day
  FROM (
    SELECT unnest(generate_series(date_trunc('day', first_hour), date_trunc('day', last_hour), INTERVAL 1 DAY)) AS day
    FROM bounds
    WHERE last_hour - first_hour <= to_days($longest)
  ) AS d
), watched_day AS (
  SELECT date_trunc('day', hour) AS day FROM piece
  UNION
  SELECT day FROM every_day
)
SELECT d.day + to_hours(u.number) AS hour
FROM watched_day AS d, bounds AS b, unnest(generate_series(0, 23)) AS u(number)
WHERE b.first_hour <= d.day + to_hours(u.number) AND d.day + to_hours(u.number) <= b.last_hour
"""

_CELLS = """
CREATE OR REPLACE TEMP TABLE cell AS
WITH held AS (
  SELECT w.place, p.hour, CAST(sum(p.records) AS BIGINT) AS records, CAST(sum(p.quiet) AS BIGINT) AS quiet,
    CAST(sum(p.lost) AS BIGINT) AS lost, CAST(sum(p.bytes) AS BIGINT) AS bytes
  FROM piece AS p
  JOIN place AS w ON w.source = p.source
    AND w.account_id IS NOT DISTINCT FROM p.account_id
    AND w.region IS NOT DISTINCT FROM p.region
  GROUP BY w.place, p.hour
)
SELECT p.place, i.hour, coalesce(h.records, 0) AS records, coalesce(h.quiet, 0) AS quiet, coalesce(h.lost, 0) AS lost, h.bytes
FROM place AS p
CROSS JOIN watched AS i
LEFT JOIN held AS h ON h.place = p.place AND h.hour = i.hour
WHERE p.hourly OR h.records > 0
"""

_COVERAGE = f"""
INSERT INTO coverage
WITH on_hour AS (
  SELECT DISTINCT s.place, i.hour
  FROM standing AS s
  JOIN watched AS i ON s.valid_from <= i.hour AND i.hour + INTERVAL 1 HOUR <= s.valid_to
  WHERE s.state = 'on'
), chosen AS (
  SELECT r.place, r.hour, min(r.rank) AS rank, arg_min(r.status, (r.rank, r.cause)) AS status,
    CASE WHEN min(r.rank) >= 90 THEN string_agg(DISTINCT r.cause, '; ' ORDER BY r.cause)
      ELSE arg_min(r.cause, (r.rank, r.cause)) END AS cause,
    string_agg(DISTINCT r.cause, '; ' ORDER BY r.cause) FILTER (WHERE r.rank >= 90) AS remark, arg_min(r.event_id, (r.rank, r.cause)) AS event_id,
    min(CASE WHEN r.status = 'switched_off' THEN r.since END) AS since,
    max(CASE WHEN r.status = 'switched_off' THEN r.until END) AS until
  FROM reason AS r
  JOIN cell AS c ON c.place = r.place AND c.hour = r.hour
  WHERE r.records IS NULL OR (c.records > 0) = r.records
  GROUP BY r.place, r.hour
)
SELECT p.source, p.account_id, p.region, c.hour, c.records,
  coalesce(r.status, CASE WHEN c.records > 0 THEN 'present' ELSE 'unknown' END) AS status,
  CASE WHEN r.status = 'switched_off' THEN r.cause || coalesce('{BESIDES}' || r.remark, '')
    WHEN r.status IS NOT NULL THEN r.cause WHEN c.records > 0 THEN NULL
    WHEN o.place IS NOT NULL THEN '{PROVEN_ON}' ELSE '{NOTHING_SAYS}' END AS cause,
  c.bytes,
  CASE WHEN r.status = 'switched_off' THEN r.since END AS since,
  CASE WHEN r.status = 'switched_off' THEN r.until END AS until,
  r.event_id
FROM cell AS c
JOIN place AS p ON p.place = c.place
LEFT JOIN chosen AS r ON r.place = c.place AND r.hour = c.hour
LEFT JOIN on_hour AS o ON o.place = c.place AND o.hour = c.hour
ORDER BY c.place, c.hour
"""

_SCRATCH = ("place", "watched", "cell", "standing", "reason", "moment")


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `coverage`; needs `event`, `evidence`, `logging_state` and `digest_check`."""
    con.execute("DELETE FROM coverage")
    coverage_held.find(con)
    hourly = [item for item in sources().values() if item.about.hourly]
    con.execute(_PLACES, [[item.name for item in hourly], [item.about.minutes for item in hourly]])
    con.execute(_HOURS, {"longest": LONGEST_WINDOW_DAYS})
    con.execute(_CELLS)
    coverage_reasons.find(con)
    log_acts.take(con)
    coverage_objects.find(con)
    coverage_kept.find(con)
    log_acts.drop(con)
    con.execute(_COVERAGE)
    for name in _SCRATCH:
        con.execute(f"DROP TABLE temp.{name}")
    coverage_held.drop(con)
