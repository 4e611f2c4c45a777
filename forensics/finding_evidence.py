"""The records that lie behind findings: by key, address, interface, name asked for, request and window."""

import duckdb

from forensics.attribution.part import current
from forensics.each import each
from forensics.sources.cloudtrail import EVENT as CALL

MARGIN_MINUTES = 5
"""How far beyond a finding's first and last sight its records may lie: its times are approximate."""

_ID = "s.object_id || '/' || s.record"


def _window(begin: str, end: str = "") -> str:
    """SQL: whether a record (times given) touches the window of finding `f`."""
    return f"""{begin} <= coalesce(f.end_time, f.time) + to_minutes({MARGIN_MINUTES})
  AND {end or begin} >= f.time - to_minutes({MARGIN_MINUTES})"""


_BEHIND = """
CREATE OR REPLACE TEMP TABLE finding_behind (finding_id VARCHAR, event_id VARCHAR, rank INTEGER, why VARCHAR)
"""

_CALLS = f"""
INSERT INTO finding_behind
SELECT f.finding_id, {CALL.columns["event_id"]} AS event_id, 1 AS rank,
  CASE WHEN s.event_name = f.api THEN 'same access key, address, API and window'
    ELSE 'same access key, address and window' END AS why
FROM latest_finding AS f
JOIN cloudtrail AS s ON s.user_identity_access_key_id = f.access_key_id
  AND s.source_ip_address = f.api_remote_ip
  AND {_window("s.event_time")}
WHERE NOT f.sample
  AND {current("cloudtrail")}
"""

_PRINCIPAL_CALLS = f"""
INSERT INTO finding_behind
SELECT f.finding_id, {CALL.columns["event_id"]} AS event_id, 2 AS rank,
  CASE WHEN s.event_name = f.api THEN 'same principal, address, API and window'
    ELSE 'same principal, address and window' END AS why
FROM latest_finding AS f
JOIN identity AS i ON i.principal = f.principal
JOIN cloudtrail AS s ON s.identity_key = i.identity_key
  AND s.source_ip_address = f.api_remote_ip
  AND {_window("s.event_time")}
WHERE f.access_key_id IS NULL
  AND NOT f.sample
  AND {current("cloudtrail")}
"""

_SEQUENCE_CALLS = f"""
INSERT INTO finding_behind
WITH f AS (
  SELECT g.finding_id, g.time, g.end_time, k.access_key_id, a.address
  FROM latest_finding AS g, unnest(g.sequence_access_key_ids) AS k(access_key_id), unnest(g.sequence_ips) AS a(address)
  WHERE NOT g.sample
)
SELECT f.finding_id, {CALL.columns["event_id"]} AS event_id, 3 AS rank,
  'a key and an address of the attack sequence, in its window' AS why
FROM f
JOIN cloudtrail AS s ON s.user_identity_access_key_id = f.access_key_id
  AND s.source_ip_address = f.address
  AND {_window("s.event_time")}
WHERE {current("cloudtrail")}
"""

_SIGNALS = f"""
INSERT INTO finding_behind
WITH signal AS (
  SELECT DISTINCT f.finding_id, regexp_extract(u.uid, '[^/]*$') AS uid
  FROM latest_finding AS f, unnest(f.signals) AS u(uid)
  WHERE NOT f.sample
)
SELECT g.finding_id, f.finding_id AS event_id, 0 AS rank, 'a signal of this attack sequence' AS why
FROM signal AS g
JOIN latest_finding AS f ON f.finding_id = g.uid AND f.finding_id <> g.finding_id
UNION ALL
SELECT g.finding_id, {CALL.columns["event_id"]} AS event_id, 0 AS rank, 'a signal of this attack sequence' AS why
FROM signal AS g
JOIN cloudtrail AS s ON s.event_id = g.uid
WHERE {current("cloudtrail")}
"""

_COPY = f"""
INSERT INTO finding_behind
SELECT f.finding_id, coalesce(nullif(s.id, ''), {_ID}) AS event_id, 0 AS rank, 'the same finding in Security Hub' AS why
FROM latest_finding AS f
JOIN security_hub AS s ON s.id = f.arn
WHERE f.source = 'guardduty'
  AND f.arn <> ''
  AND {current("security_hub")}
"""

_CARD = f"""
CREATE OR REPLACE TEMP TABLE finding_card AS
SELECT f.finding_id, f.card->>'$.networkInterfaceId' AS interface_id, f.card->>'$.privateIpAddress' AS address,
  f.card->>'$.vpcId' AS vpc_id
FROM {each("latest_finding AS f", "json_extract(f.network_interfaces, '$[*]')", "card")} AS f
UNION
SELECT f.finding_id, h.holds AS interface_id, NULL AS address, NULL AS vpc_id
FROM latest_finding AS f
JOIN lifetime AS h ON h.workload = f.workload AND h.holds_kind = 'eni'
WHERE f.network_interfaces IS NULL
UNION
SELECT f.finding_id, NULL AS interface_id, n.address, n.vpc_id
FROM latest_finding AS f
JOIN address_network AS n ON n.workload = f.workload
WHERE f.network_interfaces IS NULL
"""
"""Interfaces and addresses of what a finding is about: as the finding says, else as its workload held them."""

_PEER = f"""
CREATE OR REPLACE TEMP TABLE finding_peer AS
WITH remote AS (
  SELECT finding_id, time, end_time, local_port, remote_port, connection_remote_ip AS peer
  FROM latest_finding
  WHERE connection_remote_ip IS NOT NULL AND NOT sample
  UNION
  SELECT f.finding_id, f.time, f.end_time, NULL AS local_port, NULL AS remote_port, f.peer
  FROM {each("latest_finding AS f", "f.probe_remote_ips", "peer")} AS f
  WHERE f.peer IS NOT NULL AND NOT f.sample
)
SELECT DISTINCT r.finding_id, c.interface_id, r.peer, r.time, r.end_time, r.local_port, r.remote_port
FROM remote AS r
JOIN finding_card AS c ON c.finding_id = r.finding_id
WHERE c.interface_id IS NOT NULL
"""

_PORTS = """(f.remote_port IS NOT NULL OR f.local_port IS NOT NULL)
    AND CASE WHEN s.srcaddr = f.peer
      THEN coalesce(f.remote_port = s.srcport, TRUE) AND coalesce(f.local_port = s.dstport, TRUE)
      ELSE coalesce(f.remote_port = s.dstport, TRUE) AND coalesce(f.local_port = s.srcport, TRUE) END"""

_FLOWS = f"""
INSERT INTO finding_behind
SELECT f.finding_id, {_ID} AS event_id, 4 AS rank,
  CASE WHEN {_PORTS} THEN 'same interface, remote address, ports and window'
    ELSE 'same interface, remote address and window' END AS why
FROM vpc_flow AS s
JOIN finding_peer AS f ON f.interface_id = s.interface_id
WHERE (s.srcaddr = f.peer OR s.dstaddr = f.peer)
  AND {_window("s.start", 'coalesce(s."end", s.start)')}
"""

_QUERIES = f"""
INSERT INTO finding_behind
SELECT f.finding_id, {_ID} AS event_id, 4 AS rank, 'same name asked for, same source and window' AS why
FROM latest_finding AS f
JOIN route53_resolver AS s ON s.domain = f.domain
  AND {_window("s.query_timestamp")}
WHERE NOT f.sample
  AND f.domain <> ''
  AND (s.instance_id = f.instance_id
    OR EXISTS (
      SELECT 1 FROM finding_card AS c
      WHERE c.finding_id = f.finding_id AND c.address = s.srcaddr AND coalesce(c.vpc_id, s.vpc_id) = s.vpc_id))
"""

_AUDITS = f"""
INSERT INTO finding_behind
SELECT f.finding_id, {_ID} AS event_id, 4 AS rank,
  CASE WHEN s.request_uri = f.request_uri AND list_contains(json_extract_string(s.source_ips, '$[*]'), f.kubernetes_remote_ip)
      THEN 'same Kubernetes user, address, request and window'
    WHEN s.request_uri = f.request_uri THEN 'same Kubernetes user, request and window'
    ELSE 'same Kubernetes user, address and window' END AS why
FROM latest_finding AS f
JOIN eks_audit AS s ON s.username = f.kubernetes_username
  AND {_window("coalesce(s.stage_timestamp, s.request_received_timestamp, s.timestamp)")}
WHERE NOT f.sample
  AND coalesce(s.cluster_name = f.cluster_name, TRUE)
  AND (s.request_uri = f.request_uri
    OR list_contains(json_extract_string(s.source_ips, '$[*]'), f.kubernetes_remote_ip))
"""

_OBJECTS = f"""
INSERT INTO finding_behind
WITH f AS (
  SELECT DISTINCT g.finding_id, g.time, g.end_time, u.bucket, g.api_remote_ip
  FROM latest_finding AS g, unnest(g.buckets) AS u(bucket)
  WHERE NOT g.sample
    AND g.api_remote_ip IS NOT NULL
)
SELECT f.finding_id, {_ID} AS event_id, 4 AS rank, 'same bucket, address and window' AS why
FROM f
JOIN s3_access AS s ON s.bucket = f.bucket
  AND s.remote_ip = f.api_remote_ip
  AND {_window("s.time")}
"""

_LOGINS = f"""
INSERT INTO finding_behind
SELECT f.finding_id, {_ID} AS event_id, 4 AS rank, 'same database, address and window' AS why
FROM latest_finding AS f
JOIN rds_log AS s ON s.database_id = f.database_id
  AND s.remote_host = f.rds_remote_ip
  AND {_window("coalesce(s.time, s.timestamp)")}
WHERE NOT f.sample
"""

_INSERT = """
INSERT INTO finding_evidence
SELECT finding_id, event_id, arg_min(why, (rank, why)) AS why
FROM finding_behind
GROUP BY finding_id, event_id
ORDER BY finding_id, event_id
"""

_STEPS = (
    _BEHIND,
    _CARD,
    _PEER,
    _CALLS,
    _PRINCIPAL_CALLS,
    _SEQUENCE_CALLS,
    _SIGNALS,
    _COPY,
    _FLOWS,
    _QUERIES,
    _AUDITS,
    _OBJECTS,
    _LOGINS,
    _INSERT,
)


def collect(con: duckdb.DuckDBPyConnection) -> None:
    """Fill `finding_evidence` with what lies behind each of `latest_finding`; a record once, by its closest tie."""
    for statement in _STEPS:
        con.execute(statement)
    for table in ("behind", "card", "peer"):
        con.execute(f"DROP TABLE temp.finding_{table}")
