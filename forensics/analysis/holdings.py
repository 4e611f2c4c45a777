"""What evidence a case holds: how a report opens."""

from __future__ import annotations

from forensics.analysis.words import count, during, listed
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


_BASIS = """
SELECT e.source, count(*) AS records, min(e.time) AS first, max(e.time) AS last
FROM event AS e
WHERE list_contains(CAST(? AS VARCHAR[]), e.source)
GROUP BY e.source
ORDER BY e.source
"""


def basis(case: Case, wanted: tuple[str, ...]) -> str:
    """What an answer rests on, in a sentence or two: records and times of each source; which sources are not there."""
    known = sources()
    held = {str(row[0]): row for row in case.sql(_BASIS, (list(wanted),)).rows()}
    parts = [
        f"{count(int(row[1]), 'record')} of {known[name].title} ({during(*row[2:])})" for name, row in held.items()
    ]
    absent = [known[name].title for name in wanted if name not in held]
    rests = f"That rests on {listed(parts, len(parts))}. " if parts else ""
    return rests + (f"Not in evidence: {listed(absent, len(absent))}." if absent else "")
