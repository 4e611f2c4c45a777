"""Which execution environments of a changed function ran what was changed, by when they began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from forensics.analysis.code_changes import Change
from forensics.case import Case

FOREVER = datetime(9999, 12, 31)

_ENVIRONMENTS = """
WITH span AS (
  SELECT unnest(CAST(? AS VARCHAR[])) AS workload, unnest(CAST(? AS TIMESTAMP[])) AS since,
    unnest(CAST(? AS TIMESTAMP[])) AS until
), environment AS (
  SELECT i.workload, i.execution_environment, min(i.started_at) AS began, max(coalesce(i.ended_at, i.started_at)) AS ended,
    count(*) AS invocations, count(i.error) AS errors, array_agg(DISTINCT i.version ORDER BY i.version) AS versions
  FROM invocation AS i
  GROUP BY i.workload, i.execution_environment
)
SELECT n.workload, n.execution_environment, n.began, n.ended, CAST(n.invocations AS BIGINT) AS invocations, n.errors, n.versions,
  CASE WHEN n.began < s.since THEN 'before the change' WHEN n.began < s.until THEN 'changed code' ELSE 'after the next change' END AS ran
FROM environment AS n
JOIN span AS s ON s.workload = n.workload
WHERE n.ended >= s.since
ORDER BY n.began, n.workload, n.execution_environment
"""

_LINES = """
SELECT i.execution_environment, array_agg(DISTINCT u.event_id ORDER BY u.event_id) AS ids
FROM invocation AS i, unnest(i.evidence_event_ids) AS u(event_id)
WHERE list_contains(CAST(? AS VARCHAR[]), i.execution_environment)
  AND list_contains(CAST(? AS VARCHAR[]), i.workload)
GROUP BY i.execution_environment
"""


@dataclass(frozen=True)
class Span:
    """How long a function ran an intruder's code: from its first change until somebody else's next, if there is one."""

    function: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True)
class Environment:
    """An execution environment of a changed function that was at work after the change; `ran` says what it ran."""

    function: str
    name: str
    began: datetime
    ended: datetime
    invocations: int
    errors: int
    versions: list[str]
    ran: str


def spans(every: Sequence[Change], theirs: Sequence[Change]) -> list[Span]:
    """From a function's first change by an intruder that lets other code run, until somebody else's next such change."""
    mine = {item.event_id for item in theirs}
    telling = [item for item in every if item.runs_other_code and item.function and item.time]
    made: dict[str, Span] = {}
    for item in telling:
        function, moment = str(item.function), item.time
        held = made.get(function)
        if item.event_id in mine and held is None and moment:
            made[function] = Span(function, moment, None)
        elif item.event_id not in mine and held is not None and held.until is None:
            made[function] = Span(function, held.since, moment)
    return [made[name] for name in sorted(made)]


def environments(case: Case, found: Sequence[Span]) -> list[Environment]:
    """Environments of those functions that were at work after the change, in order of their first invocation."""
    values = [item.function for item in found], [item.since for item in found]
    return [
        Environment(*row)
        for row in case.sql(_ENVIRONMENTS, (*values, [item.until or FOREVER for item in found])).rows()
    ]


def lines_of(case: Case, names: Sequence[str], functions: Sequence[str]) -> dict[str, list[str]]:
    """The platform's log lines about the invocations of each of those environments."""
    return dict(case.sql(_LINES, (list(names), list(functions))).rows())
