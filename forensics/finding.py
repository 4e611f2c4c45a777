"""Findings of GuardDuty and Security Hub in their latest version; those of rules and behaviours stay beside them."""

import duckdb

from forensics import finding_around, finding_evidence
from forensics.arn import INSTANCE_ID, SAMPLE, function_key, key
from forensics.attribution.part import current
from forensics.each import each
from forensics.sources.guardduty import ACCESS_KEY, API_REMOTE, CONNECTION_REMOTE, first

_POD = """CASE WHEN s.kubernetes_workload_type = 'pods' AND s.kubernetes_namespace <> '' AND s.kubernetes_workload_name <> ''
      THEN 'k8s:' || nullif(s.eks_cluster_name, '') || '/' || s.kubernetes_namespace || '/' || s.kubernetes_workload_name END"""

_SESSION_OF = f"""coalesce(n.workload, k.workload,
      CASE WHEN regexp_matches(split_part(s.principal_id, ':', 2), '{INSTANCE_ID}')
        THEN {key("ec2", "s.region", "s.account_id", "'instance/' || split_part(s.principal_id, ':', 2)")} END)"""

_KUBERNETES_REMOTE = first("s.kubernetes_remote_ip", "s.kubernetes_remote_ipv6", "s.source_ips->>0")
_RDS_REMOTE = first("s.rds_remote_ip", "s.rds_remote_ipv6")

_LATEST = f"""
CREATE OR REPLACE TEMP TABLE latest_finding AS
SELECT
  coalesce(nullif(s.id, ''), s.object_id || '/' || s.record) AS finding_id,
  'guardduty' AS source,
  s.type,
  s.severity,
  coalesce(s.event_first_seen, s.created_at) AS time,
  s.event_last_seen AS end_time,
  i.principal,
  {ACCESS_KEY} AS access_key_id,
  s.resource_ids AS resources,
  s.title,
  {SAMPLE} AS sample,
  CASE WHEN NOT {SAMPLE} THEN coalesce(
    {function_key("s.function_arn")},
    t.workload,
    nullif(s.task_arn, ''),
    CASE WHEN {_POD} IS NOT NULL THEN coalesce(u.workload, p.workload, {_POD}) END,
    {key("ec2", "s.region", "s.account_id", "'instance/' || nullif(s.instance_id, '')")},
    CASE WHEN c.issuance_event_id IS NULL OR c.workload = {_SESSION_OF} THEN {_SESSION_OF} END)
  END AS workload,
  s.api,
  {API_REMOTE} AS api_remote_ip,
  {CONNECTION_REMOTE} AS connection_remote_ip,
  s.connection_local_port AS local_port,
  s.connection_remote_port AS remote_port,
  s.network_interfaces,
  s.instance_id,
  s.probe_remote_ips,
  rtrim(lower(s.dns_domain), '.') AS domain,
  s.eks_cluster_name AS cluster_name,
  s.kubernetes_username,
  s.request_uri,
  {_KUBERNETES_REMOTE} AS kubernetes_remote_ip,
  s.db_instance_identifier AS database_id,
  {_RDS_REMOTE} AS rds_remote_ip,
  json_extract_string(s.s3_bucket_details, '$[*].name') AS buckets,
  s.sequence_access_key_ids, s.sequence_ips,
  json_extract_string(s.sequence_signals, '$[*].uid') AS signals,
  s.arn
FROM guardduty AS s
LEFT JOIN identity AS i ON i.identity_key = s.identity_key
LEFT JOIN instance_key AS k ON k.instance_id = split_part(s.principal_id, ':', 2)
LEFT JOIN task_key AS t ON t.task_id = regexp_extract(s.task_arn, '[^/]+$')
LEFT JOIN task_key AS n ON n.task_id = regexp_extract(s.principal_id, '[^:]+$')
  AND split_part(n.workload, ':', 5) = s.account_id
LEFT JOIN credential AS c ON c.access_key_id = {ACCESS_KEY}
LEFT JOIN pod_key AS u ON u.what = 'uid' AND u.named = s.kubernetes_workload_details->>'$.uid'
LEFT JOIN pod_key AS p ON p.what = 'name' AND p.named = {_POD}
WHERE {current("guardduty")}
"""
"""A session named like a task or an instance is its own, unless its key is known to have been issued to another."""

_HUB = f"""
INSERT INTO latest_finding BY NAME
WITH named AS (
  SELECT r.object_id, r.record, min(w.workload) AS workload
  FROM {each("security_hub AS r", "r.resource_ids", "named")} AS r
  JOIN workload AS w ON w.workload = coalesce({function_key("r.named")}, r.named)
  GROUP BY r.object_id, r.record
  HAVING count(DISTINCT w.workload) = 1
), known AS (
  SELECT DISTINCT arn
  FROM latest_finding
  WHERE arn <> ''
)
SELECT
  coalesce(nullif(s.id, ''), s.object_id || '/' || s.record) AS finding_id,
  'security_hub' AS source,
  s.types->>0 AS type,
  coalesce(s.severity_product, s.severity_normalized) AS severity,
  coalesce(s.first_observed_at, s.created_at) AS time,
  s.last_observed_at AS end_time,
  k.principal,
  s.access_key_id,
  s.resource_ids AS resources,
  s.title,
  coalesce(s.sample, FALSE) AS sample,
  CASE WHEN NOT coalesce(s.sample, FALSE) THEN n.workload END AS workload,
  s.api,
  nullif(s.api_remote_ip, '') AS api_remote_ip,
  nullif(s.connection_remote_ip, '') AS connection_remote_ip
FROM security_hub AS s
LEFT JOIN credential AS k ON k.access_key_id = s.access_key_id
LEFT JOIN named AS n ON n.object_id = s.object_id AND n.record = s.record
LEFT JOIN known AS g ON g.arn = s.id
WHERE g.arn IS NULL
  AND {current("security_hub")}
"""
"""A finding of GuardDuty that Security Hub took over has GuardDuty's ARN as its `Id`: where the finding itself is in
evidence it is the row, and the copy lies behind it."""

_FINDING = """
INSERT INTO finding
SELECT finding_id, min(source) AS source, arg_min(type, source) AS type, arg_min(severity, source) AS severity,
  arg_min(time, source) AS time, arg_min(end_time, source) AS end_time, arg_min(principal, source) AS principal,
  arg_min(access_key_id, source) AS access_key_id, arg_min(workload, source) AS workload,
  arg_min(resources, source) AS resources, arg_min(title, source) AS title
FROM latest_finding
GROUP BY finding_id
ORDER BY 5, finding_id
"""


_FORGET = (
    """
DELETE FROM finding_evidence
WHERE finding_id NOT IN (SELECT finding_id FROM finding WHERE source IN ('sigma', 'behaviour'))""",
    "DELETE FROM finding WHERE source NOT IN ('sigma', 'behaviour')",
)


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `finding` and `finding_evidence` but for what rules and behaviours found; needs `identity`, `lifetime` and `attribution`."""
    for statement in _FORGET:
        con.execute(statement)
    for statement in (_LATEST, _HUB, _FINDING):
        con.execute(statement)
    if con.execute("SELECT 1 FROM latest_finding LIMIT 1").fetchall():
        finding_evidence.collect(con)
        finding_around.collect(con)
    con.execute("DROP TABLE temp.latest_finding")
