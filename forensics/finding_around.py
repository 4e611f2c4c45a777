"""What the workload and the credential of a finding did around it, told apart from what lies behind the finding."""

import duckdb

from forensics.attribution.part import current
from forensics.sources.cloudtrail import EVENT as CALL

AROUND_MINUTES = 5
"""How long before and after a finding's first and its last sight: between the two, a finding may span weeks."""

PREFIX = "around it: "
"""How `why` begins where a record is no evidence of the finding, only near to it."""

_NEAR = f"""
CREATE OR REPLACE TEMP TABLE finding_near AS
WITH sight AS (
  SELECT finding_id, workload, access_key_id, time AS moment
  FROM latest_finding
  WHERE NOT sample
  UNION
  SELECT finding_id, workload, access_key_id, end_time AS moment
  FROM latest_finding
  WHERE NOT sample
), spanned AS (
  SELECT finding_id, workload, access_key_id, moment - to_minutes({AROUND_MINUTES}) AS begin,
    moment + to_minutes({AROUND_MINUTES}) AS finish
  FROM sight
  WHERE moment IS NOT NULL
)
SELECT n.finding_id, n.workload, n.access_key_id, n.begin, n.finish,
  unnest(list_distinct([date_trunc('hour', n.begin), date_trunc('hour', n.finish)])) AS hour
FROM spanned AS n
"""

_OWN = """
CREATE OR REPLACE TEMP TABLE finding_key AS
SELECT DISTINCT n.finding_id, n.access_key_id, n.begin, n.finish, n.hour, TRUE AS same
FROM finding_near AS n
WHERE n.access_key_id IS NOT NULL
UNION ALL
SELECT DISTINCT n.finding_id, c.access_key_id, n.begin, n.finish, n.hour, FALSE AS same
FROM finding_near AS n
JOIN credential_workload AS c ON c.workload = n.workload AND c.candidates = 1
WHERE c.access_key_id IS DISTINCT FROM n.access_key_id
"""

_CALLS = f"""
SELECT k.finding_id, {CALL.columns["event_id"]} AS event_id,
  CASE WHEN k.same THEN 'call with the same access key' ELSE 'call with another credential of the same workload' END AS what
FROM finding_key AS k
JOIN cloudtrail AS s ON s.user_identity_access_key_id = k.access_key_id
  AND date_trunc('hour', s.event_time) = k.hour
  AND s.event_time BETWEEN k.begin AND k.finish
WHERE {current("cloudtrail")}
"""

_FLOWS = """
SELECT n.finding_id, s.object_id || '/' || s.record AS event_id, 'traffic of the same workload' AS what
FROM (
  SELECT DISTINCT f.finding_id, h.holds AS interface_id, f.begin, f.finish
  FROM finding_near AS f
  JOIN lifetime AS h ON h.workload = f.workload
    AND h.holds_kind = 'eni'
    AND h.certainty <> 'shared'
    AND coalesce(h.valid_from, f.begin) <= f.finish
    AND coalesce(h.valid_to, f.finish) >= f.begin
) AS n
JOIN vpc_flow AS s ON s.interface_id = n.interface_id
  AND s.start <= n.finish
  AND coalesce(s."end", s.start) >= n.begin
"""

_FUNCTION_LOG = """
SELECT n.finding_id, s.object_id || '/' || s.record AS event_id, 'log of the same function' AS what
FROM (SELECT DISTINCT finding_id, workload, begin, finish FROM finding_near) AS n
JOIN stream_workload AS w ON w.workload = n.workload
JOIN lambda_log AS s ON s.object_id = w.object_id
  AND s.function_name = w.function_name
  AND s.timestamp BETWEEN n.begin AND n.finish
WHERE w.owner IS NOT DISTINCT FROM s.owner
  AND w.log_group IS NOT DISTINCT FROM s.log_group
"""

_CONTAINER_LOG = """
SELECT n.finding_id, s.object_id || '/' || s.record AS event_id, 'log of the same workload' AS what
FROM (SELECT DISTINCT finding_id, workload, begin, finish FROM finding_near) AS n
JOIN (
  SELECT workload, task_id AS named, 'task' AS what
  FROM task_key
  UNION ALL
  SELECT workload, named, what
  FROM pod_key
) AS w ON w.workload = n.workload
JOIN (
  SELECT object_id, record, coalesce(time, timestamp) AS moment, 'task' AS what, task_id AS named
  FROM container_log
  WHERE task_id IS NOT NULL
  UNION ALL
  SELECT object_id, record, coalesce(time, timestamp) AS moment, 'uid' AS what, pod_id AS named
  FROM container_log
  WHERE pod_id IS NOT NULL
  UNION ALL
  SELECT object_id, record, coalesce(time, timestamp) AS moment, 'name' AS what,
    'k8s:' || cluster_name || '/' || namespace_name || '/' || pod_name AS named
  FROM container_log
  WHERE pod_id IS NULL
) AS s ON s.what = w.what
  AND s.named = w.named
  AND s.moment BETWEEN n.begin AND n.finish
"""

_INSERT = f"""
INSERT INTO finding_evidence
SELECT r.finding_id, r.event_id, '{PREFIX}' || min(r.what) AS why
FROM (
{{records}}
) AS r
LEFT JOIN finding_evidence AS e ON e.finding_id = r.finding_id AND e.event_id = r.event_id
WHERE e.event_id IS NULL
GROUP BY r.finding_id, r.event_id
ORDER BY r.finding_id, r.event_id
"""


def collect(con: duckdb.DuckDBPyConnection) -> None:
    """Add to `finding_evidence` what happened around each of `latest_finding` and does not lie behind it."""
    con.execute(_NEAR)
    con.execute(_OWN)
    con.execute(_INSERT.format(records="UNION ALL".join((_CALLS, _FLOWS, _FUNCTION_LOG, _CONTAINER_LOG))))
    con.execute("DROP TABLE temp.finding_near")
    con.execute("DROP TABLE temp.finding_key")
