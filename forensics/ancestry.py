"""Ancestors of every key, hop by hop."""

import duckdb

MAX_HOPS = 32
"""Longest chain of keys followed; STS lets a chained session live an hour, so real chains are short."""

_PARENT = """
CREATE OR REPLACE TEMP TABLE key_parent AS
SELECT access_key_id, issued_by_access_key_id AS parent, issued_by_principal AS principal,
  CASE issuance_certainty WHEN 'recorded' THEN 0 ELSE 1 END AS weakness
FROM credential
WHERE issuance_event_id IS NOT NULL
"""

_FIRST = """
CREATE OR REPLACE TEMP TABLE key_walk AS
SELECT access_key_id, parent AS ancestor, principal, CAST(1 AS INTEGER) AS hops, weakness
FROM key_parent
WHERE parent IS DISTINCT FROM access_key_id
"""

_NEXT = """
INSERT INTO key_walk
SELECT w.access_key_id, p.parent, p.principal, w.hops + 1, greatest(w.weakness, p.weakness)
FROM key_walk AS w
JOIN key_parent AS p ON p.access_key_id = w.ancestor
WHERE w.hops = $hops
  AND p.parent IS DISTINCT FROM w.access_key_id
  AND p.parent IS DISTINCT FROM w.ancestor
"""
"""A key whose parent is NULL ends there: a service, login or federation issued it."""

_CYCLIC = """
DELETE FROM key_walk
USING (
  SELECT w.access_key_id, w.ancestor, min(w.hops) AS hops
  FROM key_walk AS w
  JOIN (SELECT DISTINCT access_key_id FROM key_walk WHERE hops >= $hops) AS long ON long.access_key_id = w.access_key_id
  WHERE w.ancestor IS NOT NULL
  GROUP BY w.access_key_id, w.ancestor
) AS first
WHERE first.access_key_id = key_walk.access_key_id
  AND first.ancestor = key_walk.ancestor
  AND first.hops < key_walk.hops
"""
"""A walk that ran into a cycle beside its start goes round until the limit; what it saw again is dropped."""

_LINEAGE = """
INSERT INTO lineage
SELECT w.access_key_id, w.ancestor AS ancestor_access_key_id,
  CASE WHEN w.ancestor IS NULL THEN w.principal ELSE c.principal END AS ancestor_principal,
  w.hops, CASE w.weakness WHEN 0 THEN 'recorded' ELSE 'matched' END AS certainty
FROM key_walk AS w
LEFT JOIN credential AS c ON c.access_key_id = w.ancestor
WHERE w.hops <= $hops OR w.ancestor IS NULL
ORDER BY w.access_key_id, w.hops
"""


def walk(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `lineage` from `credential`: one step for all keys at a time, until none goes on."""
    con.execute("DELETE FROM lineage")
    con.execute(_PARENT)
    con.execute(_FIRST)
    for hops in range(1, MAX_HOPS + 1):
        (added,) = con.execute(_NEXT, {"hops": hops}).fetchone() or (0,)
        if not added:
            break
    con.execute(_CYCLIC, {"hops": MAX_HOPS})
    con.execute(_LINEAGE, {"hops": MAX_HOPS})
    for table in ("key_parent", "key_walk"):
        con.execute(f"DROP TABLE temp.{table}")
