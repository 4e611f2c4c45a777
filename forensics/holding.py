"""What instances and gateways hold alone: interfaces and public addresses, as intervals."""

import duckdb

from forensics import configuration, workload, workloads
from forensics.arn import SAMPLE, key

FLOW_PADDING = 60
"""Seconds by which a flow record may miss a change: its times are those of packets."""

_INSTANCE = key("ec2", "c.aws_region", "c.account_id", "'instance/' || c.instance_id")

_ATTACHED = f"""
CREATE OR REPLACE TEMP TABLE attached AS
SELECT c.eni, {_INSTANCE} AS workload, c.moment, c.attachment_id, c.event_id
FROM (
  SELECT r.aws_region, r.account_id, r.moment, r.event_id, u.item->>'$.instanceId' AS instance_id,
    v.card->>'$.networkInterfaceId' AS eni, v.card->>'$.attachment.attachmentId' AS attachment_id
  FROM workload_call AS r,
    unnest(json_extract(r.answer, '$.instancesSet.items[*]')) AS u(item),
    unnest(json_extract(u.item, '$.networkInterfaceSet.items[*]')) AS v(card)
  WHERE r.event_name = 'RunInstances'
  UNION ALL
  SELECT aws_region, account_id, moment, event_id, ask->>'$.instanceId' AS instance_id,
    ask->>'$.networkInterfaceId' AS eni, answer->>'$.attachmentId' AS attachment_id
  FROM workload_call
  WHERE event_name = 'AttachNetworkInterface'
) AS c
WHERE c.eni IS NOT NULL
  AND c.instance_id IS NOT NULL
"""

_FOUND = f"""
CREATE OR REPLACE TEMP TABLE found_card AS
SELECT {key("ec2", "s.region", "s.account_id", "'instance/' || s.instance_id")} AS workload,
  u.card->>'$.networkInterfaceId' AS eni, u.card->>'$.privateIpAddress' AS private_ip,
  nullif(u.card->>'$.publicIp', '') AS public_ip, u.card->>'$.vpcId' AS vpc_id,
  coalesce(s.event_first_seen, s.created_at, s.updated_at) AS first_seen,
  coalesce(s.updated_at, s.event_last_seen, s.created_at) AS last_seen,
  s.id AS event_id
FROM guardduty AS s, unnest(json_extract(s.network_interfaces, '$[*]')) AS u(card)
WHERE s.instance_id IS NOT NULL
  AND NOT {SAMPLE}
"""

_FLOWED = """
CREATE OR REPLACE TEMP TABLE flowed_card AS
WITH hourly AS (
  SELECT s.interface_id, s.instance_id, date_trunc('hour', s.start) AS hour,
    min(s.start) AS first_seen, max(s."end") AS last_seen,
    arg_min(s.object_id || '/' || s.record, (s.start, s.object_id, s.record)) AS event_id
  FROM vpc_flow AS s
  WHERE s.instance_id IS NOT NULL
    AND s.interface_id IS NOT NULL
  GROUP BY s.interface_id, s.instance_id, date_trunc('hour', s.start)
)
SELECT i.workload, h.interface_id AS eni, h.first_seen, h.last_seen, h.event_id
FROM hourly AS h
JOIN instance_key AS i ON i.instance_id = h.instance_id
"""

_CONFIGURED = f"""
CREATE OR REPLACE TEMP TABLE configured_card AS
{configuration.CARDS}
"""

_ENI_FACT = f"""
INSERT INTO hold_fact (holds_kind, holds, workload, moment, what, event_id)
SELECT 'eni' AS holds_kind, eni AS holds, workload, moment, 'open' AS what, event_id FROM attached
UNION ALL
SELECT 'eni' AS holds_kind, eni AS holds, workload, first_seen AS moment, 'seen' AS what, event_id
  FROM found_card
UNION ALL
SELECT 'eni' AS holds_kind, eni AS holds, workload, last_seen AS moment, 'seen' AS what, event_id
  FROM found_card
UNION ALL
SELECT 'eni' AS holds_kind, eni AS holds, workload, first_seen AS moment, 'seen' AS what, event_id
  FROM flowed_card
UNION ALL
SELECT 'eni' AS holds_kind, eni AS holds, workload, last_seen AS moment, 'seen' AS what, event_id
  FROM flowed_card
UNION ALL
SELECT 'eni' AS holds_kind, eni AS holds, workload, moment, 'seen' AS what, event_id FROM configured_card
UNION ALL
SELECT 'eni' AS holds_kind, a.eni AS holds, a.workload, c.moment, 'close' AS what, c.event_id
FROM workload_call AS c
JOIN attached AS a ON a.attachment_id = (c.ask->>'$.attachmentId')
WHERE c.event_name = 'DetachNetworkInterface'
UNION ALL
SELECT 'eni' AS holds_kind, ask->>'$.networkInterfaceId' AS holds, NULL AS workload, moment,
  'close' AS what, event_id
FROM workload_call
WHERE event_name = 'DeleteNetworkInterface'
UNION ALL
SELECT 'eni' AS holds_kind, h.eni AS holds, t.workload, t.moment, 'close' AS what, t.event_id
FROM ({workload.TERMINATED}) AS t
JOIN (
  SELECT eni, workload FROM attached
  UNION
  SELECT eni, workload FROM found_card
  UNION
  SELECT eni, workload FROM flowed_card
  UNION
  SELECT eni, workload FROM configured_card
) AS h ON h.workload = t.workload
"""

_SEGMENT = f"""
CREATE OR REPLACE TEMP TABLE held_alone AS
WITH placed AS (
  SELECT holds_kind, holds, network, workload, moment, what, event_id,
    CASE what WHEN 'close' THEN 0 WHEN 'open' THEN 1 ELSE 2 END AS rank,
    last_value(CASE WHEN what <> 'close' THEN workload END IGNORE NULLS) OVER (
      PARTITION BY holds_kind, holds, network
      ORDER BY moment, CASE what WHEN 'close' THEN 0 WHEN 'open' THEN 1 ELSE 2 END, workload, event_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS holder
  FROM hold_fact
  WHERE moment IS NOT NULL
    AND holds IS NOT NULL
), real AS (
  SELECT holds_kind, holds, network, holder AS workload, moment, what, rank, event_id,
    lag(what) OVER (PARTITION BY holds_kind, holds, network ORDER BY moment, rank, holder, event_id) AS what_before,
    lag(holder) OVER (PARTITION BY holds_kind, holds, network ORDER BY moment, rank, holder, event_id) AS holder_before
  FROM placed
  WHERE holder IS NOT NULL
    AND (what <> 'close' OR workload IS NULL OR workload = holder)
), numbered AS (
  SELECT holds_kind, holds, network, workload, moment, what, event_id,
    sum(CASE
      WHEN what = 'close' THEN 0
      WHEN what_before IS NULL OR what_before = 'close' OR holder_before <> workload THEN 1
      WHEN what = 'open' AND what_before = 'seen' THEN 1
      ELSE 0
    END) OVER (PARTITION BY holds_kind, holds, network ORDER BY moment, rank, workload, event_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS number
  FROM real
), segment AS (
  SELECT holds_kind, holds, network, number, min(workload) AS workload,
    min(moment) AS valid_from,
    bool_or(what = 'open') AS opened,
    min(CASE WHEN what = 'close' THEN moment END) AS closed_at,
    max(CASE WHEN what <> 'close' THEN moment END) AS last_seen,
    list_sort(list(DISTINCT event_id)) AS evidence_event_ids
  FROM numbered
  GROUP BY holds_kind, holds, network, number
), followed AS (
  SELECT *,
    lead(valid_from) OVER (PARTITION BY holds_kind, holds, network ORDER BY number) AS next_from,
    lead(opened) OVER (PARTITION BY holds_kind, holds, network ORDER BY number) AS next_opened
  FROM segment
), ended AS (
  SELECT holds_kind, holds, network, workload, valid_from, opened, evidence_event_ids,
    CASE
      WHEN closed_at IS NOT NULL THEN closed_at
      WHEN opened THEN next_from
      ELSE last_seen
    END AS valid_to,
    closed_at IS NOT NULL OR (opened AND holds_kind = 'public_ip' AND coalesce(next_opened,
      FALSE)) AS to_known
  FROM followed
)
SELECT e.holds_kind, e.holds, e.network, e.workload, e.valid_from, e.valid_to, e.opened AS from_known, e.to_known,
  CASE WHEN e.opened AND e.to_known THEN 'matched' ELSE 'bounded' END AS certainty, e.evidence_event_ids
FROM ended AS e
WHERE e.workload NOT LIKE 'interface:%'
  AND NOT EXISTS (
    SELECT 1 FROM ended AS k
    WHERE k.holds_kind = e.holds_kind
      AND k.holds = e.holds
      AND k.network IS NOT DISTINCT FROM e.network
      AND k.workload = e.workload
      AND k.opened
      AND NOT e.opened
      AND e.valid_from >= k.valid_from - to_seconds({FLOW_PADDING})
      AND (k.valid_to IS NULL OR e.valid_to <= k.valid_to + to_seconds({FLOW_PADDING})))
"""
"""Facts of things that one workload holds at a time, as intervals; a `close` of no workload closes any."""

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
) AS a
WHERE allocation_id IS NOT NULL
  AND public_ip IS NOT NULL
GROUP BY allocation_id
HAVING count(DISTINCT public_ip) = 1
"""

_ASSOCIATION = f"""
CREATE OR REPLACE TEMP TABLE association AS
SELECT coalesce(c.public_ip, a.public_ip) AS public_ip, c.association_id, c.event_id, c.moment,
  coalesce({_INSTANCE}, min(h.workload), 'interface:' || coalesce(c.eni, '')) AS workload
FROM (
  SELECT aws_region, account_id, event_id, moment, ask->>'$.publicIp' AS public_ip,
    ask->>'$.allocationId' AS allocation_id,
    ask->>'$.instanceId' AS instance_id, ask->>'$.networkInterfaceId' AS eni,
    answer->>'$.associationId' AS association_id
  FROM workload_call
  WHERE event_name = 'AssociateAddress'
) AS c
LEFT JOIN allocation AS a ON a.allocation_id = c.allocation_id
LEFT JOIN held_alone AS h ON h.holds_kind = 'eni'
  AND h.holds = c.eni
  AND h.valid_from <= c.moment
  AND (h.valid_to IS NULL OR c.moment < h.valid_to)
GROUP BY c.public_ip, a.public_ip, c.association_id, c.event_id, c.moment, c.aws_region, c.account_id,
  c.instance_id, c.eni
"""

_GATEWAY_ADDRESS = f"""
CREATE OR REPLACE TEMP TABLE gateway_address AS
WITH asked AS (
  SELECT workload, event_id, moment, list_concat(
    json_extract_string(answer, '$.natGatewayAddressSet.item[*].allocationId'),
    [answer->>'$.natGatewayAddressSet.item.allocationId']) AS allocation_ids
  FROM ({workload.GATEWAYS}) AS g
  WHERE phase = 'started'
  UNION ALL
  SELECT {key("ec2", "aws_region", "account_id", "'natgateway/' || gateway")} AS workload, event_id, moment,
    list_concat(json_extract_string(request, '$.AllocationId[*].content'),
      [request->>'$.AllocationId', request->>'$.AllocationId.content']) AS allocation_ids
  FROM (
    SELECT aws_region, account_id, event_id, moment, ask->'$.AssociateNatGatewayAddressRequest' AS request,
      ask->>'$.AssociateNatGatewayAddressRequest.NatGatewayId' AS gateway
    FROM workload_call
    WHERE event_name = 'AssociateNatGatewayAddress'
  ) AS r
)
SELECT DISTINCT s.workload, s.event_id, s.moment, a.public_ip
FROM asked AS s, unnest(s.allocation_ids) AS u(allocation_id)
JOIN allocation AS a ON a.allocation_id = u.allocation_id
"""

_PUBLIC_FACT = f"""
INSERT INTO hold_fact (holds_kind, holds, workload, moment, what, event_id)
SELECT 'public_ip' AS holds_kind, public_ip AS holds, workload, moment, 'open' AS what, event_id
  FROM association
UNION ALL
SELECT 'public_ip' AS holds_kind, public_ip AS holds, workload, moment, 'open' AS what, event_id
  FROM gateway_address
UNION ALL
SELECT 'public_ip' AS holds_kind, public_ip AS holds, workload, first_seen AS moment, 'seen' AS what,
  event_id FROM found_card
UNION ALL
SELECT 'public_ip' AS holds_kind, public_ip AS holds, workload, last_seen AS moment, 'seen' AS what,
  event_id FROM found_card
UNION ALL
SELECT 'public_ip' AS holds_kind, coalesce(c.ask->>'$.publicIp', s.public_ip, a.public_ip) AS holds,
  NULL AS workload, c.moment, 'close' AS what, c.event_id
FROM workload_call AS c
LEFT JOIN association AS s ON s.association_id = (c.ask->>'$.associationId')
LEFT JOIN allocation AS a ON a.allocation_id = (c.ask->>'$.allocationId')
WHERE c.event_name IN ('DisassociateAddress', 'ReleaseAddress')
UNION ALL
SELECT 'public_ip' AS holds_kind, h.public_ip AS holds, t.workload, t.moment, 'close' AS what, t.event_id
FROM (
  SELECT workload, event_id, moment FROM ({workload.TERMINATED}) AS i
  UNION ALL
  SELECT workload, event_id, moment FROM ({workload.GATEWAYS}) AS g WHERE phase = 'stopped'
) AS t
JOIN (
  SELECT public_ip, workload FROM association
  UNION
  SELECT public_ip, workload FROM gateway_address
  UNION
  SELECT public_ip, workload FROM found_card
) AS h ON h.workload = t.workload
"""

_GONE = f"""
UPDATE held_alone
SET valid_to = g.valid_to
FROM ({configuration.CARDS_GONE}) AS g
WHERE held_alone.holds_kind = 'eni'
  AND held_alone.holds = g.eni
  AND held_alone.valid_to IS NULL
  AND held_alone.valid_from <= g.valid_to
"""
"""An interface that AWS Config recorded as gone was held no longer; since when is not known."""

_FACT = """
CREATE OR REPLACE TEMP TABLE hold_fact (
  holds_kind VARCHAR, holds VARCHAR, network VARCHAR, workload VARCHAR, moment TIMESTAMP, what VARCHAR, event_id VARCHAR)
"""

_STEPS = (
    _ATTACHED,
    _FOUND,
    _FLOWED,
    _CONFIGURED,
    _FACT,
    _ENI_FACT,
    _SEGMENT,
    _GONE,
    _ALLOCATION,
    _ASSOCIATION,
    _GATEWAY_ADDRESS,
    _PUBLIC_FACT,
    _SEGMENT,
    _GONE,
)
"""Interfaces are made into intervals first: an address associated with one is its holder's."""

_OTHERS = """
INSERT INTO hold_fact (holds_kind, holds, network, workload, moment, what, event_id)
SELECT holds_kind, holds, network, workload, moment, what, event_id
FROM ({facts}) AS f
WHERE {condition}
"""

_OWN = """
DELETE FROM hold_fact
WHERE holds_kind = 'eni'
  AND workload LIKE 'arn:%:ec2:%:instance/%'
  AND holds IN (SELECT holds FROM hold_fact WHERE holds_kind = 'eni' AND workload LIKE 'arn:%:ecs:%:task/%')
"""
"""An interface that a task has for itself is attached to the task's host, which does not use it."""


def hold(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary tables `held_alone`, `found_card` and `configured_card`; needs `workload_call` and `instance_key`."""
    others = "\nUNION ALL\n".join(workloads.selected("facts", workloads.FACT))
    for statement in _STEPS:
        con.execute(statement)
        if others and statement is _ENI_FACT:
            con.execute(_OTHERS.format(facts=others, condition="holds_kind = 'eni'"))
            con.execute(_OWN)
        if others and statement is _PUBLIC_FACT:
            con.execute(_OTHERS.format(facts=others, condition="holds_kind <> 'eni'"))
    for table in ("attached", "flowed_card", "hold_fact", "allocation", "association", "gateway_address"):
        con.execute(f"DROP TABLE temp.{table}")
