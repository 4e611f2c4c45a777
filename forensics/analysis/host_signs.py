"""What shows that a container is no longer held by its container: on which hosts, from when on, and what it did there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from forensics.analysis.statement import Statement, named
from forensics.analysis.technique import HOST_KEY
from forensics.analysis.words import capital, count, during
from forensics.case import Case, Query

ESCAPE = (
    "PrivilegeEscalation:Runtime/(DockerSocketAccessed|ContainerMountsHostDirectory|CGroupsReleaseAgentModified"
    "|RuncContainerEscape|UserfaultfdUsage)|:Kubernetes/.*(PrivilegedContainer|ContainerWithSensitiveMount)"
)
"""Types of GuardDuty's findings that speak of a container and its host."""

_DANGEROUS = """
SELECT d.workload, min(d.first_seen) AS since
FROM workload_detail AS d
WHERE d.property IN ('privileged', 'host_path', 'pid_mode')
  AND NOT (d.property = 'privileged' AND lower(d.value) <> 'true')
  AND NOT (d.property = 'pid_mode' AND d.value <> 'host')
GROUP BY d.workload
ORDER BY d.workload
"""

_FINDINGS = f"""
SELECT f.finding_id, f.type, f.severity, f.title, f.time, f.end_time, f.principal, f.workload, f.resources, e.source_ip,
  f.access_key_id
FROM finding AS f
JOIN event AS e ON e.event_id = f.finding_id
WHERE regexp_matches(f.type, '{ESCAPE}')
  AND coalesce(f.title, '') NOT LIKE '[SAMPLE]%'
ORDER BY f.time, f.finding_id
"""

_HOSTS = """
SELECT h.workload, h.holds AS host, h.valid_from
FROM lifetime AS h
WHERE h.holds_kind = 'instance'
  AND (list_contains(CAST($containers AS VARCHAR[]), h.workload) OR list_contains(CAST($containers AS VARCHAR[]), h.holds))
ORDER BY h.valid_from, h.workload
"""

_ON_HOST = """
WITH own AS (
  SELECT c.access_key_id, c.workload, e.principal, e.event_id, e.time, e.action, e.outcome, e.source_ip, e.user_agent,
    regexp_extract(e.user_agent, '^\\[?([^/ ]+)', 1) AS product
  FROM credential_workload AS c
  JOIN workload AS w ON w.workload = c.workload AND w.kind = 'ec2_instance'
  JOIN event AS e ON e.source = 'cloudtrail' AND e.access_key_id = c.access_key_id
), since AS (
  SELECT unnest(CAST($hosts AS VARCHAR[])) AS host, unnest(CAST($since AS TIMESTAMP[])) AS since
)
SELECT o.access_key_id, o.workload, o.action, o.outcome, o.source_ip, o.user_agent, count(*) AS calls, min(o.time) AS first,
  max(o.time) AS last, array_agg(o.event_id ORDER BY o.time, o.event_id) AS event_ids, min(o.principal) AS principal
FROM own AS o
JOIN since AS s ON s.host = o.workload AND o.time >= s.since
WHERE EXISTS (SELECT 1 FROM own AS b WHERE b.principal = o.principal AND b.time < s.since)
  AND NOT EXISTS (SELECT 1 FROM own AS b WHERE b.principal = o.principal AND b.time < s.since AND b.product = o.product)
GROUP BY o.access_key_id, o.workload, o.action, o.outcome, o.source_ip, o.user_agent
ORDER BY min(o.time), o.action
"""
"""Calls with a host's own key by a program that no host of the role had ever called with before the escape."""

_FETCHED = """
WITH handed AS (
  SELECT e.event_id, e.time, e.source_ip, e.user_agent, regexp_extract(e.user_agent, '^([^/ ]+)', 1) AS product,
    h.holds AS host, h.workload AS task
  FROM event AS e, unnest(e.resources) AS u(resource)
  JOIN lifetime AS h ON h.holds_kind = 'instance' AND h.workload = u.resource
  WHERE e.source = 'ecs_agent_log'
), since AS (
  SELECT unnest(CAST($hosts AS VARCHAR[])) AS host, unnest(CAST($since AS TIMESTAMP[])) AS since
)
SELECT f.event_id, f.time, f.source_ip, f.user_agent, f.host, f.task
FROM handed AS f
JOIN since AS s ON s.host = f.host AND f.time >= s.since
WHERE NOT EXISTS (
    SELECT 1 FROM handed AS b
    WHERE b.host = f.host AND b.time < s.since AND (b.product = f.product OR b.source_ip = f.source_ip))
  AND EXISTS (SELECT 1 FROM handed AS b WHERE b.host = f.host AND b.time < s.since)
ORDER BY f.time, f.event_id
"""
"""Credentials of a task handed out to a program, and at an address, that never had any on that host before."""

_ON = """
SELECT h.holds AS host, h.workload, w.kind, w.role, h.valid_from, h.valid_to,
  list_contains(CAST($dangerous AS VARCHAR[]), h.workload) AS could_break_out
FROM lifetime AS h
JOIN workload AS w ON w.workload = h.workload
WHERE h.holds_kind = 'instance'
  AND h.workload <> h.holds
  AND list_contains(CAST($hosts AS VARCHAR[]), h.holds)
ORDER BY h.holds, h.valid_from, h.workload
"""


def dangerous(case: Case) -> dict[str, datetime | None]:
    """Containers whose definition gives them their host, and since when that is known."""
    return {str(workload): since for workload, since in case.sql(_DANGEROUS).rows()}


def findings(case: Case) -> list[tuple[Any, ...]]:
    """GuardDuty's findings of containers and their hosts, as `traces.finding` takes them."""
    return case.sql(_FINDINGS).rows()


def hosts(case: Case, containers: Mapping[str, datetime | None]) -> dict[str, datetime]:
    """The instances that those containers (or instances) are, or ran on, and from when on each is not to be trusted."""
    found: dict[str, datetime] = {}
    for workload, host, ran in case.sql(_HOSTS, {"containers": list(containers)}).rows():
        known = [moment for moment in (containers.get(workload), containers.get(host)) if moment]
        since = (
            max([moment for moment in (ran, *known) if moment], default=None)
            if workload != host
            else max(known, default=ran)
        )
        if since and (host not in found or since < found[host]):
            found[host] = since
    return found


def containers_on(case: Case, on: Sequence[str], could_break_out: Sequence[str]) -> Query:
    """Every task and pod that ran on those instances: within reach of whoever has the host."""
    return case.sql(_ON, {"hosts": list(on), "dangerous": list(could_break_out)})


def on_host(case: Case, since: Mapping[str, datetime]) -> Iterator[Statement]:
    """A statement for each action with a host's own key by a program strange to hosts of that role."""
    values = {"hosts": list(since), "since": list(since.values())}
    for number, row in enumerate(case.sql(_ON_HOST, values).rows(), 1):
        key, host, action, outcome, address, agent, calls, first, last, ids, principal = row
        ended = {"success": "succeeded", "denied": "was denied"}.get(outcome or "", "failed")
        yield Statement(
            id=f"host-{number:02d}",
            title=f"{action} with the key of the host itself {ended}",
            statement=(
                f"With {key}, the credential of {host} itself, {count(calls, 'call')} of {action} from"
                f" {address or 'an address not recorded'} {ended} {during(first, last)}. User agent: {(agent or '')[:200]}:"
                " no host with this role had called with that program before the container was there."
            ),
            time=first,
            certainty="inferred",
            technique=HOST_KEY,
            principal=principal,
            workload=host,
            evidence=named(ids),
        )


def fetched(case: Case, since: Mapping[str, datetime]) -> Iterator[Statement]:
    """A statement for each time that a task's credentials were handed out to somebody strange on its host."""
    values = {"hosts": list(since), "since": list(since.values())}
    for number, row in enumerate(case.sql(_FETCHED, values).rows(), 1):
        event_id, when, address, agent, host, task = row
        yield Statement(
            id=f"fetch-{number:02d}",
            title=f"Credentials of {task.rpartition('/')[2]} handed out to a stranger on its host",
            statement=(
                f"{capital(during(when, when))} the ECS agent of {host} gave the credentials of"
                f" {task} to {address or 'an address not recorded'}, user agent {(agent or 'none')[:200]}: neither had ever"
                " asked it before the container was there."
            ),
            time=when,
            certainty="inferred",
            technique=HOST_KEY,
            workload=task,
            resources=(host,),
            evidence=named([event_id]),
        )
