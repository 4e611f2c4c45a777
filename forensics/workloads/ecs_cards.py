"""What ECS tasks held: their interface with its addresses, and the EC2 instance they ran on."""

from forensics import telling, workload
from forensics.arn import key
from forensics.each import each
from forensics.workloads.ecs_attachment import ADDRESS, ATTACHMENT, ENI, STATED, shaped
from forensics.workloads.ecs_named import of_task

CREATOR = ("ecs.amazonaws.com", "ecs-tasks.amazonaws.com")
"""Whose interfaces bear the id of a task's attachment; anybody else may write such a description."""

_DESCRIPTION = r"^arn:[a-z-]+:ecs:[a-z0-9-]+:[0-9]{12}:attachment/([0-9A-Za-z-]+)$"
CALLS_READ = """s.event_source = 'ec2.amazonaws.com'
    AND s.event_name = 'CreateNetworkInterface'"""

_DESCRIBED = f"""
CREATE OR REPLACE TEMP TABLE ecs_described AS
WITH created AS (
  SELECT s.response_elements->'$.networkInterface' AS card, s.event_time AS moment,
    coalesce(nullif(s.event_id, ''), s.object_id || '/' || s.record) AS event_id,
    (s.source_ip_address IN {CREATOR} OR s.user_identity_invoked_by IN {CREATOR}
      OR s.session_issuer_arn LIKE '%:role/aws-service-role/ecs.amazonaws.com/%') IS TRUE AS by_ecs
  FROM {telling.TABLE} AS s
  WHERE {CALLS_READ}
    AND coalesce(s.error_code, '') = ''
), told AS (
  SELECT {shaped("card->>'$.networkInterfaceId'", ENI)} AS eni,
    CASE WHEN by_ecs THEN nullif(regexp_extract(card->>'$.description', '{_DESCRIPTION}', 1), '') END AS attachment_id,
    by_ecs, card->>'$.vpcId' AS vpc_id, card->>'$.privateIpAddress' AS ipv4, NULL AS public_ip,
    FALSE AS is_elastic, moment, event_id
  FROM created
  UNION ALL
  SELECT {shaped("s.resource_id", ENI)} AS eni,
    nullif(regexp_extract(s.configuration->>'$.description', '{_DESCRIPTION}', 1), '') AS attachment_id,
    NULL AS by_ecs, s.configuration->>'$.vpcId' AS vpc_id, s.configuration->>'$.privateIpAddress' AS ipv4,
    nullif(s.configuration->>'$.association.publicIp', '') AS public_ip,
    coalesce(s.configuration->>'$.association.allocationId', '') <> '' AS is_elastic,
    s.configuration_item_capture_time AS moment, s.object_id || '/' || s.record AS event_id
  FROM resource_item AS s
  WHERE s.resource_type = 'AWS::EC2::NetworkInterface'
    AND s.configuration IS NOT NULL
)
SELECT eni, attachment_id, by_ecs, vpc_id, {shaped("ipv4", ADDRESS)} AS ipv4,
  {shaped("public_ip", ADDRESS)} AS public_ip, is_elastic, moment, event_id
FROM told
WHERE eni IS NOT NULL
"""
"""Interfaces as they were made (`by_ecs` says whether by ECS) and as AWS Config saw them (`by_ecs` NULL)."""

_CARD = f"""
CREATE OR REPLACE TEMP TABLE ecs_card AS
WITH told AS (
  SELECT eni, attachment_id, workload, 0 AS rank FROM ecs_attachment WHERE eni IS NOT NULL
  UNION
  SELECT d.eni, d.attachment_id, a.workload, CASE WHEN d.by_ecs THEN 1 ELSE 2 END AS rank
  FROM ecs_described AS d
  JOIN ecs_attachment AS a ON a.attachment_id = d.attachment_id
  WHERE d.by_ecs
    OR NOT EXISTS (SELECT 1 FROM ecs_described AS o WHERE o.eni = d.eni AND NOT o.by_ecs)
  UNION
  SELECT f.interface_id AS eni, f.interface_id AS attachment_id, t.workload, 3 AS rank
  FROM {of_task("ecs_flow", "f")}
  WHERE f.interface_id IS NOT NULL
), ranked AS (
  SELECT eni, attachment_id, workload, rank, min(rank) OVER (PARTITION BY eni) AS best_of_eni,
    min(rank) OVER (PARTITION BY attachment_id) AS best_of_attachment
  FROM told
), best AS (
  SELECT eni, attachment_id, workload
  FROM ranked
  WHERE rank = best_of_eni AND rank = best_of_attachment
), several AS (
  SELECT attachment_id
  FROM best
  GROUP BY attachment_id
  HAVING count(DISTINCT eni) > 1 OR count(DISTINCT workload) > 1
), sole AS (
  SELECT eni, min(workload) AS workload, min(attachment_id) AS attachment_id
  FROM best
  GROUP BY eni
  HAVING count(DISTINCT workload) = 1
), deleted AS (
  SELECT ask->>'$.networkInterfaceId' AS eni, min(moment) AS moment, arg_min(event_id, (moment, event_id)) AS event_id
  FROM workload_call
  WHERE event_name = 'DeleteNetworkInterface'
  GROUP BY ask->>'$.networkInterfaceId'
)
SELECT s.eni, s.workload, s.attachment_id,
  CASE WHEN d.moment IS NULL THEN l.gone_at ELSE least(l.left_at, d.moment) END AS ended_at,
  CASE WHEN d.moment IS NULL THEN l.gone_event WHEN l.left_at <= d.moment THEN l.left_event ELSE d.event_id END
    AS ended_event
FROM sole AS s
LEFT JOIN ecs_life AS l ON l.workload = s.workload
LEFT JOIN deleted AS d ON d.eni = s.eni
WHERE NOT EXISTS (SELECT 1 FROM several AS x WHERE x.attachment_id = s.attachment_id)
"""
"""Interfaces of tasks: an interface is one task's for its whole life, and an attachment is one interface.

What ECS says of an attachment goes before what it wrote into the interface, that before descriptions that Config saw
of interfaces that no other made, and all that before flow records. What is told of two tasks is told of none.
It ends with its deletion, if that comes before the task is STOPPED; where no deletion is in evidence, as the task is
DEPROVISIONING."""

_MOMENT = f"""
CREATE OR REPLACE TEMP TABLE ecs_card_moment AS
WITH born AS (
  SELECT eni, min(moment) AS moment, arg_min(event_id, (moment, event_id)) AS event_id
  FROM ecs_described
  WHERE by_ecs
  GROUP BY eni
), told AS (
  SELECT c.eni, b.moment, 'open' AS what, b.event_id
  FROM ecs_card AS c
  JOIN born AS b ON b.eni = c.eni
  UNION ALL
  SELECT c.eni, min(a.attached_at) AS moment, 'open' AS what,
    arg_min(a.event_id, (a.attached_at, a.moment, a.event_id)) AS event_id
  FROM ecs_card AS c
  JOIN ecs_attachment AS a ON a.attachment_id = c.attachment_id AND a.workload = c.workload
  LEFT JOIN born AS b ON b.eni = c.eni
  WHERE a.status = 'ATTACHED'
    AND (a.eni = c.eni OR NOT a.is_early)
    AND (b.moment IS NULL OR b.moment <= a.attached_at)
  GROUP BY c.eni
  UNION ALL
  SELECT c.eni, min(a.held_at) AS moment, 'seen' AS what, arg_min(a.event_id, (a.held_at, a.moment, a.event_id)) AS event_id
  FROM ecs_card AS c
  JOIN ecs_attachment AS a ON a.attachment_id = c.attachment_id AND a.workload = c.workload
  WHERE a.held_at IS NOT NULL
  GROUP BY c.eni
  UNION ALL
  SELECT DISTINCT c.eni, a.seen_at AS moment, 'seen' AS what, a.event_id
  FROM ecs_card AS c
  JOIN ecs_attachment AS a ON a.attachment_id = c.attachment_id AND a.workload = c.workload
  WHERE a.seen_at IS NOT NULL
  UNION ALL
  SELECT c.eni, d.moment, 'seen' AS what, d.event_id
  FROM ecs_card AS c
  JOIN ecs_described AS d ON d.eni = c.eni AND d.by_ecs IS NULL
  UNION ALL
  SELECT c.eni, f.first_seen AS moment, 'seen' AS what, f.event_id
  FROM {of_task("ecs_flow", "f")}
  JOIN ecs_card AS c ON c.eni = f.interface_id AND c.workload = t.workload
  UNION ALL
  SELECT c.eni, f.last_seen AS moment, 'seen' AS what, f.event_id
  FROM {of_task("ecs_flow", "f")}
  JOIN ecs_card AS c ON c.eni = f.interface_id AND c.workload = t.workload
)
SELECT c.eni, c.workload, m.moment, m.what, m.event_id
FROM told AS m
JOIN ecs_card AS c ON c.eni = m.eni
WHERE m.moment < coalesce(c.ended_at, TIMESTAMP '9999-12-31')
UNION ALL
SELECT eni, workload, ended_at AS moment, 'close' AS what, ended_event AS event_id
FROM ecs_card
WHERE ended_at IS NOT NULL
"""
"""Moments of a task's interface. It is not there before ECS made it, nor need it be while a task is PROVISIONING, even
if its attachment is called ATTACHED, but it is before an image is pulled and containers start. Flow records may name a
task for a day after its end, and say nothing then."""

_PUBLIC = f"""
CREATE OR REPLACE TEMP TABLE ecs_public AS
WITH allocated AS (
  SELECT answer->>'$.allocationId' AS allocation_id, min(answer->>'$.publicIp') AS public_ip
  FROM workload_call
  WHERE event_name = 'AllocateAddress'
  GROUP BY answer->>'$.allocationId'
)
SELECT c.eni, c.workload, d.public_ip, NOT d.is_elastic AS for_life, d.moment, d.event_id
FROM ecs_card AS c
JOIN ecs_described AS d ON d.eni = c.eni AND d.public_ip IS NOT NULL
UNION ALL
SELECT c.eni, c.workload, a.public_ip, TRUE AS for_life, a.held_at AS moment, a.event_id
FROM ecs_card AS c
JOIN ecs_attachment AS a ON a.attachment_id = c.attachment_id AND a.workload = c.workload AND a.public_ip IS NOT NULL
UNION ALL
SELECT c.eni, c.workload, {shaped("s.card->>'$.publicIp'", ADDRESS)} AS public_ip, FALSE AS for_life,
  coalesce(s.event_last_seen, s.updated_at, s.created_at) AS moment, s.id AS event_id
FROM {each("guardduty AS s", "json_extract(s.network_interfaces, '$[*]')", "card")} AS s
JOIN ecs_card AS c ON c.eni = (s.card->>'$.networkInterfaceId')
WHERE s.task_arn IS NOT NULL
UNION ALL
SELECT c.eni, c.workload, coalesce(w.ask->>'$.publicIp', a.public_ip) AS public_ip, FALSE AS for_life, w.moment, w.event_id
FROM workload_call AS w
JOIN ecs_card AS c ON c.eni = (w.ask->>'$.networkInterfaceId')
LEFT JOIN allocated AS a ON a.allocation_id = (w.ask->>'$.allocationId')
WHERE w.event_name = 'AssociateAddress'
"""
"""Public addresses of tasks' interfaces. One that AWS lent is the interface's as long as that is there."""

_ON = f"""
CREATE OR REPLACE TEMP TABLE ecs_on AS
WITH told AS (
  SELECT t.workload, h.region, h.account_id, h.instance_id, 0 AS rank, s.moment AS first_seen, s.moment AS last_seen,
    s.event_id
  FROM {of_task("ecs_state", "s")}
  JOIN ecs_host AS h ON h.arn = s.container_instance_arn
  UNION ALL
  SELECT t.workload, h.region, h.account_id, h.instance_id, 0 AS rank, a.moment AS first_seen, a.moment AS last_seen,
    a.event_id
  FROM {of_task("ecs_answered", "a")}
  JOIN ecs_host AS h ON h.arn = (a.item->>'$.containerInstanceArn')
  UNION ALL
  SELECT t.workload, t.region, t.account_id, coalesce(h.instance_id, f.instance_id) AS instance_id, 1 AS rank,
    f.first_seen, f.last_seen, f.event_id
  FROM {of_task("ecs_flow", "f")}
  LEFT JOIN ecs_host AS h ON h.arn = f.container_instance_arn
  WHERE f.interface_id IS NOT NULL
  UNION ALL
  SELECT t.workload, t.region, t.account_id, f.instance_id, 1 AS rank, f.first_seen, f.last_seen, f.event_id
  FROM {of_task("ecs_found", "f")}
  UNION ALL
  SELECT t.workload, h.region, h.account_id, h.instance_id, 2 AS rank, f.first_seen, f.last_seen, f.event_id
  FROM {of_task("ecs_fetched", "f")}
  JOIN ecs_host AS h ON h.arn = f.container_instance_arn
  UNION ALL
  SELECT t.workload, t.region, t.account_id, l.ec2_instance_id AS instance_id, 3 AS rank, l.first_seen, l.last_seen,
    l.event_id
  FROM {of_task("ecs_logged", "l")}
  WHERE l.cluster IS NULL OR l.cluster = t.cluster
), placed AS (
  SELECT workload, {key("ec2", "region", "account_id", "'instance/' || instance_id")} AS instance, rank, first_seen,
    last_seen, event_id
  FROM told
  WHERE regexp_matches(instance_id, '^i-[0-9a-f]{{8,17}}$')
), best AS (
  SELECT workload, min(rank) AS rank
  FROM placed
  GROUP BY workload
), sole AS (
  SELECT p.workload, min(p.instance) AS instance
  FROM placed AS p
  JOIN best AS b ON b.workload = p.workload AND b.rank = p.rank
  GROUP BY p.workload
  HAVING count(DISTINCT p.instance) = 1
), ended AS (
  SELECT workload AS instance, min(moment) AS moment, arg_min(event_id, (moment, event_id)) AS event_id
  FROM ({workload.TERMINATED}) AS i
  GROUP BY workload
)
SELECT s.workload, s.instance, l.started_at, l.started_event, least(l.stopped_at, e.moment) AS ended_at,
  CASE WHEN e.moment < coalesce(l.stopped_at, e.moment + INTERVAL 1 SECOND) THEN e.event_id ELSE l.stopped_event END
    AS ended_event,
  min(p.first_seen) AS first_seen, arg_min(p.event_id, (p.first_seen, p.event_id)) AS first_event,
  max(p.last_seen) AS last_seen, arg_max(p.event_id, (p.last_seen, p.event_id)) AS last_event
FROM sole AS s
JOIN placed AS p ON p.workload = s.workload AND p.instance = s.instance
JOIN ecs_life AS l ON l.workload = s.workload
LEFT JOIN ended AS e ON e.instance = s.instance
WHERE coalesce(l.launch_type, 'EC2') <> 'FARGATE'
GROUP BY s.workload, s.instance, l.started_at, l.started_event, l.stopped_at, l.stopped_event, e.moment, e.event_id
"""
"""The one instance of each task that did not run on Fargate; an earlier rank's word goes before a later one's."""

SCANS = (STATED,)
PREPARE = (ATTACHMENT, _DESCRIBED, _CARD, _MOMENT, _PUBLIC, _ON)
TEMPORARY = ("ecs_attachment", "ecs_described", "ecs_card", "ecs_card_moment", "ecs_public", "ecs_on")

_CARD_FACT = """
SELECT 'eni' AS holds_kind, eni AS holds, NULL AS network, workload, moment, what, event_id
FROM ecs_card_moment
"""

_PUBLIC_FACT = """
SELECT 'public_ip' AS holds_kind, p.public_ip AS holds, NULL AS network, p.workload, p.moment, 'seen' AS what, p.event_id
FROM ecs_public AS p
JOIN ecs_card AS c ON c.eni = p.eni
WHERE p.moment < coalesce(c.ended_at, TIMESTAMP '9999-12-31')
UNION ALL
SELECT 'public_ip' AS holds_kind, p.public_ip AS holds, NULL AS network, p.workload, m.moment, m.what, m.event_id
FROM (SELECT DISTINCT eni, workload, public_ip FROM ecs_public WHERE for_life) AS p
JOIN (SELECT eni, moment, CASE what WHEN 'open' THEN 'seen' ELSE what END AS what, event_id FROM ecs_card_moment) AS m
  ON m.eni = p.eni
UNION ALL
SELECT 'public_ip' AS holds_kind, p.public_ip AS holds, NULL AS network, p.workload, c.ended_at AS moment,
  'close' AS what, c.ended_event AS event_id
FROM (SELECT DISTINCT eni, workload, public_ip FROM ecs_public WHERE NOT for_life) AS p
JOIN ecs_card AS c ON c.eni = p.eni
WHERE c.ended_at IS NOT NULL
"""
"""When a lent address came is not in evidence, though the interface's birth is: so seen, never open."""

_ON_FACT = """
SELECT 'instance' AS holds_kind, instance AS holds, workload AS network, workload, started_at AS moment, 'open' AS what,
  started_event AS event_id
FROM ecs_on
WHERE started_at IS NOT NULL
UNION ALL
SELECT 'instance' AS holds_kind, instance AS holds, workload AS network, workload, first_seen AS moment, 'seen' AS what,
  first_event AS event_id
FROM ecs_on
WHERE started_at IS NULL OR started_at <= first_seen
UNION ALL
SELECT 'instance' AS holds_kind, instance AS holds, workload AS network, workload, last_seen AS moment, 'seen' AS what,
  last_event AS event_id
FROM ecs_on
WHERE started_at IS NULL OR started_at <= last_seen
UNION ALL
SELECT 'instance' AS holds_kind, instance AS holds, workload AS network, workload, ended_at AS moment, 'close' AS what,
  ended_event AS event_id
FROM ecs_on
WHERE ended_at IS NOT NULL
"""
"""`network` is the task: an instance runs several at a time, each for itself."""

_IN_TIME = """
SELECT f.holds_kind, f.holds, f.network, f.workload, f.moment, f.what, f.event_id
FROM ({facts}) AS f
LEFT JOIN ecs_on AS o ON o.workload = f.workload
WHERE f.what = 'close'
  OR f.moment < coalesce(o.ended_at, TIMESTAMP '9999-12-31')
"""

FACTS = (_CARD_FACT, _PUBLIC_FACT, _IN_TIME.format(facts=_ON_FACT))

ADDRESSES = (
    f"""
SELECT c.eni, a.address, v.vpc_id
FROM ecs_card AS c
JOIN {each("ecs_attachment AS a", "[a.ipv4, a.ipv6]", "address")} AS a ON a.attachment_id = c.attachment_id
  AND a.workload = c.workload
LEFT JOIN (SELECT eni, max(vpc_id) AS vpc_id FROM ecs_described GROUP BY eni) AS v ON v.eni = c.eni
WHERE a.address IS NOT NULL
""",
    """
SELECT c.eni, d.ipv4 AS address, d.vpc_id
FROM ecs_card AS c
JOIN ecs_described AS d ON d.eni = c.eni
WHERE d.ipv4 IS NOT NULL
""",
)

HOSTS = f"""
SELECT {key("ec2", "region", "account_id", "'instance/' || instance_id")} AS workload, 'ec2_instance' AS kind,
  NULL AS name, NULL AS role, NULL AS image, NULL AS code_sha256, CAST(NULL AS TIMESTAMP) AS moment, 'seen' AS phase
FROM ecs_host
"""
"""EC2 instances that are known as container instances."""
