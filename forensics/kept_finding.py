"""Findings of rules and behaviours outlive a load: joined anew to who and what is now known, and marked as of before it."""

import duckdb

from forensics.detect import hits, ran

_HIT = """
INSERT INTO hit
SELECT f.finding_id, f.source, f.type, f.severity, f.time, f.end_time, p.principal, f.access_key_id, w.workload, f.resources,
  f.title
FROM finding AS f
LEFT JOIN principal AS p ON p.principal = f.principal
LEFT JOIN workload AS w ON w.workload = f.workload
WHERE f.source = $source
"""
"""A principal or workload that is known by another key now is taken from the evidence."""

_EVIDENCE = """
INSERT INTO hit_evidence
SELECT e.finding_id, e.event_id, e.why
FROM finding_evidence AS e
JOIN hit AS h ON h.finding_id = e.finding_id
ORDER BY e.finding_id, e.event_id
"""

_GONE = """
DELETE FROM hit
WHERE finding_id IN (
  SELECT c.finding_id
  FROM hit_evidence AS c
  WHERE NOT EXISTS (SELECT 1 FROM event AS e WHERE e.event_id = c.event_id))
"""
"""A finding whose records are not all there says what the case no longer bears out."""


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Join what rules and behaviours found before to the new tables; needs all other stages."""
    for (source,) in con.execute(
        "SELECT DISTINCT source FROM finding WHERE source IN ('sigma', 'behaviour') ORDER BY source"
    ).fetchall():
        hits.prepare(con)
        for statement in (_HIT, _EVIDENCE, _GONE):
            con.execute(statement, {"source": source} if "$source" in statement else None)
        hits.join(con)
        hits.replace(con, source)
        hits.forget(con)
    ran.outdate(con)
