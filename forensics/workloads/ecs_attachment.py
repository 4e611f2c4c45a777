"""What is attached to ECS tasks, as states of tasks and answers of calls tell it."""

from forensics import scanned
from forensics.each import each, valued
from forensics.workloads.ecs_named import STATES, of_task

_INTERFACE_TYPES = "('eni', 'ElasticNetworkInterface')"
"""Of events and of calls; volumes and Service Connect are attachments too."""


def detail(attachment: str, name: str) -> str:
    """SQL: a detail of an attachment, as ECS lists them."""
    return valued(f"json_extract({attachment}, '$.details[*]')", "name", name)


def shaped(expression: str, pattern: str) -> str:
    """SQL: the text if it has the shape, else NULL."""
    return f"nullif(regexp_extract({expression}, '{pattern}'), '')"


ENI = "^eni-[0-9a-z]+$"
ADDRESS = "^[0-9A-Fa-f:.]+$"


def _stated(states: str) -> str:
    """SELECT of the attachments that states of tasks tell of."""
    return f"""
WITH state AS ({states})
SELECT s.account_id, s.region, s.task_id, s.cluster, s.item->>'$.id' AS attachment_id, s.item->>'$.status' AS status,
  {shaped(detail("s.item", "networkInterfaceId"), ENI)} AS eni,
  {shaped(detail("s.item", "privateIPv4Address"), ADDRESS)} AS ipv4,
  {shaped(detail("s.item", "privateIPv6Address"), ADDRESS)} AS ipv6,
  {shaped(detail("s.item", "publicIPv4Address"), ADDRESS)} AS public_ip,
  s.moment, least(s.pull_started_at, s.started_at, s.stopping_at) AS held_at,
  least(s.moment, s.pull_started_at, s.started_at) AS attached_at, s.last_status = 'PROVISIONING' AS is_early,
  s.seen_at, s.event_id
FROM {each("state AS s", "json_extract(s.attachments, '$[*]')", "item")} AS s
WHERE s.item->>'$.type' IN {_INTERFACE_TYPES}
"""


STATED = scanned.Scan("task_attachment", {source: _stated(states) for source, states in STATES.items()})

ATTACHMENT = f"""
CREATE OR REPLACE TEMP TABLE ecs_attachment AS
WITH told AS (
  SELECT t.workload, s.attachment_id, s.status, s.eni, s.ipv4, s.ipv6, s.public_ip, s.moment, s.held_at, s.attached_at,
    s.is_early, s.seen_at, s.event_id
  FROM {of_task(STATED.table, "s")}
  UNION ALL
  SELECT t.workload, a.held->>'$.id' AS attachment_id, a.held->>'$.status' AS status,
    {shaped(detail("a.held", "networkInterfaceId"), ENI)} AS eni,
    {shaped(detail("a.held", "privateIPv4Address"), ADDRESS)} AS ipv4,
    {shaped(detail("a.held", "privateIPv6Address"), ADDRESS)} AS ipv6,
    NULL AS public_ip, a.moment, NULL AS held_at, a.moment AS attached_at, TRUE AS is_early,
    NULL AS seen_at, a.event_id
  FROM {of_task(each("ecs_answered AS a", "json_extract(a.item, '$.attachments[*]')", "held"), "a")}
  WHERE a.held->>'$.type' IN {_INTERFACE_TYPES}
    AND a.event_name IN ('RunTask', 'StartTask')
)
SELECT workload, coalesce(nullif(attachment_id, ''), eni) AS attachment_id, status, eni, ipv4, ipv6, public_ip,
  moment, held_at, attached_at, is_early IS TRUE AS is_early, seen_at, event_id
FROM told
WHERE coalesce(nullif(attachment_id, ''), eni) IS NOT NULL
"""
