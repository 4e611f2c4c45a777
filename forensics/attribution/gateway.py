"""Calls that came from a NAT gateway's address: whose traffic to AWS went through the gateway at that time."""

import duckdb

from forensics.attribution.part import Answer, current, part
from forensics.each import each

PADDING = 60
"""Seconds by which a flow record may miss a packet; whatever flowed within them of a minute may be behind its calls."""

_SERVICE = """CASE s.event_source WHEN 's3.amazonaws.com' THEN 's3' WHEN 'dynamodb.amazonaws.com' THEN 'dynamodb'
    ELSE 'other' END"""

_ASKED = f"""
CREATE OR REPLACE TEMP TABLE gateway_asked AS
WITH address AS (
  SELECT p.source_ip, split_part(p.workload, '/', 2) AS gateway, p.valid_from, p.valid_to
  FROM call_place AS p
  JOIN workload AS w ON w.workload = p.workload AND w.kind = 'nat_gateway'
  WHERE p.vpc_endpoint_id = ''
    AND p.candidates = 1
), called AS (
  SELECT s.source_ip_address AS source_ip, date_trunc('minute', s.event_time) AS minute, {_SERVICE} AS service
  FROM cloudtrail AS s
  WHERE s.source_ip_address IN (SELECT source_ip FROM address)
    AND coalesce(s.vpc_endpoint_id, '') = ''
  GROUP BY 1, 2, 3
)
SELECT c.source_ip, c.minute, c.service, a.gateway
FROM called AS c
JOIN address AS a ON a.source_ip = c.source_ip
  AND a.valid_from <= c.minute
  AND c.minute + INTERVAL 1 MINUTE < a.valid_to
"""

_CARD = """
CREATE OR REPLACE TEMP TABLE gateway_card AS
WITH card AS (
  SELECT interface_id, owner_id AS gateway, private_ip
  FROM interface
  WHERE owner = 'nat_gateway'
  UNION ALL
  SELECT h.holds AS interface_id, split_part(h.workload, '/', 2) AS gateway, NULL AS private_ip
  FROM lifetime AS h
  JOIN workload AS w ON w.workload = h.workload AND w.kind = 'nat_gateway'
  WHERE h.holds_kind = 'eni'
)
SELECT interface_id, min(gateway) AS gateway, max(private_ip) AS private_ip
FROM card
WHERE gateway IN (SELECT gateway FROM gateway_asked)
GROUP BY interface_id
HAVING count(DISTINCT gateway) = 1
"""

_PASSED = f"""
CREATE OR REPLACE TEMP TABLE gateway_passed AS
WITH through AS (
  SELECT c.gateway, coalesce(s.pkt_srcaddr, s.srcaddr) AS address, s.vpc_id, s.log_status = 'SKIPDATA' AS skipped,
    CASE WHEN s.pkt_dst_aws_service IS NULL THEN 'any' WHEN s.pkt_dst_aws_service = 'S3' THEN 's3'
      WHEN s.pkt_dst_aws_service = 'DYNAMODB' THEN 'dynamodb' ELSE 'other' END AS service,
    date_trunc('minute', s.start - to_seconds({PADDING})) AS begun,
    date_trunc('minute', coalesce(s."end", s.start) + to_seconds({PADDING})) AS ended,
    min(s.start) AS first_start, max(coalesce(s."end", s.start)) AS last_end, min(s.object_id || '/' || s.record) AS event_id
  FROM vpc_flow AS s
  JOIN gateway_card AS c ON c.interface_id = s.interface_id
  WHERE s.log_status = 'SKIPDATA'
    OR (s.dstport = 443
      AND coalesce(s.action, 'ACCEPT') = 'ACCEPT'
      AND coalesce(s.pkt_srcaddr, s.srcaddr) IS DISTINCT FROM c.private_ip)
  GROUP BY 1, 2, 3, 4, 5, 6, 7
)
SELECT t.gateway, t.address, t.vpc_id, coalesce(t.skipped, FALSE) AS skipped, t.service, t.minute,
  t.first_start < t.minute + INTERVAL 1 MINUTE AND t.last_end >= t.minute AS at_once, t.event_id
FROM {each("through AS t", "generate_series(t.begun, t.ended, INTERVAL 1 MINUTE)", "minute")} AS t
"""

_BEHIND = """
INSERT INTO gateway_minute
WITH matching AS (
  SELECT a.source_ip, a.minute, a.service, p.address, max(p.vpc_id) AS vpc_id, bool_or(p.skipped) AS skipped,
    bool_or(p.at_once) AS at_once, min(p.event_id) AS event_id
  FROM gateway_asked AS a
  JOIN gateway_passed AS p ON p.gateway = a.gateway
    AND p.minute = a.minute
  WHERE p.skipped
    OR p.service IN ('any', a.service)
  GROUP BY a.source_ip, a.minute, a.service, p.address
), judged AS (
  SELECT *, bool_or(skipped) OVER (PARTITION BY source_ip, minute, service) AS incomplete,
    count(*) OVER (PARTITION BY source_ip, minute, service) AS addresses
  FROM matching
), held AS (
  SELECT j.source_ip, j.minute, j.service, j.address, j.addresses, j.at_once, p.workload,
    list_distinct(list_prepend(j.event_id, p.evidence_event_ids)) AS evidence_event_ids,
    CASE WHEN p.workload IS NULL THEN 1 ELSE p.candidates END AS holders,
    row_number() OVER (PARTITION BY j.source_ip, j.minute, j.service, j.address ORDER BY p.workload) AS place
  FROM judged AS j
  LEFT JOIN address_place AS p ON p.address = j.address
    AND p.vpc_id = j.vpc_id
    AND p.valid_from <= j.minute
    AND j.minute + INTERVAL 1 MINUTE < p.valid_to
  WHERE NOT j.incomplete
), counted AS (
  SELECT *, sum(CASE WHEN place = 1 THEN holders END) OVER (PARTITION BY source_ip, minute, service) AS candidates
  FROM held
)
SELECT source_ip, minute, service, workload, CASE WHEN min(candidates) = 1 THEN 'inferred' ELSE 'shared' END AS certainty,
  CAST(min(candidates) AS BIGINT) AS candidates, min(evidence_event_ids) AS evidence_event_ids
FROM counted
WHERE workload IS NOT NULL
  AND (candidates > 1 OR at_once)
GROUP BY source_ip, minute, service, workload
ORDER BY source_ip, minute, service, workload
"""
"""Where the records of the gateway's traffic are incomplete, nobody is behind it; a single source is inferred at most."""

PARTS = (
    part(
        "cloudtrail",
        "used_from",
        Answer(
            workload="g.workload",
            certainty="g.certainty",
            via="'traffic through the NAT gateway'",
            needs=("gateway_minute",),
            candidates="g.candidates",
            evidence="g.evidence_event_ids",
            joined=f"""
JOIN gateway_minute AS g ON g.source_ip = s.source_ip_address
  AND g.minute = date_trunc('minute', s.event_time)
  AND g.service = {_SERVICE}
WHERE coalesce(s.vpc_endpoint_id, '') = ''
  AND {current("cloudtrail")}""",
        ),
    ),
)
"""Beside the gateway itself, which held the address, the workloads behind it."""


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `gateway_minute`; needs `call_place`, `address_place` and `interface`."""
    con.execute("DELETE FROM gateway_minute")
    for statement in (_ASKED, _CARD, _PASSED, _BEHIND):
        con.execute(statement)
    for table in ("asked", "card", "passed"):
        con.execute(f"DROP TABLE temp.gateway_{table}")
