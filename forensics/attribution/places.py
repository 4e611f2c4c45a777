"""Places and who held them when: addresses, interfaces and sessions, stretch by stretch."""

import duckdb

from forensics import scanned, telling
from forensics.attribution import stretch
from forensics.attribution.stretch import CALL_PADDING, CERTAINTY, INTERVAL
from forensics.holding import FLOW_PADDING
from forensics.private_address import OUTWARD
from forensics.replaced import replace

GLOBAL_ADDRESS = r"^[23][0-9a-f]{3}:"
"""IPv6 addresses that are unique in the world: what holds one is whence a call from it came (page "IPv6 addresses")."""

_HOST = """
CREATE OR REPLACE TEMP TABLE container_host AS
SELECT workload, min(holds) AS host
FROM lifetime
WHERE holds_kind = 'instance'
  AND holds <> workload
GROUP BY workload
HAVING count(DISTINCT holds) = 1
"""

_PRIMARY = f"""
CREATE OR REPLACE TEMP TABLE primary_address AS
WITH single AS (
  SELECT interface_id, max(instance_id) AS instance_id, min(address) AS address, max(vpc_id) AS vpc_id
  FROM {OUTWARD.table} AS s
  WHERE interface_id IS NOT NULL
    AND NOT contains(address, ':')
  GROUP BY interface_id
  HAVING min(address) = max(address)
)
SELECT interface_id, instance_id, address, vpc_id
FROM single
UNION
SELECT interface_id, NULL AS instance_id, private_ip AS address, vpc_id
FROM interface
WHERE private_ip IS NOT NULL
"""
"""Primary addresses of interfaces, from which a host and all that hides behind it sends: no pod's own, whatever it says.

Of outbound traffic `srcaddr` is the interface's primary address (page "Flow log records")."""

_THROUGH = scanned.one(
    "endpoint_use",
    "cloudtrail",
    """
SELECT s.source_ip_address AS address, s.vpc_endpoint_id,
  min(coalesce(s.vpc_endpoint_account_id, s.recipient_account_id)) AS account_id, min(s.aws_region) AS region
FROM {rows} AS s
WHERE s.vpc_endpoint_id <> ''
GROUP BY s.source_ip_address, s.vpc_endpoint_id
""",
    """
SELECT address, vpc_endpoint_id, min(account_id) AS account_id, min(region) AS region
FROM {kept}
GROUP BY address, vpc_endpoint_id
""",
)
"""Addresses that came through VPC endpoints, with account and Region."""

_ENDPOINT_NETWORK = f"""
CREATE OR REPLACE TEMP TABLE endpoint_network AS
WITH made AS (
  SELECT coalesce(s.response_elements->'$.CreateVpcEndpointResponse.vpcEndpoint',
    s.response_elements->'$.vpcEndpoint') AS card
  FROM {telling.TABLE} AS s
  WHERE s.event_source = 'ec2.amazonaws.com'
    AND s.event_name = 'CreateVpcEndpoint'
    AND coalesce(s.error_code, '') = ''
), told AS (
  SELECT card->>'$.vpcEndpointId' AS vpc_endpoint_id, card->>'$.vpcId' AS vpc_id
  FROM made
  UNION ALL
  SELECT owner_id AS vpc_endpoint_id, vpc_id
  FROM interface
  WHERE owner = 'vpc_endpoint'
), known AS (
  SELECT vpc_endpoint_id, min(vpc_id) AS vpc_id
  FROM told
  WHERE vpc_endpoint_id IS NOT NULL
  GROUP BY vpc_endpoint_id
)
SELECT u.address, u.vpc_endpoint_id, u.account_id, u.region, k.vpc_id
FROM {_THROUGH.rows} AS u
LEFT JOIN known AS k ON k.vpc_endpoint_id = u.vpc_endpoint_id
"""

_PRIVATE = f"""
CREATE OR REPLACE TEMP TABLE private_holder AS
SELECT DISTINCT h.holds AS address, coalesce(n.vpc_id, v.vpc_id) AS vpc_id, h.workload,
  CASE WHEN p.address IS NULL THEN c.host END AS host,
  coalesce(w.account_id, split_part(c.host, ':', 5)) AS account_id, coalesce(w.region, split_part(c.host, ':', 4)) AS region, {CERTAINTY} AS certainty, {INTERVAL}
FROM lifetime AS h
LEFT JOIN workload AS w ON w.workload = h.workload
LEFT JOIN address_network AS n ON n.workload = h.workload AND n.address = h.holds
LEFT JOIN container_host AS c ON c.workload = h.workload
LEFT JOIN (
  SELECT workload, min(vpc_id) AS vpc_id
  FROM address_network
  GROUP BY workload
  HAVING count(DISTINCT vpc_id) = 1
) AS v ON v.workload = c.host
LEFT JOIN (
  SELECT DISTINCT address, vpc_id
  FROM primary_address
) AS p ON p.address = h.holds AND p.vpc_id = coalesce(n.vpc_id, v.vpc_id)
WHERE h.holds_kind = 'private_ip'
"""
"""An instance is in one VPC, and so is what runs on it."""

_CALL_HOLDER = f"""
SELECT h.holds AS place, '' AS network, h.workload, CAST(NULL AS VARCHAR) AS host, {CERTAINTY} AS certainty,
  'public address' AS via, {INTERVAL}
FROM lifetime AS h
WHERE h.holds_kind = 'public_ip'
UNION ALL
SELECT p.address AS place, '' AS network, p.workload, p.host, p.certainty, 'public address' AS via, p.valid_from,
  p.valid_to, p.evidence_event_ids
FROM private_holder AS p
WHERE regexp_matches(lower(p.address), '{GLOBAL_ADDRESS}')
UNION ALL
SELECT DISTINCT p.address AS place, e.vpc_endpoint_id AS network, p.workload, p.host,
  CASE WHEN e.vpc_id IS NULL OR p.vpc_id IS NULL THEN 'inferred' ELSE p.certainty END AS certainty,
  'private address through a VPC endpoint' AS via, p.valid_from, p.valid_to, p.evidence_event_ids
FROM private_holder AS p
JOIN endpoint_network AS e ON e.address = p.address
WHERE e.vpc_id = p.vpc_id
  OR (e.vpc_id IS NULL OR p.vpc_id IS NULL) AND p.account_id = e.account_id AND p.region = e.region
"""

_ADDRESS_HOLDER = """
SELECT p.address AS place, coalesce(p.vpc_id, n.vpc_id) AS network, p.workload, p.host,
  CASE WHEN p.vpc_id IS NULL THEN 'inferred' ELSE p.certainty END AS certainty, 'private address' AS via,
  p.valid_from, p.valid_to, p.evidence_event_ids
FROM private_holder AS p
LEFT JOIN home_network AS n ON n.account_id = p.account_id AND n.region = p.region
WHERE coalesce(p.vpc_id, n.vpc_id) IS NOT NULL
"""

_FLOW_HOLDER = f"""
SELECT h.holds AS place, '' AS network, h.workload, c.host, {CERTAINTY} AS certainty, 'interface' AS via, {INTERVAL}
FROM lifetime AS h
LEFT JOIN container_host AS c ON c.workload = h.workload
WHERE h.holds_kind = 'eni'
"""

_SESSION_HOLDER = f"""
SELECT h.holds AS place, '' AS network, h.workload, CAST(NULL AS VARCHAR) AS host, {CERTAINTY} AS certainty,
  'session of the requester' AS via, {INTERVAL}
FROM lifetime AS h
WHERE h.holds_kind = 'session'
UNION ALL
SELECT h.session AS place, '' AS network, '' AS workload, NULL AS host, 'matched' AS certainty,
  'a key of no workload' AS via, coalesce(h.issued_at, h.session_created_at, h.first_used, {stretch.LONG_AGO}) AS valid_from,
  coalesce(h.expires_at, h.last_used, {stretch.FAR_AHEAD}) AS valid_to, CAST(NULL AS VARCHAR[]) AS evidence_event_ids
FROM credential AS h
WHERE h.session IN (SELECT holds FROM lifetime WHERE holds_kind = 'session')
  AND coalesce(h.class, '') <> 'forward_access'
  AND NOT EXISTS (SELECT 1 FROM credential_workload AS c WHERE c.access_key_id = h.access_key_id)
"""
"""Whoever may assume a role chooses the name of the session: a key of that name that no workload was given makes all
use of the session nobody's."""

_CALL_PLACE = """
SELECT place AS source_ip, network AS vpc_endpoint_id, valid_from, valid_to, workload, certainty, via,
  candidates,
  evidence_event_ids
FROM place_stretch
"""

_ADDRESS_PLACE = """
SELECT s.place AS address, s.network AS vpc_id, s.valid_from, s.valid_to, s.workload, s.certainty,
  w.kind IN ('ecs_task', 'eks_pod') AS contained, s.candidates, s.evidence_event_ids
FROM place_stretch AS s
JOIN workload AS w ON w.workload = s.workload
"""

_FLOW_PLACE = """
SELECT place AS interface_id, valid_from, valid_to, workload, host, certainty, candidates, evidence_event_ids
FROM place_stretch
"""

_SESSION_PLACE = """
SELECT s.place AS session, s.valid_from, s.valid_to, s.workload, s.certainty, s.candidates, s.evidence_event_ids
FROM place_stretch AS s
WHERE NOT EXISTS (
  SELECT 1 FROM place_stretch AS o
  WHERE o.place = s.place AND o.valid_from = s.valid_from AND o.workload = '')
"""

_STEPS = (
    (_CALL_HOLDER, CALL_PADDING, "call_place", ("source_ip", "vpc_endpoint_id"), _CALL_PLACE),
    (_ADDRESS_HOLDER, CALL_PADDING, "address_place", ("address", "vpc_id"), _ADDRESS_PLACE),
    (_FLOW_HOLDER, FLOW_PADDING, "flow_place", ("interface_id",), _FLOW_PLACE),
    (_SESSION_HOLDER, CALL_PADDING, "session_place", ("session",), _SESSION_PLACE),
)
"""Holders of places, seconds by which their times may be off, and the table of their stretches: name, place, SELECT."""

_TASK_KEY = """
SELECT regexp_extract(workload, '[^/]+$') AS task_id, min(workload) AS workload
FROM workload
WHERE kind = 'ecs_task'
GROUP BY regexp_extract(workload, '[^/]+$')
HAVING count(*) = 1
"""


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild the tables of places; needs `lifetime` and `home_network`; makes `primary_address`."""
    telling.take(con)
    scanned.take(con, OUTWARD, _THROUGH)
    replace(con, "task_key", ("task_id",), _TASK_KEY)
    for statement in (_HOST, _PRIMARY, _ENDPOINT_NETWORK, _PRIVATE):
        con.execute(statement)
    for holders, padding, table, place, select in _STEPS:
        stretch.cut(con, holders, padding)
        replace(con, table, (*place, "valid_from", "workload"), select)
    for table in ("container_host", "endpoint_network", "private_holder", "place_stretch"):
        con.execute(f"DROP TABLE temp.{table}")
