"""What each workload held and when: interfaces, addresses, keys, sessions and execution environments."""

import duckdb

from forensics import holding, hyperplane, invocation, workload, workloads

_INSTANCE_KEY = """
INSERT INTO instance_key
SELECT split_part(workload, '/', 2) AS instance_id, min(workload) AS workload
FROM workload
WHERE kind = 'ec2_instance'
GROUP BY split_part(workload, '/', 2)
HAVING count(*) = 1
"""

_ADDRESS_FACT = """
CREATE OR REPLACE TEMP TABLE address_fact AS
WITH card AS (
  SELECT v.card AS card
  FROM workload_call AS r,
    unnest(json_extract(r.answer, '$.instancesSet.items[*].networkInterfaceSet.items[*]')) AS v(card)
  WHERE r.event_name = 'RunInstances'
  UNION ALL
  SELECT answer->'$.networkInterface' AS card
  FROM workload_call
  WHERE event_name = 'CreateNetworkInterface'
), born AS (
  SELECT card->>'$.networkInterfaceId' AS eni, card->>'$.vpcId' AS vpc_id,
    list_concat([card->>'$.privateIpAddress'],
      json_extract_string(card, '$.privateIpAddressesSet.item[*].privateIpAddress'),
      json_extract_string(card, '$.ipv6AddressesSet.item[*].ipv6Address')) AS addresses
  FROM card
), moved AS (
  SELECT event_name, ask->>'$.networkInterfaceId' AS eni, moment,
    list_concat(
      json_extract_string(ask, '$.privateIpAddressesSet.item[*].privateIpAddress'),
      json_extract_string(answer,
        '$.assignedPrivateIpAddressesSet.assignedPrivateIpAddressSetType[*].privateIpAddress')) AS addresses
  FROM workload_call
  WHERE event_name IN ('AssignPrivateIpAddresses', 'UnassignPrivateIpAddresses')
)
SELECT DISTINCT b.eni, u.address, b.vpc_id, CAST(NULL AS TIMESTAMP) AS moment, 'assigned' AS what
FROM born AS b, unnest(b.addresses) AS u(address)
UNION ALL
SELECT DISTINCT eni, private_ip AS address, vpc_id, NULL AS moment, 'assigned' AS what
FROM found_card
UNION ALL
SELECT DISTINCT eni, private_ip AS address, vpc_id, NULL AS moment, 'assigned' AS what
FROM configured_card
UNION ALL
SELECT DISTINCT s.interface_id AS eni, s.srcaddr AS address, s.vpc_id, NULL AS moment, 'assigned' AS what
FROM vpc_flow AS s
WHERE s.flow_direction = 'egress'
  AND s.interface_id IN (SELECT holds FROM held_alone UNION ALL SELECT holds FROM held_by_function)
{others}UNION ALL
SELECT DISTINCT m.eni, u.address, NULL AS vpc_id, m.moment,
  CASE m.event_name WHEN 'AssignPrivateIpAddresses' THEN 'assigned' ELSE 'unassigned' END AS what
FROM moved AS m, unnest(m.addresses) AS u(address)
"""
"""Addresses of interfaces: from birth (`moment` NULL), or as secondary ones are assigned and taken away.

Of outbound traffic `srcaddr` is the interface's primary private address (page "Flow log records")."""

_ADDRESS = """
CREATE OR REPLACE TEMP TABLE address_interval AS
WITH network AS (
  SELECT eni, max(vpc_id) AS vpc_id
  FROM address_fact
  GROUP BY eni
), assigned AS (
  SELECT a.eni, a.address, n.vpc_id, a.moment
  FROM (
    SELECT eni, address, moment
    FROM address_fact
    WHERE what = 'assigned' AND eni IS NOT NULL AND address IS NOT NULL
    GROUP BY eni, address, moment
  ) AS a
  LEFT JOIN network AS n ON n.eni = a.eni
), ended AS (
  SELECT a.eni, a.address, a.moment, min(e.moment) AS ended_at
  FROM assigned AS a
  JOIN (
    SELECT eni, address, CAST(NULL AS VARCHAR) AS vpc_id, moment FROM address_fact WHERE what = 'unassigned'
    UNION ALL
    SELECT eni, address, vpc_id, moment FROM assigned WHERE moment IS NOT NULL
  ) AS e ON e.address = a.address
    AND (e.moment > a.moment OR a.moment IS NULL)
    AND (e.eni = a.eni OR e.vpc_id = a.vpc_id)
  GROUP BY a.eni, a.address, a.moment
)
SELECT a.eni, a.address, a.vpc_id, a.moment AS valid_from, e.ended_at AS valid_to
FROM assigned AS a
LEFT JOIN ended AS e ON e.eni = a.eni
  AND e.address = a.address
  AND e.moment IS NOT DISTINCT FROM a.moment
WHERE a.moment IS NOT NULL
  OR NOT EXISTS (
    SELECT 1 FROM assigned AS o
    WHERE o.eni = a.eni AND o.address = a.address AND o.moment IS NOT NULL)
"""

_HELD_ADDRESS = """
CREATE OR REPLACE TEMP TABLE held_address AS
WITH interface AS (
  SELECT holds, workload, valid_from, valid_to, from_known, to_known, certainty, evidence_event_ids
  FROM held_alone
  WHERE holds_kind = 'eni'
  UNION ALL
  SELECT holds, workload, valid_from, valid_to, from_known, to_known, certainty, evidence_event_ids
  FROM held_by_function
), clipped AS (
  SELECT h.workload, a.address, a.vpc_id, h.certainty, h.evidence_event_ids,
    CASE WHEN a.valid_from > h.valid_from THEN a.valid_from ELSE h.valid_from END AS valid_from,
    h.from_known OR coalesce(a.valid_from > h.valid_from, FALSE) AS from_known,
    CASE WHEN h.valid_to IS NULL OR a.valid_to < h.valid_to THEN a.valid_to ELSE h.valid_to END AS valid_to,
    h.to_known OR coalesce(a.valid_to < coalesce(h.valid_to, TIMESTAMP '9999-12-31'), FALSE) AS to_known
  FROM interface AS h
  JOIN address_interval AS a ON a.eni = h.holds
)
SELECT DISTINCT 'private_ip' AS holds_kind, address AS holds, workload, vpc_id, valid_from, valid_to,
  from_known, to_known,
  CASE WHEN certainty IN ('shared', 'inferred') THEN certainty
    WHEN from_known AND to_known THEN 'matched' ELSE 'bounded' END AS certainty, evidence_event_ids
FROM clipped
WHERE valid_to IS NULL
  OR valid_from < valid_to
"""

_KEY = """
SELECT w.workload, 'access_key_id' AS holds_kind, c.access_key_id AS holds,
  coalesce(c.issued_at, c.session_created_at, c.first_used) AS valid_from,
  coalesce(c.expires_at, c.last_used) AS valid_to,
  c.issued_at IS NOT NULL OR c.session_created_at IS NOT NULL AS from_known,
  c.expires_at IS NOT NULL AS to_known,
  w.certainty, w.evidence_event_ids
FROM credential AS c
JOIN credential_workload AS w ON w.access_key_id = c.access_key_id
"""

_SESSION = """
SELECT w.workload, 'session' AS holds_kind, c.session AS holds,
  coalesce(c.issued_at, c.session_created_at, c.first_used) AS valid_from,
  coalesce(c.expires_at, c.last_used) AS valid_to,
  c.issued_at IS NOT NULL OR c.session_created_at IS NOT NULL AS from_known,
  c.expires_at IS NOT NULL AS to_known,
  w.certainty, w.evidence_event_ids
FROM credential AS c
JOIN credential_workload AS w ON w.access_key_id = c.access_key_id
WHERE c.session IS NOT NULL
"""

_ENVIRONMENT = """
SELECT workload, 'execution_environment' AS holds_kind, log_stream AS holds,
  min(moment) AS valid_from, max(moment) AS valid_to,
  bool_or(coalesce(type IN ('platform.initStart', 'platform.restoreStart'), FALSE)) AS from_known,
  bool_or(coalesce(type IN ('platform.spinDownReport', 'platform.shutdown'), FALSE)) AS to_known,
  CASE WHEN bool_or(coalesce(type IN ('platform.initStart', 'platform.restoreStart'), FALSE))
    AND bool_or(coalesce(type IN ('platform.spinDownReport', 'platform.shutdown'), FALSE))
    THEN 'matched' ELSE 'bounded' END AS certainty,
  [arg_min(event_id, (moment, event_id)), arg_max(event_id, (moment, event_id))] AS evidence_event_ids
FROM log_line
WHERE workload IS NOT NULL
  AND log_stream IS NOT NULL
GROUP BY workload, log_stream
"""

_PLACE = (
    "SELECT workload, holds_kind, holds, valid_from, valid_to, from_known, to_known, "
    "certainty, evidence_event_ids\nFROM"
)

HOLDINGS = (
    f"{_PLACE} held_alone",
    f"{_PLACE} held_by_function",
    f"{_PLACE} held_address",
    _KEY,
    _SESSION,
    _ENVIRONMENT,
)
"""What was held: SELECTs of the columns of `lifetime`, in order. A new kind of workload adds its own here."""

_LIFETIME = (
    "INSERT INTO lifetime\nSELECT * FROM (\n"
    + "\nUNION ALL\n".join(f"(SELECT * FROM ({holding}))" for holding in HOLDINGS)
    + "\n) ORDER BY workload, holds_kind, holds, valid_from, valid_to"
)

_NETWORK = """
INSERT INTO address_network
SELECT DISTINCT workload, holds AS address, vpc_id
FROM held_address
WHERE vpc_id IS NOT NULL
UNION
SELECT DISTINCT workload, holds AS address, network AS vpc_id
FROM held_alone
WHERE holds_kind = 'private_ip'
  AND network LIKE 'vpc-%'
"""

_TEMPORARY = (
    "configured_card",
    "found_card",
    "held_alone",
    "held_by_function",
    "held_address",
    "address_fact",
    "address_interval",
)


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `lifetime`, `instance_key` and `address_network`; needs `workload` and `credential_workload`."""
    for table in ("lifetime", "instance_key", "address_network"):
        con.execute(f"DELETE FROM {table}")
    con.execute(_INSTANCE_KEY)
    workload.collect_calls(con)
    workloads.prepare(con)
    holding.hold(con)
    hyperplane.hold(con)
    others = "".join(
        f"UNION ALL\nSELECT DISTINCT eni, address, vpc_id, NULL AS moment, 'assigned' AS what FROM {select} AS o\n"
        for select in workloads.selected("addresses", workloads.ADDRESS)
    )
    for statement in (_ADDRESS_FACT.replace("{others}", others), _ADDRESS, _HELD_ADDRESS, _NETWORK):
        con.execute(statement)
    invocation.collect_lines(con)
    con.execute(_LIFETIME)
    invocation.drop_lines(con)
    workloads.drop(con)
    for table in (*_TEMPORARY, "workload_call"):
        con.execute(f"DROP TABLE temp.{table}")
