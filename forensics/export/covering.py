"""What an export cannot show: the verdict over its window, and the stretches of hours that were not logged, with the cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from forensics.output import plain

if TYPE_CHECKING:
    from forensics.covered import Coverage

MOST = 1000
"""Stretches that are told one by one; the others are counted."""

STRETCHES = """
SELECT source, account_id, region, status,
  min(hour) AS "from",
  max(hour) + INTERVAL 1 HOUR AS "to",
  count(*) AS hours,
  CAST(sum(records) AS BIGINT) AS records,
  CAST(sum(bytes) AS BIGINT) AS bytes,
  min(since) AS off_from,
  max(until) AS off_to,
  cause
FROM (
  SELECT source, account_id, region, hour, records, status, cause, bytes, since, until,
    row_number() OVER (PARTITION BY source, account_id, region, status, cause ORDER BY hour) AS place
  FROM covered
) AS numbered
GROUP BY source, account_id, region, status, cause, hour - place * INTERVAL 1 HOUR
ORDER BY source, account_id, region, min(hour)
"""
"""Hours that follow one another and say the same are one row; `off_from` to `off_to` is the part that was switched off."""

PLACES = """
SELECT source, account_id, region, count(*) AS hours, count(*) FILTER (WHERE status IN ('present', 'silent')) AS logged,
  nullif(count(*) FILTER (WHERE status = 'switched_off'), 0) AS switched_off,
  nullif(count(*) FILTER (WHERE status = 'tampered'), 0) AS tampered,
  nullif(count(*) FILTER (WHERE status = 'missing'), 0) AS missing,
  nullif(count(*) FILTER (WHERE status = 'unknown'), 0) AS unknown,
  CAST(sum(records) AS BIGINT) AS records, min(hour) AS first_hour, max(hour) AS last_hour
FROM covered
GROUP BY source, account_id, region
ORDER BY source, account_id, region
"""
"""Hours of each log, account and Region, by status."""

_NOT_LOGGED = f"""
SELECT source, account_id, region, status, "from", "to", hours, cause
FROM ({STRETCHES}) AS stretch
WHERE status NOT IN ('present', 'silent')
ORDER BY source, account_id, region, "from", status, cause
"""
_COLUMNS = ("source", "account_id", "region", "status", "from", "to", "hours", "cause")


def covering(found: Coverage) -> dict[str, Any]:
    """The verdict, a line per log, and the stretches that were not logged, as JSON has them."""
    badge = found.badge
    rows = found.select(_NOT_LOGGED).rows()
    return {
        "verdict": badge.word,
        "logs": list(badge.lines),
        "not_logged": [dict(zip(_COLUMNS, map(plain, row), strict=True)) for row in rows[:MOST]],
        "not_logged_further": max(len(rows) - MOST, 0),
    }
