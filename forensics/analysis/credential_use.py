"""From where the credentials of a workload were used, and whether each place is the workload's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from forensics.case import Case

RUNTIME_AGENTS = {"lambda_function": "exec-env/AWS_Lambda", "ecs_task": "exec-env/AWS_ECS"}
"""What the SDK of a runtime adds to its user agent, by kind of workload; a caller can copy it."""

PLATFORM_AGENT = "awslambda-worker"
PLATFORM_CALLS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments")
"""Calls that Lambda itself makes with a function's role (page "Using source function ARN to control function access
behavior")."""

_SQL = """
WITH mine AS (
  SELECT k.access_key_id
  FROM credential AS k
  WHERE k.workload = ?
    OR k.access_key_id IN (SELECT u.access_key_id FROM unnest(CAST(? AS VARCHAR[])) AS u(access_key_id))
), calls AS (
  SELECT e.event_id, e.access_key_id, e.source_ip, e.user_agent, e.action, e.time
  FROM event AS e
  JOIN mine AS m ON m.access_key_id = e.access_key_id
  WHERE e.source = 'cloudtrail'
), held AS (
  SELECT c.access_key_id, c.source_ip, min(a.workload) AS workload
  FROM calls AS c
  JOIN attribution AS a ON a.event_id = c.event_id
  WHERE a.question = 'used_from'
  GROUP BY c.access_key_id, c.source_ip
), named AS (
  SELECT g.access_key_id, g.source_ip, min(g.event_id) AS finding_id
  FROM event AS g
  JOIN mine AS m ON m.access_key_id = g.access_key_id
  WHERE g.source = 'guardduty' AND g.source_ip IS NOT NULL
  GROUP BY g.access_key_id, g.source_ip
), used AS (
  SELECT c.access_key_id, c.source_ip AS address, count(*) AS calls, min(c.time) AS first_used, max(c.time) AS last_used,
    min(c.user_agent) AS user_agent, min_by(c.event_id, c.time) AS first_event_id,
    count(*) FILTER (WHERE ? <> '' AND contains(c.user_agent, ?)) AS runtime_calls,
    count(*) FILTER (
      WHERE contains(c.user_agent, ?)
        AND c.action IN (SELECT p.action FROM unnest(CAST(? AS VARCHAR[])) AS p(action))) AS platform_calls
  FROM calls AS c
  GROUP BY c.access_key_id, c.source_ip
)
SELECT u.access_key_id, u.address, u.calls, u.first_used, u.last_used, u.user_agent, u.first_event_id,
  u.runtime_calls, u.platform_calls, h.workload, n.finding_id,
  u.address IS NULL OR NOT regexp_matches(u.address, '^[0-9a-fA-F:.]+$') AS is_service
FROM used AS u
LEFT JOIN held AS h ON h.access_key_id = u.access_key_id AND h.source_ip = u.address
LEFT JOIN named AS n ON n.access_key_id = u.access_key_id AND n.source_ip = u.address
ORDER BY u.first_used, u.access_key_id, u.address
"""


@dataclass(frozen=True)
class Use:
    """One credential used from one address. `place` is inside, outside or undetermined; `why` says how that is known."""

    access_key_id: str
    address: str
    calls: int
    first_used: datetime
    last_used: datetime
    user_agent: str | None
    first_event_id: str
    place: str
    why: str
    finding_id: str | None = None


def uses(case: Case, *, workload: str | None = None, access_key_ids: tuple[str, ...] = ()) -> list[Use]:
    """Every (credential, address) of a workload's credentials, or of those given, in order of first use."""
    kinds = case.sql("SELECT kind FROM workload WHERE workload = ?", (workload or "",)).rows()
    agent = RUNTIME_AGENTS.get(str(kinds[0][0]), "") if kinds else ""
    params = (workload, list(access_key_ids), agent, agent, PLATFORM_AGENT, list(PLATFORM_CALLS))
    rows = case.sql(_SQL, params).rows()
    baseline = any(_own(row) for row in rows)
    return [_use(row, baseline=baseline) for row in rows]


def _own(row: tuple[object, ...]) -> bool:
    return bool(row[7] or row[8] == row[2] or row[9] or row[11])


def _use(row: tuple[object, ...], *, baseline: bool) -> Use:
    place, why = _judge(row, baseline=baseline)
    return Use(
        access_key_id=str(row[0]),
        address=str(row[1] or "(no address)"),
        calls=int(str(row[2])),
        first_used=row[3],  # type: ignore[arg-type]
        last_used=row[4],  # type: ignore[arg-type]
        user_agent=None if row[5] is None else str(row[5]),
        first_event_id=str(row[6]),
        place=place,
        why=why,
        finding_id=None if row[10] is None else str(row[10]),
    )


def _judge(row: tuple[object, ...], *, baseline: bool) -> tuple[str, str]:
    _, _, calls, _, _, _, _, runtime_calls, platform_calls, holder, finding, is_service = row
    if is_service:
        return "inside", "AWS made the calls on its behalf"
    if holder:
        return "inside", f"the address was held by {holder} at that time"
    if finding:
        return "outside", "GuardDuty names this credential and this address; no call from it is known to be the workload's"
    if platform_calls == calls:
        return "inside", "only calls that Lambda itself makes with the function's role"
    if runtime_calls:
        return "inside", f"{runtime_calls} of {calls} calls carry the runtime's user agent (which a caller can copy)"
    if baseline:
        return "outside", "no call from it carries the runtime's user agent, as the workload's own calls do"
    return "undetermined", "nothing in evidence shows which addresses are the workload's own"
