"""What evidence a case holds: how a report opens."""

from __future__ import annotations

from forensics.case import Case, Query
from forensics.sources import sources

_HELD = """
SELECT n.name AS source, n.title, CAST(coalesce(v.objects, 0) AS BIGINT) AS objects, CAST(coalesce(v.records, 0) AS BIGINT) AS records,
  CAST(coalesce(v.rejected, 0) AS BIGINT) AS rejected, e.first, e.last
FROM (SELECT unnest(CAST(? AS VARCHAR[])) AS name, unnest(CAST(? AS VARCHAR[])) AS title) AS n
LEFT JOIN (
  SELECT source, count(*) AS objects, sum(records) AS records, sum(rejected) AS rejected
  FROM evidence
  WHERE status IN ('loaded', 'partial', 'rejected')
  GROUP BY source
) AS v ON v.source = n.name
LEFT JOIN (
  SELECT source, min(time) AS first, max(time) AS last
  FROM event
  GROUP BY source
) AS e ON e.source = n.name
WHERE v.objects > 0 OR n.name IN (SELECT unnest(CAST(? AS VARCHAR[])))
ORDER BY n.name
"""

_LEFT = """
SELECT status, count(*) AS objects, CAST(coalesce(sum(rejected), 0) AS BIGINT) AS rejected, min(reason) AS example
FROM evidence
WHERE status NOT IN ('loaded')
GROUP BY status
ORDER BY status
"""


def held(case: Case, wanted: tuple[str, ...] = ()) -> Query:
    """A row per source in evidence, and per source in `wanted` even if nothing of it is there: objects, records, times."""
    known = sources()
    return case.sql(_HELD, (list(known), [item.title for item in known.values()], list(wanted)))


def left_out(case: Case) -> Query:
    """A row per status of objects that did not load whole: how many, how many records were rejected, one reason."""
    return case.sql(_LEFT)
