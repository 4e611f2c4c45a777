"""Coverage: for which source, account, Region and hour the case holds records, and where it holds none."""

import duckdb

LONGEST_WINDOW_DAYS = 400
"""A case that spans more is not filled hour by hour, only on the days on which some source has a record."""

_COUNTED = """
CREATE OR REPLACE TEMP TABLE hour_count AS
SELECT source, account_id, region, date_trunc('hour', time) AS hour, count(*) AS records
FROM event
WHERE time IS NOT NULL
GROUP BY source, account_id, region, date_trunc('hour', time)
"""

_COVERAGE = """
INSERT INTO coverage
WITH day AS (
  SELECT DISTINCT date_trunc('day', hour) AS day
  FROM hour_count
), bounds AS (
  SELECT min(hour) AS first_hour, max(hour) AS last_hour
  FROM hour_count
), every_day AS (
  SELECT CAST(u.day AS TIMESTAMP) AS day
  FROM bounds AS b, unnest(generate_series(
    date_trunc('day', b.first_hour), date_trunc('day', b.last_hour), INTERVAL 1 DAY)) AS u(day)
  WHERE b.last_hour - b.first_hour <= to_days($longest)
), watched_day AS (
  SELECT day FROM day
  UNION
  SELECT day FROM every_day
), watched_hour AS (
  SELECT d.day + to_hours(u.number) AS hour
  FROM watched_day AS d, unnest(generate_series(0, 23)) AS u(number)
), inside AS (
  SELECT w.hour
  FROM watched_hour AS w, bounds AS b
  WHERE b.first_hour <= w.hour AND w.hour <= b.last_hour
), watched AS (
  SELECT DISTINCT source, account_id, region
  FROM hour_count
)
SELECT
  w.source,
  w.account_id,
  w.region,
  i.hour,
  coalesce(c.records, 0) AS records,
  CASE WHEN c.records > 0 THEN 'present' ELSE 'unknown' END AS status,
  CAST(NULL AS VARCHAR) AS cause,
  CAST(NULL AS BIGINT) AS bytes
FROM watched AS w
CROSS JOIN inside AS i
LEFT JOIN hour_count AS c ON c.source = w.source
  AND c.account_id IS NOT DISTINCT FROM w.account_id
  AND c.region IS NOT DISTINCT FROM w.region
  AND c.hour = i.hour
ORDER BY w.source, w.account_id, w.region, i.hour
"""


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `coverage`: hours with records are present; hours of the case's window without are unknown."""
    con.execute("DELETE FROM coverage")
    con.execute(_COUNTED)
    con.execute(_COVERAGE, {"longest": LONGEST_WINDOW_DAYS})
    con.execute("DROP TABLE temp.hour_count")
