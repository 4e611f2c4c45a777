"""Tasks and pods that ran on instances: who of them may be behind a record of the instance."""

import duckdb

from forensics.attribution import stretch
from forensics.attribution.stretch import FAR_AHEAD, LONG_AGO
from forensics.holding import FLOW_PADDING

_CONTAINER = f"""
INSERT INTO host_container
WITH alone AS (
  SELECT DISTINCT workload
  FROM lifetime
  WHERE holds_kind = 'eni'
)
SELECT h.holds AS host, h.workload,
  min(coalesce(h.valid_from, {LONG_AGO})) - to_seconds({FLOW_PADDING}) AS valid_from,
  max(CASE WHEN h.valid_to IS NULL THEN {FAR_AHEAD} ELSE h.valid_to + to_seconds({FLOW_PADDING}) END) AS valid_to,
  min(h.evidence_event_ids) AS evidence_event_ids
FROM lifetime AS h
LEFT JOIN alone AS a ON a.workload = h.workload
WHERE h.holds_kind = 'instance'
  AND h.holds <> h.workload
  AND a.workload IS NULL
GROUP BY h.holds, h.workload
ORDER BY h.holds, h.workload
"""
"""One with an interface of its own sends nothing through the host's."""

_COUNT = f"""
INSERT INTO host_count
WITH change AS (
  SELECT host, 'started' AS what, valid_from AS moment FROM host_container
  UNION ALL
  SELECT host, 'stopped' AS what, valid_to AS moment FROM host_container
), counted AS (
  SELECT host, what, moment, sum(count(*)) OVER (PARTITION BY host, what ORDER BY moment) AS number
  FROM change
  GROUP BY host, what, moment
)
SELECT host, what, moment AS valid_from,
  coalesce(lead(moment) OVER (PARTITION BY host, what ORDER BY moment), {FAR_AHEAD} + INTERVAL 1 DAY) AS valid_to,
  CAST(number AS BIGINT) AS number
FROM counted
UNION ALL
SELECT host, what, {LONG_AGO} - INTERVAL 1 DAY AS valid_from, min(moment) AS valid_to, 0 AS number
FROM counted
GROUP BY host, what
"""
"""How many had started, and how many had stopped, at any moment: the difference is how many ran in an interval."""

_OWN_ADDRESS = f"""
SELECT p.holds AS place, c.holds AS network, p.workload, CAST(NULL AS VARCHAR) AS host,
  CASE WHEN 'inferred' IN (p.certainty, c.certainty) THEN 'inferred'
    WHEN p.from_known AND p.to_known AND c.certainty IN ('recorded', 'matched', 'shared') THEN 'matched'
    ELSE 'bounded' END AS certainty,
  'own address of a pod' AS via, coalesce(p.valid_from, {LONG_AGO}) AS valid_from,
  coalesce(p.valid_to, {FAR_AHEAD}) AS valid_to, p.evidence_event_ids
FROM lifetime AS p
JOIN lifetime AS c ON c.workload = p.workload AND c.holds_kind = 'instance' AND c.holds <> c.workload
WHERE p.holds_kind = 'private_ip'
"""

_CONTAINER_ADDRESS = """
INSERT INTO container_address
SELECT s.network AS host, s.place AS address, s.valid_from, s.valid_to, s.workload, s.certainty, s.evidence_event_ids
FROM place_stretch AS s
WHERE s.candidates = 1
  AND NOT EXISTS (
    SELECT 1 FROM primary_of_host AS p
    WHERE p.host = s.network AND p.address = s.place)
ORDER BY s.network, s.place, s.valid_from
"""

_PRIMARY = """
CREATE OR REPLACE TEMP TABLE primary_of_host AS
SELECT i.workload AS host, p.address
FROM primary_address AS p
JOIN instance_key AS i ON i.instance_id = p.instance_id
UNION
SELECT h.workload AS host, p.address
FROM primary_address AS p
JOIN lifetime AS h ON h.holds_kind = 'eni' AND h.holds = p.interface_id
"""


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `host_container`, `host_count` and `container_address`; needs `lifetime` and `primary_address`."""
    for table in ("host_container", "host_count", "container_address"):
        con.execute(f"DELETE FROM {table}")
    con.execute(_CONTAINER)
    con.execute(_COUNT)
    con.execute(_PRIMARY)
    stretch.cut(con, _OWN_ADDRESS, FLOW_PADDING)
    con.execute(_CONTAINER_ADDRESS)
    for table in ("primary_of_host", "place_stretch"):
        con.execute(f"DROP TABLE temp.{table}")
