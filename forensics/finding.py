"""Findings of GuardDuty in their latest version, and the records that lie behind them."""

import duckdb

from forensics.arn import INSTANCE_ID, SAMPLE, function_key, key
from forensics.sources.cloudtrail import EVENT as CALL
from forensics.sources.guardduty import ACCESS_KEY, API_REMOTE, CONNECTION_REMOTE

MARGIN_MINUTES = 5
"""How far beyond a finding's first and last sight its records may lie: its times are approximate."""

_CURRENT = """NOT EXISTS (
    SELECT 1 FROM superseded AS x
    WHERE x.source = 'guardduty' AND x.copy_object_id = s.object_id AND x.copy_record = s.record)"""

_POD = """CASE WHEN s.kubernetes_workload_type = 'pods' AND s.kubernetes_namespace <> '' AND s.kubernetes_workload_name <> ''
      THEN 'k8s:' || nullif(s.eks_cluster_name, '') || '/' || s.kubernetes_namespace || '/' || s.kubernetes_workload_name END"""

_LATEST = f"""
CREATE OR REPLACE TEMP TABLE latest_finding AS
SELECT
  coalesce(nullif(s.id, ''), s.object_id || '/' || s.record) AS finding_id,
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
    nullif(s.task_arn, ''),
    {_POD},
    {key("ec2", "s.region", "s.account_id", "'instance/' || nullif(s.instance_id, '')")},
    k.workload,
    CASE WHEN regexp_matches(split_part(s.principal_id, ':', 2), '{INSTANCE_ID}')
      THEN {key("ec2", "s.region", "s.account_id", "'instance/' || split_part(s.principal_id, ':', 2)")} END)
  END AS workload,
  s.action_type,
  s.api,
  {API_REMOTE} AS api_remote_ip,
  {CONNECTION_REMOTE} AS connection_remote_ip,
  s.network_interfaces,
  s.probe_remote_ips
FROM guardduty AS s
LEFT JOIN identity AS i ON i.identity_key = s.identity_key
LEFT JOIN instance_key AS k ON k.instance_id = split_part(s.principal_id, ':', 2)
WHERE {_CURRENT}
"""

_FINDING = """
INSERT INTO finding
SELECT finding_id, 'guardduty' AS source, type, severity, time, end_time, principal, access_key_id,
  workload, resources, title
FROM latest_finding
ORDER BY time, finding_id
"""

_CALLS = f"""
INSERT INTO finding_evidence
SELECT f.finding_id, {CALL.columns["event_id"]} AS event_id,
  CASE WHEN s.event_name = f.api THEN 'same access key, address, API and window'
    ELSE 'same access key, address and window' END AS why
FROM latest_finding AS f
JOIN cloudtrail AS s ON s.user_identity_access_key_id = f.access_key_id
  AND s.source_ip_address = f.api_remote_ip
  AND s.event_time >= f.time - to_minutes({MARGIN_MINUTES})
  AND s.event_time <= coalesce(f.end_time, f.time) + to_minutes({MARGIN_MINUTES})
WHERE NOT f.sample
  AND NOT EXISTS (
    SELECT 1 FROM superseded AS x
    WHERE x.source = 'cloudtrail' AND x.copy_object_id = s.object_id AND x.copy_record = s.record)
ORDER BY f.finding_id, event_id
"""

_PRINCIPAL_CALLS = f"""
INSERT INTO finding_evidence
SELECT f.finding_id, {CALL.columns["event_id"]} AS event_id,
  CASE WHEN s.event_name = f.api THEN 'same principal, address, API and window'
    ELSE 'same principal, address and window' END AS why
FROM latest_finding AS f
JOIN identity AS i ON i.principal = f.principal
JOIN cloudtrail AS s ON s.identity_key = i.identity_key
  AND s.source_ip_address = f.api_remote_ip
  AND s.event_time >= f.time - to_minutes({MARGIN_MINUTES})
  AND s.event_time <= coalesce(f.end_time, f.time) + to_minutes({MARGIN_MINUTES})
WHERE f.access_key_id IS NULL
  AND NOT f.sample
  AND NOT EXISTS (
    SELECT 1 FROM superseded AS x
    WHERE x.source = 'cloudtrail' AND x.copy_object_id = s.object_id AND x.copy_record = s.record)
ORDER BY f.finding_id, event_id
"""

_PEER = """
CREATE OR REPLACE TEMP TABLE finding_peer AS
WITH remote AS (
  SELECT finding_id, workload, network_interfaces, time, end_time, connection_remote_ip AS peer
  FROM latest_finding
  WHERE connection_remote_ip IS NOT NULL AND NOT sample
  UNION
  SELECT f.finding_id, f.workload, f.network_interfaces, f.time, f.end_time, u.peer
  FROM latest_finding AS f, unnest(f.probe_remote_ips) AS u(peer)
  WHERE u.peer IS NOT NULL AND NOT f.sample
)
SELECT DISTINCT r.finding_id, c.interface_id, r.peer, r.time, r.end_time
FROM remote AS r
JOIN (
  SELECT f.finding_id, u.card->>'$.networkInterfaceId' AS interface_id
  FROM latest_finding AS f, unnest(json_extract(f.network_interfaces, '$[*]')) AS u(card)
  UNION ALL
  SELECT f.finding_id, h.holds AS interface_id
  FROM latest_finding AS f
  JOIN lifetime AS h ON h.workload = f.workload AND h.holds_kind = 'eni'
  WHERE f.network_interfaces IS NULL
) AS c ON c.finding_id = r.finding_id
"""

_FLOWS = f"""
INSERT INTO finding_evidence
SELECT DISTINCT p.finding_id, s.object_id || '/' || s.record AS event_id,
  'same interface, remote address and window' AS why
FROM vpc_flow AS s
JOIN finding_peer AS p ON p.interface_id = s.interface_id
WHERE (s.srcaddr = p.peer OR s.dstaddr = p.peer)
  AND s.start <= coalesce(p.end_time, p.time) + to_minutes({MARGIN_MINUTES})
  AND coalesce(s."end", s.start) >= p.time - to_minutes({MARGIN_MINUTES})
ORDER BY p.finding_id, event_id
"""


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `finding` and `finding_evidence`; needs `identity`, `instance_key` and `lifetime`."""
    for table in ("finding", "finding_evidence"):
        con.execute(f"DELETE FROM {table}")
    for statement in (_LATEST, _FINDING, _CALLS, _PRINCIPAL_CALLS, _PEER, _FLOWS):
        con.execute(statement)
    con.execute("DROP TABLE temp.latest_finding")
    con.execute("DROP TABLE temp.finding_peer")
