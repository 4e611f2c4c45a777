"""Private addresses, and IPv6 ones: which interface had each, and so which workload, from when until when."""

import duckdb

from forensics import scanned, workloads
from forensics.each import each
from forensics.interface_card import CARDS, DESCRIBED

OUTWARD = scanned.one(
    "flow_source",
    "vpc_flow",
    """
SELECT s.interface_id, s.srcaddr AS address, s.vpc_id, max(s.instance_id) AS instance_id
FROM {rows} AS s
WHERE s.flow_direction = 'egress'
GROUP BY s.interface_id, s.srcaddr, s.vpc_id
""",
    """
SELECT interface_id, address, vpc_id, max(instance_id) AS instance_id
FROM {kept}
GROUP BY interface_id, address, vpc_id
""",
)
"""Addresses from which interfaces sent, as flow records say."""

_FACT = f"""
CREATE OR REPLACE TEMP TABLE address_fact AS
WITH born AS (
  SELECT interface_id AS eni, vpc_id, addresses
  FROM {CARDS} AS d
  WHERE kind IN ('made', 'run')
  UNION ALL
  SELECT eni, vpc_id, [private_ip] AS addresses FROM found_card
  UNION ALL
  SELECT eni, vpc_id, [private_ip] AS addresses FROM configured_card
  UNION ALL
  SELECT interface_id AS eni, vpc_id, [private_ip] AS addresses FROM interface
), seen AS (
  SELECT eni, vpc_id, private_ip, addresses, [moment] AS moments FROM configured_card
  UNION ALL
  SELECT eni, vpc_id, private_ip, addresses, [first_seen, last_seen] AS moments FROM found_card
), moved AS (
  SELECT event_name LIKE 'Assign%' AS assigned, coalesce(ask->>'$.networkInterfaceId',
      ask->>'$.AssignIpv6AddressesRequest.NetworkInterfaceId',
      ask->>'$.UnassignIpv6AddressesRequest.NetworkInterfaceId') AS eni, moment,
    list_concat(
      json_extract_string(ask, '$.privateIpAddressesSet.item[*].privateIpAddress'),
      json_extract_string(answer,
        '$.assignedPrivateIpAddressesSet.assignedPrivateIpAddressSetType[*].privateIpAddress'),
      json_extract_string(coalesce(ask->'$.UnassignIpv6AddressesRequest', ask->'$.AssignIpv6AddressesRequest'),
        '$.Ipv6Addresses[*].content'),
      json_extract_string(coalesce(answer->'$.AssignIpv6AddressesResponse', answer), '$.assignedIpv6Addresses.item[*]'),
      [ask->>'$.UnassignIpv6AddressesRequest.Ipv6Addresses.content',
        ask->>'$.AssignIpv6AddressesRequest.Ipv6Addresses.content',
        coalesce(answer->'$.AssignIpv6AddressesResponse', answer)->>'$.assignedIpv6Addresses.item'],
      json_extract_string(ask, '$.ipv6Addresses.item[*]'),
      json_extract_string(ask, '$.ipv6AddressesSet.item[*].ipv6Address')) AS addresses
  FROM workload_call
  WHERE event_name IN ('AssignPrivateIpAddresses', 'UnassignPrivateIpAddresses', 'AssignIpv6Addresses',
    'UnassignIpv6Addresses')
)
SELECT DISTINCT b.eni, b.address, b.vpc_id, CAST(NULL AS TIMESTAMP) AS moment, 'assigned' AS what
FROM {each("born AS b", "b.addresses", "address")} AS b
WHERE b.address IS NOT NULL
UNION ALL
SELECT DISTINCT c.eni, c.address, c.vpc_id, v.moment, 'shown' AS what
FROM {each("seen AS c", "c.addresses", "address")} AS c, unnest(c.moments) AS v(moment)
WHERE c.address IS DISTINCT FROM c.private_ip
UNION ALL
SELECT DISTINCT s.interface_id AS eni, s.address, s.vpc_id, NULL AS moment, 'assigned' AS what
FROM kept.flow_source AS s
WHERE s.interface_id IN (SELECT holds FROM held_alone WHERE holds_kind = 'eni' UNION ALL SELECT holds FROM held_by_function)
{{others}}UNION ALL
SELECT DISTINCT m.eni, m.address, NULL AS vpc_id, m.moment, CASE WHEN m.assigned THEN 'assigned' ELSE 'unassigned' END AS what
FROM {each("moved AS m", "m.addresses", "address")} AS m
WHERE regexp_matches(m.address, '^[0-9a-fA-F.:]+$')
"""
"""Addresses of interfaces: from birth (`moment` NULL), or as secondary ones are assigned and taken away.

Of outbound traffic `srcaddr` is the interface's primary private address (page "Flow log records"). `shown` is that
AWS Config or a finding saw a secondary one, which may come and go."""

_INTERVAL = """
CREATE OR REPLACE TEMP TABLE address_interval AS
WITH network AS (
  SELECT eni, max(vpc_id) AS vpc_id
  FROM address_fact
  GROUP BY eni
), begun AS (
  SELECT eni, address, moment, CAST(NULL AS TIMESTAMP) AS last_shown, TRUE AS known
  FROM address_fact
  WHERE what = 'assigned' AND eni IS NOT NULL AND address IS NOT NULL
  GROUP BY eni, address, moment
  UNION ALL
  SELECT s.eni, s.address, min(s.moment) AS moment, max(s.moment) AS last_shown, FALSE AS known
  FROM address_fact AS s
  WHERE s.what = 'shown' AND s.eni IS NOT NULL AND s.address IS NOT NULL
    AND NOT EXISTS (
      SELECT 1 FROM address_fact AS o
      WHERE o.eni = s.eni AND o.address = s.address AND o.what = 'assigned')
  GROUP BY s.eni, s.address
), assigned AS (
  SELECT b.eni, b.address, n.vpc_id, b.moment, b.last_shown, b.known
  FROM begun AS b
  LEFT JOIN network AS n ON n.eni = b.eni
), ended AS (
  SELECT a.eni, a.address, a.moment, min(e.moment) AS ended_at
  FROM assigned AS a
  JOIN (
    SELECT eni, address, CAST(NULL AS VARCHAR) AS vpc_id, moment FROM address_fact WHERE what = 'unassigned'
    UNION ALL
    SELECT eni, address, vpc_id, moment FROM assigned WHERE moment IS NOT NULL AND known
  ) AS e ON e.address = a.address
    AND (e.moment > a.moment OR a.moment IS NULL)
    AND (e.eni = a.eni OR e.vpc_id = a.vpc_id)
  GROUP BY a.eni, a.address, a.moment
)
SELECT a.eni, a.address, a.vpc_id, a.moment AS valid_from, coalesce(e.ended_at, a.last_shown) AS valid_to,
  a.known AS from_known, e.ended_at IS NOT NULL AS to_known
FROM assigned AS a
LEFT JOIN ended AS e ON e.eni = a.eni
  AND e.address = a.address
  AND e.moment IS NOT DISTINCT FROM a.moment
WHERE a.moment IS NOT NULL
  OR NOT EXISTS (
    SELECT 1 FROM assigned AS o
    WHERE o.eni = a.eni AND o.address = a.address AND o.moment IS NOT NULL AND o.known)
"""
"""The same address in another VPC is another address: it ends nothing here."""

_HELD = """
CREATE OR REPLACE TEMP TABLE held_address AS
WITH interface_holder AS (
  SELECT holds, workload, valid_from, valid_to, from_known, to_known, certainty, evidence_event_ids
  FROM held_alone
  WHERE holds_kind = 'eni'
  UNION ALL
  SELECT holds, workload, valid_from, valid_to, from_known, to_known, certainty, evidence_event_ids
  FROM held_by_function
), clipped AS (
  SELECT h.workload, a.address, a.vpc_id, h.certainty, h.evidence_event_ids,
    CASE WHEN a.valid_from > h.valid_from THEN a.valid_from ELSE h.valid_from END AS valid_from,
    CASE WHEN a.valid_from > h.valid_from THEN a.from_known ELSE h.from_known END AS from_known,
    CASE WHEN h.valid_to IS NULL OR a.valid_to < h.valid_to THEN a.valid_to ELSE h.valid_to END AS valid_to,
    CASE WHEN a.valid_to < coalesce(h.valid_to, TIMESTAMP '9999-12-31') THEN a.to_known ELSE h.to_known END AS to_known
  FROM interface_holder AS h
  JOIN address_interval AS a ON a.eni = h.holds
)
SELECT DISTINCT 'private_ip' AS holds_kind, address AS holds, workload, vpc_id, valid_from, valid_to,
  from_known, to_known,
  CASE WHEN certainty IN ('shared', 'inferred') THEN certainty
    WHEN from_known AND to_known THEN 'matched' ELSE 'bounded' END AS certainty, evidence_event_ids
FROM clipped
WHERE valid_to IS NULL
  OR valid_from <= valid_to
"""

UNIQUE = """
SELECT workload, 'public_ip' AS holds_kind, holds, valid_from, valid_to, from_known, to_known, certainty,
  evidence_event_ids
FROM held_address
WHERE regexp_matches(holds, '^[23][0-9a-fA-F]{0,3}:')
"""
"""A global IPv6 address is the interface's alone, within its VPC and without."""


def hold(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table `held_address`; needs `held_alone`, `held_by_function` and what they were made from."""
    others = "".join(
        f"UNION ALL\nSELECT DISTINCT eni, address, vpc_id, NULL AS moment, 'assigned' AS what FROM {select} AS o\n"
        for select in workloads.selected(con, "addresses", workloads.ADDRESS)
    )
    scanned.take(con, OUTWARD, DESCRIBED)
    for statement in (_FACT.format(others=others), _INTERVAL, _HELD):
        con.execute(statement)
    for table in ("address_fact", "address_interval"):
        con.execute(f"DROP TABLE temp.{table}")
