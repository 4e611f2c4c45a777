"""Hits of rules become rows of `finding` and `finding_evidence`, joined to principals, keys and workloads."""

from collections.abc import Callable

import duckdb

from forensics.transaction import transaction

EVIDENCE_AT_MOST = 10_000
"""Rows of `finding_evidence` that one finding may have: the first that were put into `hit_evidence`."""

HIT = """
CREATE OR REPLACE TEMP TABLE hit (
  finding_id VARCHAR, source VARCHAR, type VARCHAR, severity DOUBLE, time TIMESTAMP, end_time TIMESTAMP,
  principal VARCHAR, access_key_id VARCHAR, workload VARCHAR, resources VARCHAR[], title VARCHAR
)
"""
HIT_EVIDENCE = "CREATE OR REPLACE TEMP TABLE hit_evidence (finding_id VARCHAR, event_id VARCHAR, why VARCHAR)"

_BOUNDED = """
CREATE OR REPLACE TEMP TABLE hit_cited AS
WITH one AS (
  SELECT e.finding_id, e.event_id, min(e.why) AS why, min(e.rowid) AS place
  FROM hit_evidence AS e
  WHERE e.event_id IS NOT NULL
  GROUP BY e.finding_id, e.event_id
), placed AS (
  SELECT finding_id, event_id, why, row_number() OVER (PARTITION BY finding_id ORDER BY place) AS number
  FROM one
)
SELECT finding_id, event_id, why
FROM placed
WHERE number <= $most
"""

_ASKED = """
CREATE OR REPLACE TEMP TABLE hit_asked AS
SELECT DISTINCT c.event_id
FROM hit_cited AS c
JOIN hit AS h ON h.finding_id = c.finding_id
WHERE h.principal IS NULL OR h.access_key_id IS NULL OR h.workload IS NULL OR h.time IS NULL OR h.resources IS NULL
"""

_EVENT = """
CREATE OR REPLACE TEMP TABLE hit_event AS
SELECT e.event_id, e.time, e.principal, e.access_key_id, e.resources
FROM event AS e
JOIN hit_asked AS a ON a.event_id = e.event_id
"""

_WORKLOAD = """
CREATE OR REPLACE TEMP TABLE hit_workload AS
WITH certain AS (
  SELECT a.event_id, a.question, min(a.workload) AS workload
  FROM attribution AS a
  JOIN hit_asked AS h ON h.event_id = a.event_id
  WHERE a.question IN ('issued_to', 'endpoint')
    AND a.certainty <> 'shared'
  GROUP BY a.event_id, a.question
  HAVING count(DISTINCT a.workload) = 1
)
SELECT event_id, arg_max(workload, question) AS workload
FROM certain
GROUP BY event_id
"""
"""To whom its key was issued (it sorts after `endpoint`), else who is at an end of it; never one of several."""

_KNOWN = """
CREATE OR REPLACE TEMP TABLE hit_known AS
WITH resource AS (
  SELECT c.finding_id, list_sort(list(DISTINCT u.resource)) AS resources
  FROM hit_cited AS c
  JOIN hit_event AS e ON e.event_id = c.event_id, unnest(e.resources) AS u(resource)
  GROUP BY c.finding_id
), fact AS (
  SELECT c.finding_id, min(e.time) AS time, max(e.time) AS end_time,
    CASE WHEN count(DISTINCT e.principal) = 1 THEN min(e.principal) END AS principal,
    CASE WHEN count(DISTINCT e.access_key_id) = 1 THEN min(e.access_key_id) END AS access_key_id,
    CASE WHEN count(DISTINCT w.workload) = 1 THEN min(w.workload) END AS workload
  FROM hit_cited AS c
  JOIN hit_event AS e ON e.event_id = c.event_id
  LEFT JOIN hit_workload AS w ON w.event_id = c.event_id
  GROUP BY c.finding_id
)
SELECT f.finding_id, f.time, f.end_time, f.principal, f.access_key_id, f.workload, r.resources[1:100] AS resources
FROM fact AS f
LEFT JOIN resource AS r ON r.finding_id = f.finding_id
"""

_FORGET = (
    "DELETE FROM finding_evidence WHERE finding_id IN (SELECT finding_id FROM finding WHERE source = $source)",
    "DELETE FROM finding WHERE source = $source",
)

_FINDING = """
INSERT INTO finding
SELECT h.finding_id, $source AS source, h.type, h.severity,
  coalesce(h.time, k.time) AS time, coalesce(h.end_time, k.end_time) AS end_time,
  coalesce(h.principal, k.principal) AS principal, coalesce(h.access_key_id, k.access_key_id) AS access_key_id,
  coalesce(h.workload, k.workload) AS workload, coalesce(h.resources, k.resources) AS resources, h.title
FROM hit AS h
LEFT JOIN hit_known AS k ON k.finding_id = h.finding_id
ORDER BY 5, h.finding_id
"""

_CITED = """
INSERT INTO finding_evidence
SELECT c.finding_id, c.event_id, coalesce(c.why, h.title, h.type, h.finding_id) AS why
FROM hit_cited AS c
JOIN hit AS h ON h.finding_id = c.finding_id
ORDER BY c.finding_id, c.event_id
"""


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Make the TEMP tables `hit` (the columns of `finding`) and `hit_evidence` (finding_id, event_id, why), empty."""
    con.execute(HIT)
    con.execute(HIT_EVIDENCE)


def store(con: duckdb.DuckDBPyConnection, source: str, then: Callable[[int], None] | None = None) -> int:
    """Replace the findings of `source` by the rows of `hit` and `hit_evidence`; gives how many there are.

    A principal, access key, workload, time or resources that a hit leaves NULL are those of its evidence: a principal,
    key or workload only where all of the evidence that has one has the same. A finding cites at most EVIDENCE_AT_MOST
    records. In one transaction of its own, of which `then`, told the number, is part; the TEMP tables are dropped.
    """
    join(con)
    with transaction(con):
        count = replace(con, source)
        if then:
            then(count)
    forget(con)
    return count


def join(con: duckdb.DuckDBPyConnection) -> None:
    """Look up whose evidence it is: the TEMP table `hit_known` from `hit` and `hit_evidence`."""
    con.execute(_BOUNDED, {"most": EVIDENCE_AT_MOST})
    for statement in (_ASKED, _EVENT, _WORKLOAD, _KNOWN):
        con.execute(statement)


def replace(con: duckdb.DuckDBPyConnection, source: str) -> int:
    """Put the hits, joined, in the place of the findings of `source`, within the caller's transaction; gives how many."""
    for statement in _FORGET:
        con.execute(statement, {"source": source})
    con.execute(_FINDING, {"source": source})
    con.execute(_CITED)
    (count,) = con.execute("SELECT count(*) FROM hit").fetchall()[0]
    return int(count)


def forget(con: duckdb.DuckDBPyConnection) -> None:
    """Drop the TEMP tables."""
    for table in ("hit", "hit_evidence", "hit_cited", "hit_asked", "hit_event", "hit_workload", "hit_known"):
        con.execute(f"DROP TABLE temp.{table}")
