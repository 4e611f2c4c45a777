"""What workloads hold alone, as intervals: interfaces, and through them or by themselves public addresses."""

import duckdb

from forensics import configuration, padding, public_address, running, scanned, workload, workloads
from forensics.arn import SAMPLE, key
from forensics.each import each
from forensics.interface_card import CARDS, DESCRIBED

FLOW_PADDING = padding.FLOW
"""Seconds by which a flow record may miss a change: its times are those of packets."""

OF_INSTANCES = ("ec2_instance", "eks_node", "eks_trunk", "unknown")
"""Owners whose interfaces are held by the instance they are attached to; others hold theirs for themselves."""

_INSTANCE = key("ec2", "c.aws_region", "c.account_id", "'instance/' || c.instance_id")

_ATTACHED = f"""
CREATE OR REPLACE TEMP TABLE attached AS
SELECT c.eni, {_INSTANCE} AS workload, c.moment, c.attachment_id, c.event_id
FROM (
  SELECT d.region AS aws_region, d.account_id, d.moment, d.event_id, d.instance_id, d.interface_id AS eni, d.attachment_id
  FROM {CARDS} AS d
  WHERE d.kind = 'run'
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
  s.card->>'$.networkInterfaceId' AS eni, s.card->>'$.privateIpAddress' AS private_ip,
  nullif(s.card->>'$.publicIp', '') AS public_ip, s.card->>'$.vpcId' AS vpc_id,
  list_concat(json_extract_string(s.card, '$.privateIpAddresses[*].privateIpAddress'),
    json_extract_string(s.card, '$.ipv6Addresses[*]')) AS addresses,
  coalesce(s.event_first_seen, s.created_at, s.updated_at) AS first_seen,
  coalesce(s.updated_at, s.event_last_seen, s.created_at) AS last_seen,
  s.id AS event_id
FROM {each("guardduty AS s", "json_extract(s.network_interfaces, '$[*]')", "card")} AS s
WHERE s.instance_id IS NOT NULL
  AND NOT {SAMPLE}
"""

_CARRIED = scanned.one(
    "flow_card",
    "vpc_flow",
    """
SELECT s.interface_id, s.instance_id, date_trunc('hour', s.start) AS hour, min(s.start) AS first_seen,
  max(s."end") AS last_seen, arg_min({'object_id': s.object_id, 'record': s.record}, (s.start, s.object_id, s.record)) AS first
FROM {rows} AS s
WHERE s.instance_id IS NOT NULL
  AND s.interface_id IS NOT NULL
GROUP BY s.interface_id, s.instance_id, date_trunc('hour', s.start)
""",
    """
SELECT interface_id, instance_id, hour, min(first_seen) AS first_seen, max(last_seen) AS last_seen,
  arg_min(first, (first_seen, first.object_id, first.record)) AS first
FROM {kept}
GROUP BY interface_id, instance_id, hour
""",
)
"""Interfaces of instances in flow records, by hour, with the first record of each."""

_FLOWED = f"""
CREATE OR REPLACE TEMP TABLE flowed_card AS
SELECT i.workload, h.interface_id AS eni, h.first_seen, h.last_seen,
  h.first.object_id || '/' || h.first.record AS event_id
FROM {_CARRIED.rows} AS h
JOIN instance_key AS i ON i.instance_id = h.instance_id
"""

_CONFIGURED = f"""
CREATE OR REPLACE TEMP TABLE configured_card AS
SELECT c.*
FROM ({configuration.CARDS}) AS c
LEFT JOIN (
  SELECT ask->>'$.attachmentId' AS attachment_id, min(moment) AS moment
  FROM workload_call
  WHERE event_name = 'DetachNetworkInterface'
  GROUP BY ask->>'$.attachmentId'
) AS d ON d.attachment_id = c.attachment_id
WHERE d.moment IS NULL
  OR c.moment < d.moment
"""
"""What Config shows of an attachment that had ended by then, it shows late."""

_CHANGE = f"CREATE OR REPLACE TEMP TABLE configured_change AS\n{configuration.CHANGES}"

_ENI_FACT = f"""
INSERT INTO hold_fact (holds_kind, holds, workload, moment, what, event_id)
SELECT 'eni' AS holds_kind, eni AS holds, workload, moment, 'open' AS what, event_id FROM attached
UNION ALL
SELECT 'eni' AS holds_kind, eni AS holds, workload, attached_at AS moment, 'open' AS what, event_id
FROM configured_card
WHERE attached_at <= moment
UNION ALL
SELECT 'eni' AS holds_kind, s.eni AS holds, s.workload, u.moment, 'seen' AS what, s.event_id
FROM (
  SELECT eni, workload, [first_seen, last_seen] AS moments, event_id FROM found_card
  UNION ALL
  SELECT eni, workload, [first_seen, last_seen] AS moments, event_id FROM flowed_card
  UNION ALL
  SELECT eni, workload, [moment] AS moments, event_id FROM configured_card
) AS s, unnest(s.moments) AS u(moment)
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
SELECT 'eni' AS holds_kind, c.eni AS holds, CASE WHEN c.attached THEN c.workload_before END AS workload, c.moment,
  CASE WHEN c.daily THEN 'gone' ELSE 'left' END AS what, c.event_id
FROM configured_change AS c
LEFT JOIN interface AS i ON i.interface_id = c.eni
WHERE c.deleted
  OR (NOT c.attached AND i.owner IN ({", ".join(f"'{owner}'" for owner in OF_INSTANCES)}))
  OR (c.attached AND c.workload_before IS NOT NULL AND c.workload IS DISTINCT FROM c.workload_before)
UNION ALL
SELECT 'eni' AS holds_kind, h.eni AS holds, t.workload, t.moment, 'close' AS what, t.event_id
FROM instance_end AS t
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

_END = f"CREATE OR REPLACE TEMP TABLE instance_end AS\n{running.ENDED}"

_NOT_HOSTS = f"""
DELETE FROM hold_fact
WHERE holds_kind = 'eni'
  AND what <> 'close'
  AND workload LIKE '%:instance/%'
  AND holds IN (
    SELECT interface_id FROM interface WHERE owner NOT IN ({", ".join(f"'{owner}'" for owner in OF_INSTANCES)})
    UNION ALL
    SELECT holds FROM hold_fact WHERE holds_kind = 'eni'
      AND (workload LIKE 'arn:%:ecs:%:task/%' OR workload LIKE 'k8s:%'))
"""
"""A task's or pod's own interface is not held by the instance that carries it."""

_TOO_LATE = """
DELETE FROM hold_fact
USING (SELECT workload, min(moment) AS moment FROM instance_end GROUP BY workload) AS e
WHERE hold_fact.what = 'seen'
  AND hold_fact.workload = e.workload
  AND hold_fact.moment > e.moment
"""
"""What a finding says when it is updated, or a flow record when it closes, is no sight of an instance that has ended."""

_ENDS = "what IN ('close', 'left', 'gone')"

_SEGMENT = f"""
WITH placed AS (
  SELECT holds_kind, holds, network, workload, moment, what, event_id,
    CASE WHEN {_ENDS} THEN 0 WHEN what = 'open' THEN 1 ELSE 2 END AS rank,
    last_value(CASE WHEN NOT {_ENDS} THEN workload END IGNORE NULLS) OVER (
      PARTITION BY holds_kind, holds, network
      ORDER BY moment, CASE WHEN {_ENDS} THEN 0 WHEN what = 'open' THEN 1 ELSE 2 END, workload, event_id
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
    AND (NOT {_ENDS} OR workload IS NULL OR workload = holder)
), numbered AS (
  SELECT holds_kind, holds, network, workload, moment, what, event_id,
    sum(CASE
      WHEN {_ENDS} THEN 0
      WHEN what_before IS NULL OR what_before IN ('close', 'left', 'gone') OR holder_before <> workload THEN 1
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
    min(CASE WHEN what = 'left' THEN moment END) AS left_at,
    min(CASE WHEN what IN ('left', 'gone') THEN moment END) AS gone_at,
    max(CASE WHEN NOT {_ENDS} THEN moment END) AS last_seen,
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
      WHEN closed_at IS NOT NULL AND (gone_at IS NULL OR closed_at <= gone_at) THEN closed_at
      WHEN opened THEN least(gone_at, next_from)
      ELSE coalesce(left_at, last_seen)
    END AS valid_to,
    coalesce(closed_at <= coalesce(gone_at, closed_at), FALSE) OR (opened AND holds_kind = 'public_ip'
      AND gone_at IS NULL AND coalesce(next_opened, FALSE)) AS to_known
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
"""Facts of things that one workload holds at a time, as intervals; an end that names no workload ends any.

`open` and `close` are when it began and ended; `seen` is that it was held; `left` that it was not held any more, and
every change before is in evidence (so it was until then, at most); `gone` the same, but it may have ended long before.
"""

_SINCE = """
UPDATE held_alone
SET valid_from = c.since
FROM (
  SELECT n.eni, n.workload, n.moment, greatest(min(n.moment_before), max(k.valid_to)) AS since
  FROM configured_change AS n
  LEFT JOIN held_alone AS k ON k.holds_kind = 'eni'
    AND k.holds = n.eni
    AND k.to_known
    AND k.valid_to <= n.moment
  WHERE n.workload IS DISTINCT FROM n.workload_before
    AND n.moment_before IS NOT NULL
    AND n.attached_at IS NULL
    AND NOT n.daily
  GROUP BY n.eni, n.workload, n.moment
) AS c
WHERE held_alone.holds_kind = 'eni'
  AND held_alone.holds = c.eni
  AND held_alone.workload = c.workload
  AND held_alone.valid_from = c.moment
  AND NOT held_alone.from_known
"""
"""A holder that Config shows for the first time came after the item before, which shows another or none."""

_FACT = """
CREATE OR REPLACE TEMP TABLE hold_fact (
  holds_kind VARCHAR, holds VARCHAR, network VARCHAR, workload VARCHAR, moment TIMESTAMP, what VARCHAR, event_id VARCHAR)
"""

_GATEWAY_ENDS = """[
  {'moment': i.valid_from, 'what': CASE WHEN i.from_known THEN 'open' ELSE 'seen' END},
  {'moment': i.valid_to, 'what': CASE WHEN i.to_known THEN 'close' ELSE 'left' END}]"""

_GATEWAY_END = each("interface AS i", _GATEWAY_ENDS, "fact")

_GATEWAY_FACT = f"""
SELECT 'eni' AS holds_kind, i.interface_id AS holds, NULL AS network,
  {key("ec2", "i.region", "i.account_id", "'natgateway/' || i.owner_id")} AS workload, i.fact.moment, i.fact.what,
  i.event_id
FROM {each(f"{_GATEWAY_END} AS i", "i.evidence_event_ids", "event_id")} AS i
WHERE i.owner = 'nat_gateway'
  AND i.owner_id IS NOT NULL
  AND i.fact.moment IS NOT NULL
UNION ALL
SELECT 'eni' AS holds_kind, i.interface_id AS holds, NULL AS network, g.workload, g.moment,
  CASE g.phase WHEN 'started' THEN 'open' ELSE 'close' END AS what, g.event_id
FROM ({workload.GATEWAYS}) AS g
JOIN interface AS i ON i.owner = 'nat_gateway'
  AND i.owner_id = split_part(g.workload, '/', 2)
  AND i.account_id = split_part(g.workload, ':', 5)
"""
"""A gateway has its first interface from when it is made until it is deleted."""

_OTHERS = """
INSERT INTO hold_fact (holds_kind, holds, network, workload, moment, what, event_id)
SELECT holds_kind, holds, network, workload, moment, what, event_id
FROM ({facts}) AS f
WHERE {condition}
"""

_CARDS = (_END, _ATTACHED, _FOUND, _FLOWED, _CONFIGURED, _CHANGE, _FACT)

_TEMPORARY = ("attached", "flowed_card", "configured_change", "instance_end", "running_fact", "hold_fact")


def hold(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary tables `held_alone`, `held_running`, `found_card` and `configured_card`.

    Needs `workload_call`, `instance_key` and `interface`. Interfaces are made into intervals first: an address
    associated with one is its holder's.
    """
    others = "\nUNION ALL\n".join(workloads.selected(con, "facts", workloads.FACT))
    scanned.take(con, _CARRIED, DESCRIBED)
    for statement in _CARDS:
        con.execute(statement)
    con.execute(_ENI_FACT)
    con.execute(_OTHERS.format(facts=_GATEWAY_FACT, condition="workload IS NOT NULL"))
    if others:
        con.execute(_OTHERS.format(facts=others, condition="holds_kind = 'eni'"))
    for statement in (_NOT_HOSTS, _TOO_LATE, f"CREATE OR REPLACE TEMP TABLE held_alone AS{_SEGMENT}", _SINCE):
        con.execute(statement)
    con.execute("DELETE FROM hold_fact")
    running.hold(con)
    public_address.collect(con)
    if others:
        con.execute(_OTHERS.format(facts=others, condition="holds_kind <> 'eni'"))
    for statement in (_TOO_LATE, f"INSERT INTO held_alone{_SEGMENT}"):
        con.execute(statement)
    for table in _TEMPORARY:
        con.execute(f"DROP TABLE temp.{table}")
