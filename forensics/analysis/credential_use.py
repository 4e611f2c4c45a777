"""From where the credentials of a workload were used, and whether each place is the workload's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from forensics.case import Case, Query
from forensics.theft import FOREIGN_PLACE
from forensics.theft_place import ADDRESS

_SQL = f"""
WITH use AS (
  SELECT u.access_key_id, u.address, u.calls, u.first_used, u.last_used, u.user_agent, u.first_event_id, u.place, u.why,
    u.finding_id
  FROM credential_use AS u
  JOIN credential AS k ON k.access_key_id = u.access_key_id
  WHERE u.workload = $workload
    OR (list_contains(CAST($keys AS VARCHAR[]), u.access_key_id) AND u.workload = k.workload)
  UNION ALL
  SELECT u.access_key_id, u.address, max(u.calls) AS calls, min(u.first_used) AS first_used, max(u.last_used) AS last_used,
    min(u.user_agent) AS user_agent, min(u.first_event_id) AS first_event_id,
    arg_min(u.place, CASE u.place WHEN 'inside' THEN 0 WHEN 'undetermined' THEN 1 ELSE 2 END) AS place,
    arg_min(u.why, (CASE u.place WHEN 'inside' THEN 0 WHEN 'undetermined' THEN 1 ELSE 2 END, u.why)) AS why,
    min(u.finding_id) AS finding_id
  FROM credential_use AS u
  JOIN credential AS k ON k.access_key_id = u.access_key_id
  WHERE k.workload IS NULL
    AND list_contains(CAST($keys AS VARCHAR[]), u.access_key_id)
    AND u.workload IS DISTINCT FROM $workload
  GROUP BY u.access_key_id, u.address, u.vpc_endpoint_id
  UNION ALL
  SELECT e.access_key_id, e.source_ip AS address, count(*) AS calls, min(e.time) AS first_used, max(e.time) AS last_used,
    arg_min(e.user_agent, (e.time, e.event_id)) AS user_agent, arg_min(e.event_id, (e.time, e.event_id)) AS first_event_id,
    CASE WHEN regexp_matches(e.source_ip, '{ADDRESS}') OR e.source_ip IS NULL THEN 'undetermined' ELSE 'inside' END AS place,
    CASE WHEN e.source_ip IS NULL THEN 'the records give no address'
      WHEN regexp_matches(e.source_ip, '{ADDRESS}') THEN 'nothing in evidence shows which addresses are the workload''s own'
      ELSE 'AWS made the calls on its behalf' END AS why,
    CAST(NULL AS VARCHAR) AS finding_id
  FROM event AS e
  WHERE e.source = 'cloudtrail'
    AND list_contains(CAST($keys AS VARCHAR[]), e.access_key_id)
    AND NOT EXISTS (SELECT 1 FROM credential_use AS u WHERE u.access_key_id = e.access_key_id)
  GROUP BY e.access_key_id, e.source_ip
), accused AS (
  SELECT g.access_key_id, g.source_ip AS address, min(g.event_id) AS finding_id
  FROM event AS g
  JOIN finding AS f ON f.finding_id = g.event_id
  WHERE g.source = 'guardduty'
    AND list_contains(CAST($keys AS VARCHAR[]), g.access_key_id)
    AND regexp_matches(f.type, '{FOREIGN_PLACE}')
  GROUP BY g.access_key_id, g.source_ip
), ranked AS (
  SELECT u.access_key_id, u.address, u.calls, u.first_used, u.last_used, u.user_agent, u.first_event_id,
    CASE WHEN u.place = 'undetermined' AND a.finding_id IS NOT NULL THEN 'outside' ELSE u.place END AS place,
    CASE WHEN u.place = 'undetermined' AND a.finding_id IS NOT NULL
      THEN 'GuardDuty says that this credential was used from this address, and that it is foreign' ELSE u.why END AS why,
    coalesce(u.finding_id, a.finding_id) AS finding_id
  FROM use AS u
  LEFT JOIN accused AS a ON a.access_key_id = u.access_key_id AND a.address = u.address
)
SELECT access_key_id, coalesce(address, '(no address)') AS address, CAST(sum(calls) AS BIGINT) AS calls,
  min(first_used) AS first_used, max(last_used) AS last_used,
  arg_min(user_agent, (first_used, first_event_id)) AS user_agent,
  arg_min(first_event_id, (coalesce(first_used, TIMESTAMP '9999-12-31'), first_event_id)) AS first_event_id,
  arg_min(place, CASE place WHEN 'outside' THEN 0 WHEN 'undetermined' THEN 1 ELSE 2 END) AS place,
  arg_min(why, (CASE place WHEN 'outside' THEN 0 WHEN 'undetermined' THEN 1 ELSE 2 END, why)) AS why,
  min(finding_id) AS finding_id
FROM ranked
GROUP BY access_key_id, address
ORDER BY min(first_used), access_key_id, address
"""
"""A credential that several workloads may have had is at home where any of them is; its uses are counted once.

Uses of one address through several VPC endpoints, or directly too, are one: the worst of them counts."""

_DISAGREEING = """
WITH issued AS (
  SELECT event_id, workload, certainty
  FROM attribution
  WHERE question = 'issued_to'
    AND certainty <> 'shared'
), used AS (
  SELECT a.event_id, a.workload, a.certainty, a.via, w.kind
  FROM attribution AS a
  LEFT JOIN workload AS w ON w.workload = a.workload
  WHERE a.question = 'used_from'
), near AS (
  SELECT DISTINCT workload, holds AS host
  FROM lifetime
  WHERE holds_kind = 'instance'
), compared AS (
  SELECT i.event_id, i.workload AS issued_to, i.certainty AS issued_certainty, u.workload AS used_from,
    u.certainty AS used_certainty, u.via,
    bool_or(u.workload = i.workload OR h.host IS NOT NULL OR g.host IS NOT NULL) OVER (PARTITION BY i.event_id) AS agrees,
    coalesce(u.kind = 'nat_gateway', FALSE) AS gateway
  FROM issued AS i
  JOIN used AS u ON u.event_id = i.event_id
  LEFT JOIN near AS h ON h.workload = i.workload AND h.host = u.workload
  LEFT JOIN near AS g ON g.workload = u.workload AND g.host = i.workload
)
SELECT event_id, issued_to, issued_certainty, used_from, used_certainty, via
FROM compared
WHERE NOT agrees
  AND NOT gateway
ORDER BY event_id, used_from
"""


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


def uses(case: Case, *, workload: str | None = None, access_key_ids: tuple[str, ...] = ()) -> list[Use]:
    """Every (credential, address) of a workload's credentials, or of those given, in order of first use."""
    rows = case.sql(_SQL, {"workload": workload or "", "keys": list(access_key_ids)}).rows()
    return [Use(*row) for row in rows]


def disagreeing(case: Case) -> Query:
    """Calls with a credential of one workload from a place of another: never one actor, and a sign of theft.

    A gateway's address, and the instance a task or pod ran on, are places of what is behind or on them.
    """
    return case.sql(_DISAGREEING)
