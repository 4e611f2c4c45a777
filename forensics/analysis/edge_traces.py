"""What a workload did while it served requests: calls with its own key, new destinations, names asked, findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from forensics.case import Case
from forensics.theft import PLATFORM_CALLS

_SPANS = """
span AS (
  SELECT DISTINCT i.request_id, i.workload, i.execution_environment, i.started_at, coalesce(i.ended_at, i.started_at) AS ended_at
  FROM invocation AS i
  WHERE list_contains(CAST($requests AS VARCHAR[]), i.request_id)
)"""

_CALLS = f"""
WITH {_SPANS}, opened AS (
  SELECT c.user_identity_access_key_id AS access_key_id, json_extract_string(c.request_parameters, '$.logStreamName') AS stream
  FROM cloudtrail AS c
  WHERE c.event_source = 'logs.amazonaws.com'
    AND c.event_name = 'CreateLogStream'
), made AS (
  SELECT e.event_id, e.time, e.action, e.outcome, e.access_key_id, e.source_ip, e.resources, e.bytes, k.workload,
    o.stream
  FROM event AS e
  JOIN credential AS k ON k.access_key_id = e.access_key_id
  LEFT JOIN opened AS o ON o.access_key_id = e.access_key_id
  WHERE e.source = 'cloudtrail'
    AND k.workload IN (SELECT s.workload FROM span AS s)
    AND NOT list_contains(CAST($platform AS VARCHAR[]), e.action)
), within_span AS (
  SELECT s.request_id, m.event_id
  FROM made AS m
  JOIN span AS s ON s.workload = m.workload
    AND m.time >= date_trunc('second', s.started_at)
    AND m.time <= s.ended_at
    AND (m.stream IS NULL OR m.stream = s.execution_environment)
), habit AS (
  SELECT DISTINCT m.workload, m.action
  FROM made AS m
  WHERE m.event_id NOT IN (SELECT w.event_id FROM within_span AS w)
)
SELECT w.request_id, m.workload, m.access_key_id, m.action, m.outcome, m.source_ip, bool_and(h.action IS NULL) AS new,
  bool_and(m.stream IS NOT NULL) AS same_environment, count(*) AS calls, min(m.time) AS first, max(m.time) AS last,
  sum(m.bytes) AS bytes, array_agg(m.event_id ORDER BY m.time, m.event_id) AS ids
FROM within_span AS w
JOIN made AS m ON m.event_id = w.event_id
LEFT JOIN habit AS h ON h.workload = m.workload AND h.action = m.action
GROUP BY w.request_id, m.workload, m.access_key_id, m.action, m.outcome, m.source_ip
ORDER BY min(m.time), m.action, m.source_ip
"""
"""An environment serves one request at a time: the log stream that a key opened tells which environment holds it."""

_REMOTES = f"""
WITH {_SPANS}, sent AS (
  SELECT f.object_id || '/' || f.record AS event_id, f.dstaddr AS remote, f.start AS first, f."end" AS last, f.bytes, a.workload
  FROM vpc_flow AS f
  JOIN attribution AS a ON a.event_id = f.object_id || '/' || f.record AND a.question = 'endpoint'
  WHERE a.workload IN (SELECT s.workload FROM span AS s)
    AND f.action = 'ACCEPT'
    AND f.dstaddr IS NOT NULL
), during AS (
  SELECT DISTINCT t.event_id, t.remote, t.workload, s.request_id
  FROM sent AS t
  JOIN span AS s ON s.workload = t.workload
    AND t.first <= s.ended_at + to_seconds($pad)
    AND t.last >= s.started_at - to_seconds($pad)
), lone AS (
  SELECT t.workload, t.remote
  FROM sent AS t
  LEFT JOIN during AS d ON d.event_id = t.event_id AND d.workload = t.workload
  GROUP BY t.workload, t.remote
  HAVING count(*) FILTER (WHERE d.event_id IS NULL) = 0
)
SELECT d.request_id, d.workload, d.remote, array_agg(DISTINCT d.event_id ORDER BY d.event_id) AS ids
FROM during AS d
JOIN lone AS n ON n.workload = d.workload AND n.remote = d.remote
WHERE d.remote NOT IN (SELECT h.holds FROM lifetime AS h WHERE h.holds_kind IN ('private_ip', 'public_ip'))
GROUP BY d.request_id, d.workload, d.remote
ORDER BY d.remote, d.request_id
"""
"""Destinations that the workload's interface sent to while it served those requests, and never else."""

_NAMES = """
SELECT q.domain, u.answer, count(*) AS queries, min(q.query_timestamp) AS first, max(q.query_timestamp) AS last,
  array_agg(q.object_id || '/' || q.record ORDER BY q.query_timestamp, q.object_id, q.record) AS ids
FROM route53_resolver AS q, unnest(q.answer_data) AS u(answer)
WHERE list_contains(CAST(? AS VARCHAR[]), u.answer)
GROUP BY q.domain, u.answer
ORDER BY min(q.query_timestamp), q.domain, u.answer
"""

_FINDINGS = f"""
WITH {_SPANS}
SELECT s.request_id, f.finding_id, f.type, f.time
FROM span AS s
JOIN finding AS f ON f.time >= date_trunc('second', s.started_at)
  AND f.time <= s.ended_at + to_seconds($pad)
LEFT JOIN credential AS k ON k.access_key_id = f.access_key_id
WHERE (f.workload = s.workload OR k.workload = s.workload)
  AND coalesce(f.title, '') NOT LIKE '[SAMPLE]%'
  AND f.source IN ('guardduty', 'security_hub')
ORDER BY f.time, f.finding_id
"""

PAD_SECONDS = 60
"""A flow record's times, and a finding's, are those of an aggregation interval of a minute."""


@dataclass(frozen=True)
class Calls:
    """Calls of one kind with a function's own key within an invocation; `new`: it never called that at other times."""

    request_id: str
    workload: str
    access_key_id: str
    action: str
    outcome: str | None
    address: str | None
    new: bool
    same_environment: bool
    calls: int
    first: datetime
    last: datetime
    bytes: int | None
    ids: list[str]


@dataclass(frozen=True)
class Traces:
    """What was done within invocations: calls, destinations met only then, findings of their function and time."""

    calls: list[Calls]
    remotes: list[tuple[Any, ...]]
    findings: list[tuple[Any, ...]]

    @property
    def addresses(self) -> list[str]:
        """The destinations."""
        return sorted({str(row[2]) for row in self.remotes})


def traces_of(case: Case, request_ids: Sequence[str]) -> Traces:
    """Everything that those invocations did, as far as calls, flows and findings show it."""
    asked = {"requests": list(dict.fromkeys(request_ids))}
    calls = case.sql(_CALLS, asked | {"platform": list(PLATFORM_CALLS)}).rows()
    remotes = case.sql(_REMOTES, asked | {"pad": PAD_SECONDS}).rows()
    findings = case.sql(_FINDINGS, asked | {"pad": PAD_SECONDS}).rows()
    return Traces([Calls(*row) for row in calls], remotes, findings)


def names_of(case: Case, addresses: Sequence[str]) -> list[tuple[Any, ...]]:
    """Names whose DNS answer was one of those addresses: name, address, how often, first, last, event ids."""
    return case.sql(_NAMES, (list(addresses),)).rows()
