"""What is attached to ECS tasks, as states of tasks and answers of calls tell it."""

from forensics import scanned
from forensics.workloads.ecs_named import STATES, of_task

_INTERFACE_TYPES = "('eni', 'ElasticNetworkInterface')"
"""Of events and of calls; volumes and Service Connect are attachments too."""


def _detail(name: str) -> str:
    """SQL: a detail of the attachment `u.item`."""
    return (
        "(SELECT min(d.held->>'$.value') FROM unnest(json_extract(u.item, '$.details[*]')) AS d(held)"
        f" WHERE (d.held->>'$.name') = '{name}')"
    )


def shaped(expression: str, pattern: str) -> str:
    """SQL: the text if it has the shape, else NULL."""
    return f"nullif(regexp_extract({expression}, '{pattern}'), '')"


ENI = "^eni-[0-9a-z]+$"
ADDRESS = "^[0-9A-Fa-f:.]+$"


def _stated(states: str) -> str:
    """SELECT of the attachments that states of tasks tell of."""
    return f"""
WITH state AS ({states})
SELECT s.account_id, s.region, s.task_id, s.cluster, u.item->>'$.id' AS attachment_id, u.item->>'$.status' AS status,
  {shaped(_detail("networkInterfaceId"), ENI)} AS eni,
  {shaped(_detail("privateIPv4Address"), ADDRESS)} AS ipv4,
  {shaped(_detail("privateIPv6Address"), ADDRESS)} AS ipv6,
  {shaped(_detail("publicIPv4Address"), ADDRESS)} AS public_ip,
  s.moment, least(s.pull_started_at, s.started_at, s.stopping_at) AS held_at,
  least(s.moment, s.pull_started_at, s.started_at) AS attached_at, s.last_status = 'PROVISIONING' AS is_early,
  s.seen_at, s.event_id
FROM state AS s, unnest(json_extract(s.attachments, '$[*]')) AS u(item)
WHERE u.item->>'$.type' IN {_INTERFACE_TYPES}
"""


STATED = scanned.Scan("task_attachment", {source: _stated(states) for source, states in STATES.items()})

ATTACHMENT = f"""
CREATE OR REPLACE TEMP TABLE ecs_attachment AS
WITH told AS (
  SELECT t.workload, s.attachment_id, s.status, s.eni, s.ipv4, s.ipv6, s.public_ip, s.moment, s.held_at, s.attached_at,
    s.is_early, s.seen_at, s.event_id
  FROM {of_task(STATED.table, "s")}
  UNION ALL
  SELECT t.workload, u.item->>'$.id' AS attachment_id, u.item->>'$.status' AS status,
    {shaped(_detail("networkInterfaceId"), ENI)} AS eni,
    {shaped(_detail("privateIPv4Address"), ADDRESS)} AS ipv4,
    {shaped(_detail("privateIPv6Address"), ADDRESS)} AS ipv6,
    NULL AS public_ip, a.moment, NULL AS held_at, a.moment AS attached_at, TRUE AS is_early,
    NULL AS seen_at, a.event_id
  FROM {of_task("ecs_answered", "a")}, unnest(json_extract(a.item, '$.attachments[*]')) AS u(item)
  WHERE u.item->>'$.type' IN {_INTERFACE_TYPES}
    AND a.event_name IN ('RunTask', 'StartTask')
)
SELECT workload, coalesce(nullif(attachment_id, ''), eni) AS attachment_id, status, eni, ipv4, ipv6, public_ip,
  moment, held_at, attached_at, is_early IS TRUE AS is_early, seen_at, event_id
FROM told
WHERE coalesce(nullif(attachment_id, ''), eni) IS NOT NULL
"""
