"""What a timeline involves besides its events: findings that cite them, workloads whose keys they bear."""

from dataclasses import dataclass
from datetime import datetime

from forensics.timeline import Timeline

_FINDINGS = """
SELECT f.finding_id, f.source, f.type, f.severity, f.time, f.end_time,
  f.principal, f.access_key_id, f.workload, f.title
FROM finding AS f
JOIN (
  SELECT DISTINCT c.finding_id
  FROM (
    SELECT finding_id, finding_id AS event_id
    FROM finding
    UNION ALL
    SELECT finding_id, event_id
    FROM finding_evidence
    WHERE why NOT LIKE 'around it: %'
  ) AS c
  JOIN timeline AS t ON t.event_id = c.event_id
) AS i ON i.finding_id = f.finding_id
ORDER BY f.time, f.finding_id
"""

_LIFETIMES = """
SELECT l.workload, l.holds_kind, l.holds, l.valid_from, l.valid_to, l.from_known, l.to_known, l.certainty
FROM lifetime AS l
JOIN (
  SELECT DISTINCT x.workload
  FROM (
    SELECT workload, holds AS name, valid_from, valid_to
    FROM lifetime
    UNION ALL
    SELECT workload, workload AS name, valid_from, valid_to
    FROM lifetime
  ) AS x
  JOIN (
    SELECT access_key_id AS name, min(time) AS first, max(time) AS last
    FROM timeline
    GROUP BY access_key_id
    UNION ALL
    SELECT session AS name, min(time) AS first, max(time) AS last
    FROM timeline
    GROUP BY session
    UNION ALL
    SELECT u.name, min(time) AS first, max(time) AS last
    FROM timeline, unnest(resources) AS u(name)
    GROUP BY u.name
  ) AS h ON h.name = x.name
  WHERE (x.valid_from IS NULL OR x.valid_from <= h.last)
    AND (x.valid_to IS NULL OR h.first <= x.valid_to)
) AS i ON i.workload = l.workload
CROSS JOIN (
  SELECT min(time) AS first, max(coalesce(end_time, time)) AS last
  FROM timeline
) AS s
WHERE (l.valid_from IS NULL OR l.valid_from <= s.last)
  AND (l.valid_to IS NULL OR s.first <= l.valid_to)
ORDER BY l.workload, l.holds_kind, l.valid_from NULLS FIRST, l.holds
"""


@dataclass(frozen=True)
class Finding:
    """A row of `finding`, times UTC."""

    finding_id: str
    source: str
    type: str | None
    severity: float | None
    time: datetime | None
    end_time: datetime | None
    principal: str | None
    access_key_id: str | None
    workload: str | None
    title: str | None


@dataclass(frozen=True)
class Lifetime:
    """A row of `lifetime`: a workload held a thing, from and to as far as known."""

    workload: str
    holds_kind: str
    holds: str
    valid_from: datetime | None
    valid_to: datetime | None
    from_known: bool
    to_known: bool
    certainty: str


def findings_of(timeline: Timeline) -> list[Finding]:
    """The findings that are events of the timeline or cite one, in order of time."""
    return [Finding(*row) for row in timeline.select(_FINDINGS).rows()]


def lifetimes_of(timeline: Timeline) -> list[Lifetime]:
    """What the workloads held, in the timeline's span, whose key, session or own name its events bear.

    Addresses are left out of the match: held by turns, they would draw the wrong holder.
    """
    return [Lifetime(*row) for row in timeline.select(_LIFETIMES).rows()]
