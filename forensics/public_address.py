"""Public addresses: allocated ones from association to association, lent ones as long as they are seen."""

import duckdb

from forensics import running, workload
from forensics.arn import key
from forensics.each import each

_INSTANCE = key("ec2", "c.aws_region", "c.account_id", "'instance/' || c.instance_id")

_ALLOCATION = """
CREATE OR REPLACE TEMP TABLE allocation AS
SELECT allocation_id, min(public_ip) AS public_ip
FROM (
  SELECT answer->>'$.allocationId' AS allocation_id, answer->>'$.publicIp' AS public_ip
  FROM workload_call
  WHERE event_name = 'AllocateAddress'
  UNION ALL
  SELECT ask->>'$.allocationId' AS allocation_id, ask->>'$.publicIp' AS public_ip
  FROM workload_call
  WHERE event_name IN ('AssociateAddress', 'ReleaseAddress')
  UNION ALL
  SELECT configuration->>'$.AllocationId' AS allocation_id, configuration->>'$.PublicIp' AS public_ip
  FROM inventory
  WHERE api = 'ec2'
    AND operation = 'DescribeAddresses'
) AS a
WHERE allocation_id IS NOT NULL
  AND public_ip IS NOT NULL
GROUP BY allocation_id
HAVING count(DISTINCT public_ip) = 1
"""

_ASSOCIATION = f"""
CREATE OR REPLACE TEMP TABLE association AS
SELECT coalesce(c.public_ip, a.public_ip) AS public_ip, c.association_id, c.event_id, c.moment, c.eni,
  {_INSTANCE} AS instance
FROM (
  SELECT aws_region, account_id, event_id, moment, ask->>'$.publicIp' AS public_ip,
    ask->>'$.allocationId' AS allocation_id, ask->>'$.instanceId' AS instance_id,
    ask->>'$.networkInterfaceId' AS eni, answer->>'$.associationId' AS association_id
  FROM workload_call
  WHERE event_name = 'AssociateAddress'
) AS c
LEFT JOIN allocation AS a ON a.allocation_id = c.allocation_id
"""

_GIVEN_BACK = """
CREATE OR REPLACE TEMP TABLE given_back AS
SELECT coalesce(c.ask->>'$.publicIp', s.public_ip, a.public_ip) AS public_ip, c.moment, c.event_id
FROM workload_call AS c
LEFT JOIN association AS s ON s.association_id = (c.ask->>'$.associationId')
LEFT JOIN allocation AS a ON a.allocation_id = (c.ask->>'$.allocationId')
WHERE c.event_name IN ('DisassociateAddress', 'ReleaseAddress')
"""

_HELD = """
CREATE OR REPLACE TEMP TABLE associated AS
WITH ended AS (
  SELECT a.public_ip, a.event_id, min(e.moment) AS until
  FROM association AS a
  JOIN (
    SELECT public_ip, moment FROM given_back
    UNION ALL
    SELECT public_ip, moment FROM association
  ) AS e ON e.public_ip = a.public_ip AND e.moment > a.moment
  GROUP BY a.public_ip, a.event_id
), lasting AS (
  SELECT a.public_ip, a.event_id, a.moment, a.eni, a.instance, e.until
  FROM association AS a
  LEFT JOIN ended AS e ON e.public_ip = a.public_ip AND e.event_id = a.event_id
), carried AS (
  SELECT l.public_ip, l.event_id, l.moment, l.until, h.workload, h.valid_from, h.valid_to, h.from_known, h.to_known,
    h.evidence_event_ids[1] AS attach_event_id, h.valid_from <= l.moment AS at_once
  FROM lasting AS l
  JOIN held_alone AS h ON h.holds_kind = 'eni'
    AND h.holds = l.eni
    AND (h.valid_to IS NULL OR l.moment < h.valid_to)
    AND (l.until IS NULL OR h.valid_from < l.until)
  WHERE l.instance IS NULL
)
SELECT public_ip, instance AS workload, moment, 'open' AS what, event_id
FROM lasting
WHERE instance IS NOT NULL
UNION ALL
SELECT l.public_ip, 'interface:' || l.eni AS workload, l.moment, 'open' AS what, l.event_id
FROM lasting AS l
WHERE l.instance IS NULL
  AND l.eni IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM carried AS c WHERE c.event_id = l.event_id AND c.at_once)
UNION ALL
SELECT c.public_ip, c.workload, CASE WHEN c.at_once THEN c.moment ELSE c.valid_from END AS moment,
  CASE WHEN c.at_once OR c.from_known THEN 'open' ELSE 'seen' END AS what,
  unnest(CASE WHEN c.at_once THEN [c.event_id] ELSE [c.event_id, c.attach_event_id] END) AS event_id
FROM carried AS c
UNION ALL
SELECT public_ip, workload, valid_to AS moment, CASE WHEN to_known THEN 'close' ELSE 'left' END AS what,
  attach_event_id AS event_id
FROM carried
WHERE valid_to IS NOT NULL
  AND (until IS NULL OR valid_to < until)
"""
"""An address associated with an interface goes where the interface goes."""

_GATEWAY_ADDRESS = f"""
CREATE OR REPLACE TEMP TABLE gateway_address AS
WITH card AS (
  SELECT workload, event_id, moment, phase, answer AS card, answer->'$.natGatewayAddressSet.item' AS addresses,
    CAST([] AS VARCHAR[]) AS asked, CAST([] AS VARCHAR[]) AS associations
  FROM ({workload.GATEWAYS}) AS g
  WHERE phase = 'started'
  UNION ALL
  SELECT {key("ec2", "r.aws_region", "r.account_id", "'natgateway/' || r.gateway")} AS workload, r.event_id, r.moment,
    r.phase, r.answer AS card, r.answer->'$.natGatewayAddressSet.item' AS addresses,
    list_concat(json_extract_string(r.request, '$.AllocationId[*].content'),
      [r.request->>'$.AllocationId', r.request->>'$.AllocationId.content']) AS asked,
    list_concat(json_extract_string(r.request, '$.AssociationId[*].content'),
      [r.request->>'$.AssociationId', r.request->>'$.AssociationId.content']) AS associations
  FROM (
    SELECT aws_region, account_id, event_id, moment,
      CASE event_name WHEN 'AssociateNatGatewayAddress' THEN 'started' ELSE 'stopped' END AS phase,
      coalesce(ask->'$.AssociateNatGatewayAddressRequest', ask->'$.DisassociateNatGatewayAddressRequest') AS request,
      coalesce(answer->'$.AssociateNatGatewayAddressResponse',
        answer->'$.DisassociateNatGatewayAddressResponse') AS answer,
      coalesce(ask->>'$.AssociateNatGatewayAddressRequest.NatGatewayId',
        ask->>'$.DisassociateNatGatewayAddressRequest.NatGatewayId') AS gateway
    FROM workload_call
    WHERE event_name IN ('AssociateNatGatewayAddress', 'DisassociateNatGatewayAddress')
  ) AS r
), address AS (
  SELECT c.workload, c.event_id, c.moment, c.phase, c.item->>'$.allocationId' AS allocation_id,
    c.item->>'$.publicIp' AS public_ip, c.item->>'$.associationId' AS association_id
  FROM {each("card AS c", "list_concat(json_extract(c.addresses, '$[*]'), [c.addresses])", "item")} AS c
  UNION ALL
  SELECT c.workload, c.event_id, c.moment, c.phase, u.allocation_id, NULL AS public_ip, NULL AS association_id
  FROM card AS c, unnest(c.asked) AS u(allocation_id)
  UNION ALL
  SELECT c.workload, c.event_id, c.moment, c.phase, NULL AS allocation_id, NULL AS public_ip, u.association_id
  FROM card AS c, unnest(c.associations) AS u(association_id)
), named AS (
  SELECT d.workload, d.event_id, d.moment, d.phase, d.association_id,
    coalesce(nullif(d.public_ip, ''), a.public_ip) AS public_ip
  FROM address AS d
  LEFT JOIN allocation AS a ON a.allocation_id = d.allocation_id
), associated AS (
  SELECT association_id, min(public_ip) AS public_ip
  FROM named
  WHERE association_id IS NOT NULL
    AND public_ip IS NOT NULL
  GROUP BY association_id
)
SELECT DISTINCT n.workload, n.event_id, n.moment, n.phase, coalesce(n.public_ip, s.public_ip) AS public_ip
FROM named AS n
LEFT JOIN associated AS s ON s.association_id = n.association_id
WHERE n.workload IS NOT NULL
  AND coalesce(n.public_ip, s.public_ip) IS NOT NULL
"""

_SIGHT = """
CREATE OR REPLACE TEMP TABLE public_sight AS
SELECT s.public_ip, s.workload, s.eni, u.moment, s.event_id
FROM (
  SELECT public_ip, workload, eni, [first_seen, last_seen] AS moments, event_id FROM found_card
  UNION ALL
  SELECT public_ip, workload, eni, [moment] AS moments, event_id FROM configured_card
) AS s, unnest(s.moments) AS u(moment)
WHERE s.public_ip IS NOT NULL
  AND s.workload IS NOT NULL
"""

_GATEWAY_SIGHT = f"""
CREATE OR REPLACE TEMP TABLE gateway_sight AS
SELECT {key("ec2", "s.aws_region", "s.aws_account_id", "'natgateway/' || s.resource_id")} AS workload,
  s.object_id || '/' || s.record AS event_id, s.configuration_item_capture_time AS moment,
  nullif(s.held->>'$.publicIp', '') AS public_ip,
  CASE WHEN coalesce(s.held->>'$.isPrimary', 'true') = 'true'
    THEN try_cast(s.configuration->>'$.createTime' AS TIMESTAMP) END AS created_at
FROM {each("resource_item AS s", "json_extract(s.configuration, '$.natGatewayAddresses[*]')", "held")} AS s
WHERE s.resource_type = 'AWS::EC2::NatGateway'
  AND s.configuration_item_status NOT LIKE 'ResourceDeleted%'
  AND s.configuration_item_capture_time IS NOT NULL
"""
"""Addresses of gateways as AWS Config or an answer shows them; a gateway has its primary one from when it is made."""

_LENT = """
CREATE OR REPLACE TEMP TABLE lent AS
SELECT DISTINCT s.public_ip, s.workload, s.eni
FROM public_sight AS s
WHERE NOT EXISTS (SELECT 1 FROM association AS a WHERE a.public_ip = s.public_ip)
  AND NOT EXISTS (SELECT 1 FROM allocation AS a WHERE a.public_ip = s.public_ip)
"""
"""Addresses that no call is known to have allocated: an instance loses such a one when it stops, or gets another."""

_FACT = f"""
INSERT INTO hold_fact (holds_kind, holds, workload, moment, what, event_id)
SELECT 'public_ip' AS holds_kind, f.public_ip AS holds, f.workload, f.moment, f.what, f.event_id
FROM (
  SELECT public_ip, workload, moment, what, event_id FROM associated
  UNION ALL
  SELECT public_ip, workload, moment, CASE phase WHEN 'started' THEN 'open' ELSE 'close' END AS what, event_id
  FROM gateway_address
  UNION ALL
  SELECT public_ip, workload, moment, 'seen' AS what, event_id FROM public_sight
  UNION ALL
  SELECT public_ip, workload, moment, 'seen' AS what, event_id FROM gateway_sight WHERE public_ip IS NOT NULL
  UNION ALL
  SELECT public_ip, workload, created_at AS moment, 'open' AS what, event_id
  FROM gateway_sight
  WHERE public_ip IS NOT NULL
    AND created_at <= moment
  UNION ALL
  SELECT public_ip, NULL AS workload, moment, 'close' AS what, event_id FROM given_back
  UNION ALL
  SELECT h.public_ip, t.workload, t.moment, 'close' AS what, t.event_id
  FROM (
    SELECT workload, event_id, moment FROM instance_end
    UNION ALL
    SELECT workload, event_id, moment FROM ({workload.GATEWAYS}) AS g WHERE phase = 'stopped'
  ) AS t
  JOIN (
    SELECT public_ip, workload FROM associated
    UNION
    SELECT public_ip, workload FROM gateway_address
    UNION
    SELECT public_ip, workload FROM public_sight
    UNION
    SELECT public_ip, workload FROM gateway_sight
  ) AS h ON h.workload = t.workload
  UNION ALL
  SELECT l.public_ip, l.workload, s.moment, CASE WHEN s.exact THEN 'close' ELSE 'gone' END AS what, s.event_id
  FROM ({running.STOPPED}) AS s
  JOIN lent AS l ON l.workload = s.workload
  UNION ALL
  SELECT l.public_ip, l.workload, a.moment, 'close' AS what, a.event_id
  FROM association AS a
  JOIN lent AS l ON l.workload = a.instance OR l.eni = a.eni
  UNION ALL
  SELECT c.public_ip_before AS public_ip, c.workload_before AS workload, c.moment,
    CASE WHEN c.daily THEN 'gone' ELSE 'left' END AS what, c.event_id
  FROM configured_change AS c
  WHERE c.public_ip_before IS NOT NULL
    AND c.workload_before IS NOT NULL
    AND c.public_ip IS DISTINCT FROM c.public_ip_before
) AS f
"""
"""A lent address is lost at a stop and when an allocated one comes in its place."""


def collect(con: duckdb.DuckDBPyConnection) -> None:
    """Add what is known of public addresses to `hold_fact`; needs the intervals of interfaces in `held_alone`."""
    for statement in (
        _ALLOCATION,
        _ASSOCIATION,
        _GIVEN_BACK,
        _HELD,
        _GATEWAY_ADDRESS,
        _SIGHT,
        _GATEWAY_SIGHT,
        _LENT,
        _FACT,
    ):
        con.execute(statement)
    for table in (
        "allocation",
        "association",
        "given_back",
        "associated",
        "gateway_address",
        "public_sight",
        "gateway_sight",
        "lent",
    ):
        con.execute(f"DROP TABLE temp.{table}")
