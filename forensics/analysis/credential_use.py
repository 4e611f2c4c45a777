"""From where the credentials of a workload were used, and whether each place is the workload's own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from forensics.case import Case

RUNTIME_AGENTS = {"lambda_function": "exec-env/AWS_Lambda", "ecs_task": "exec-env/AWS_ECS"}
"""What the SDK of a runtime adds to its user agent, by kind of workload; a caller can copy it."""

FOREIGN_PLACE = "(CredentialExfiltration|MaliciousIPCaller|TorIPCaller)"
"""Finding types that speak of the place of a call; `AnomalousBehavior` speaks of the behaviour, even of the workload
itself."""

PLATFORM_AGENT = "awslambda-worker"
PLATFORM_CALLS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments")
"""Calls that Lambda itself makes with a function's role (page "Using source function ARN to control function access
behavior")."""

_SQL = """
WITH mine AS (
  SELECT k.access_key_id
  FROM credential AS k
  WHERE k.workload = $workload
    OR list_contains(CAST($keys AS VARCHAR[]), k.access_key_id)
), calls AS (
  SELECT e.event_id, e.access_key_id, e.source_ip, e.user_agent, e.action, e.time
  FROM event AS e
  JOIN mine AS m ON m.access_key_id = e.access_key_id
  WHERE e.source = 'cloudtrail'
), holder AS (
  SELECT c.event_id, bool_or(a.workload = $workload) AS own, bool_or(a.via = 'public address') AS public,
    min(CASE WHEN a.workload <> $workload THEN a.workload END) AS other,
    min(CASE WHEN w.kind = 'nat_gateway' THEN a.workload END) AS gateway
  FROM calls AS c
  JOIN attribution AS a ON a.event_id = c.event_id
  LEFT JOIN workload AS w ON w.workload = a.workload
  WHERE a.question = 'used_from'
  GROUP BY c.event_id
), named AS (
  SELECT g.access_key_id, g.source_ip, min(g.event_id) AS finding_id
  FROM event AS g
  JOIN mine AS m ON m.access_key_id = g.access_key_id
  JOIN finding AS f ON f.finding_id = g.event_id
  WHERE g.source = 'guardduty' AND g.source_ip IS NOT NULL AND regexp_matches(f.type, $foreign)
  GROUP BY g.access_key_id, g.source_ip
), used AS (
  SELECT c.access_key_id, c.source_ip AS address, count(*) AS calls, min(c.time) AS first_used, max(c.time) AS last_used,
    arg_min(c.user_agent, (c.time, c.event_id)) AS user_agent, arg_min(c.event_id, (c.time, c.event_id)) AS first_event_id,
    count(*) FILTER (WHERE $agent <> '' AND contains(c.user_agent, $agent)) AS runtime_calls,
    count(*) FILTER (
      WHERE contains(c.user_agent, $platform_agent)
        AND list_contains(CAST($platform_calls AS VARCHAR[]), c.action)) AS platform_calls,
    count(*) FILTER (WHERE h.own) AS own_calls, count(*) FILTER (WHERE h.own AND h.public) AS own_public_calls,
    min(h.other) AS other, min(h.gateway) AS gateway
  FROM calls AS c
  LEFT JOIN holder AS h ON h.event_id = c.event_id
  GROUP BY c.access_key_id, c.source_ip
)
SELECT u.access_key_id, u.address, u.calls, u.first_used, u.last_used, u.user_agent, u.first_event_id,
  u.runtime_calls, u.platform_calls, u.own_calls, u.own_public_calls, u.other, u.gateway, n.finding_id
FROM used AS u
LEFT JOIN named AS n ON n.access_key_id = u.access_key_id AND n.source_ip = u.address
ORDER BY u.first_used, u.access_key_id, u.address
"""

_ADDRESS = re.compile(r"[0-9a-fA-F:.]+")
"""An address; anything else in its place is the name of a service."""


@dataclass(frozen=True)
class Use:
    """One credential used from one address. `place` is inside, outside or undetermined; `why` says how that is known.

    The times are None where no record has one.
    """

    access_key_id: str
    address: str
    calls: int
    first_used: datetime | None
    last_used: datetime | None
    user_agent: str | None
    first_event_id: str
    place: str
    why: str
    finding_id: str | None = None


@dataclass(frozen=True)
class _Seen:
    """A row of the query: what is known of one credential at one address."""

    access_key_id: str
    address: str | None
    calls: int
    first_used: datetime | None
    last_used: datetime | None
    user_agent: str | None
    first_event_id: str
    runtime_calls: int
    platform_calls: int
    own_calls: int
    own_public_calls: int
    other: str | None
    gateway: str | None
    finding_id: str | None

    @property
    def is_address(self) -> bool:
        return self.address is not None and _ADDRESS.fullmatch(self.address) is not None


def uses(case: Case, *, workload: str | None = None, access_key_ids: tuple[str, ...] = ()) -> list[Use]:
    """Every (credential, address) of a workload's credentials, or of those given, in order of first use."""
    kinds = case.sql("SELECT kind FROM workload WHERE workload = ?", (workload or "",)).rows()
    params = {
        "workload": workload or "",
        "keys": list(access_key_ids),
        "foreign": FOREIGN_PLACE,
        "agent": RUNTIME_AGENTS.get(str(kinds[0][0]), "") if kinds else "",
        "platform_agent": PLATFORM_AGENT,
        "platform_calls": list(PLATFORM_CALLS),
    }
    seen = [_Seen(*row) for row in case.sql(_SQL, params).rows()]
    baseline = _baseline(seen)
    return [_use(item, baseline=baseline) for item in seen]


def _baseline(seen: list[_Seen]) -> str:
    """What is known of the workload's own public calls, to hold others against; "" where nothing is.

    A private address is no such thing: beside a VPC endpoint a workload may have another way out.
    """
    if any(item.runtime_calls for item in seen):
        return "no call from it carries the runtime's user agent, as the workload's own calls do"
    if any(item.own_public_calls or item.gateway for item in seen):
        return "the workload's own calls come from a public address that it, or its gateway, held"
    return ""


def _use(seen: _Seen, *, baseline: str) -> Use:
    place, why = _judge(seen, baseline)
    return Use(
        access_key_id=seen.access_key_id,
        address=seen.address or "(no address)",
        calls=seen.calls,
        first_used=seen.first_used,
        last_used=seen.last_used,
        user_agent=seen.user_agent,
        first_event_id=seen.first_event_id,
        place=place,
        why=why,
        finding_id=seen.finding_id,
    )


def _judge(seen: _Seen, baseline: str) -> tuple[str, str]:
    if seen.address is None:
        return "undetermined", "the records give no address"
    if not seen.is_address:
        return "inside", "AWS made the calls on its behalf"
    if seen.own_calls == seen.calls:
        return "inside", "the workload itself held the address at that time"
    if seen.finding_id:
        return "outside", "GuardDuty says that this credential was used from this address, and that it is foreign"
    if seen.platform_calls == seen.calls:
        return "inside", "only calls that Lambda itself makes with the function's role"
    if seen.runtime_calls:
        return (
            "inside",
            f"{seen.runtime_calls} of {seen.calls} calls carry the runtime's user agent (which a caller can copy)",
        )
    if seen.gateway:
        return "inside", f"the address was held by {seen.gateway} (anything behind that gateway looks the same)"
    held = f"; {seen.other} held the address at that time" if seen.other else ""
    if baseline:
        return "outside", baseline + held
    return "undetermined", "nothing in evidence shows which addresses are the workload's own" + held
