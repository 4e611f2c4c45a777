"""Were credentials of a workload used by somebody else, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from forensics.analysis.answer import Answer
from forensics.analysis.betrayal import first_use
from forensics.analysis.credential_use import Use, uses
from forensics.analysis.gaps import Gap, not_issued, who_was_at
from forensics.analysis.intrusion import Intrusion, follow
from forensics.analysis.statement import Statement, named
from forensics.analysis.technique import EXPOSURE
from forensics.analysis.verdict import verdict
from forensics.analysis.words import at, size
from forensics.case import Case, Query
from forensics.errors import UnknownName, UsageError
from forensics.timeline import find_workload

LEAK_PADDING_SECONDS = 60
"""A flow record's times are those of an aggregation interval of a minute."""

UNUSUAL_FACTOR = 5
"""An invocation this many times longer than the function's median is unusual."""

_KEY = """
SELECT k.access_key_id, k.kind, k.principal, k.session, k.issued_at, k.expires_at, k.issued_by_principal,
  k.issuance_event_id, k.workload, k.workload_certainty, k.issuance_certainty
FROM credential AS k
WHERE k.access_key_id = ?
"""

_LEAK = """
WITH usual AS (
  SELECT i.workload, median(i.duration_ms) AS duration_ms
  FROM invocation AS i
  GROUP BY i.workload
), suspect AS (
  SELECT i.request_id, i.execution_environment, i.started_at, coalesce(i.ended_at, i.started_at) AS ended_at,
    i.duration_ms, i.memory_mb, i.max_memory_mb, i.error, i.evidence_event_ids, u.duration_ms AS usual_ms
  FROM invocation AS i
  JOIN usual AS u ON u.workload = i.workload
  WHERE i.workload = ? AND i.started_at < ?
    AND (i.error IS NOT NULL OR i.duration_ms > ? * u.duration_ms)
)
SELECT s.request_id, s.execution_environment, s.started_at, s.duration_ms, s.usual_ms, s.memory_mb, s.max_memory_mb,
  s.error, s.evidence_event_ids, f.interface_id, f.remote, CAST(sum(f.bytes) AS BIGINT) AS bytes,
  array_agg(f.event_id ORDER BY f.time, f.event_id) AS flow_ids
FROM suspect AS s
JOIN flow AS f ON f.time <= s.ended_at + to_seconds(?) AND f.end_time >= s.started_at - to_seconds(?)
JOIN (SELECT DISTINCT p.event_id FROM attribution AS p WHERE p.question = 'endpoint' AND p.workload = ?) AS a
  ON a.event_id = f.event_id
WHERE f.direction = 'to'
GROUP BY s.request_id, s.execution_environment, s.started_at, s.duration_ms, s.usual_ms, s.memory_mb, s.max_memory_mb,
  s.error, s.evidence_event_ids, f.interface_id, f.remote
ORDER BY s.started_at, s.request_id, f.interface_id, f.remote
"""

_INVOCATIONS = """
SELECT i.request_id, i.version, i.execution_environment, i.started_at, i.ended_at, i.duration_ms, i.max_memory_mb,
  i.memory_mb, i.error
FROM invocation AS i
WHERE i.workload = ? AND i.started_at < ?
  AND coalesce(i.ended_at, i.started_at) >= (
    SELECT coalesce(min(coalesce(k.issued_at, k.session_created_at)), TIMESTAMP '0001-01-01')
    FROM credential AS k
    WHERE list_contains(?, k.access_key_id))
ORDER BY i.duration_ms DESC NULLS LAST, i.started_at
"""


@dataclass(frozen=True)
class Theft(Answer):
    """The answer: every use of the credentials asked about, and what came of those made from outside."""

    uses: tuple[Use, ...]
    asked: str | None = None

    @property
    def workload(self) -> str | None:
        """Whose credentials were asked about."""
        return self.subject

    @property
    def found(self) -> bool:
        """Whether any credential was used from outside."""
        return bool(self.intrusion.stolen)

    @property
    def first_use(self) -> datetime | None:
        """When a credential was first used from outside; None too where those records have no time."""
        return min((use.first_used for use in self.uses if use.place == "outside" and use.first_used), default=None)

    @property
    def verdict(self) -> str:
        """The answer in a few sentences."""
        return verdict(self)

    def own(self) -> list[Statement]:
        """First uses from outside, and invocations through which a credential may have leaked."""
        return [*self._first_uses(), *self._leaks()]

    def _first_uses(self) -> list[Statement]:
        outside = [use for use in self.uses if use.place == "outside"]
        return [first_use(f"theft-{number:02d}", use) for number, use in enumerate(outside, 1)]

    def _leaks(self) -> list[Statement]:
        if not self.workload or self.first_use is None:
            return []
        pad = LEAK_PADDING_SECONDS
        rows = self.intrusion.flows(
            f"SELECT * FROM (\n{_LEAK}\n) AS leak",
            self.workload,
            self.first_use,
            UNUSUAL_FACTOR,
            pad,
            pad,
            self.workload,
        ).rows()
        return [_leak(f"leak-{number:02d}", self.workload, row) for number, row in enumerate(rows, 1)]

    @property
    def invocations(self) -> Query:
        """Invocations while a stolen credential was valid and not yet used from outside, the longest first."""
        keys = list(self.intrusion.stolen)
        return self.case.sql(_INVOCATIONS, (self.workload, self.first_use, keys))

    def open_questions(self) -> list[Gap]:
        """What stays open of this incident."""
        return _incident_gaps(self) if self.found else []


def investigate(
    case: Case, *, workload: str | None = None, access_key_id: str | None = None, finding_id: str | None = None
) -> Theft:
    """Follow the credentials of a workload, one credential, or the one that a finding names.

    A credential is followed from the one it came of, together with the others of that one's workload.
    With none given, the credential of a function that GuardDuty's findings of credential exfiltration name; where that
    is none or several, all credentials of all functions. Raises UsageError where more than one is given; UnknownName,
    AmbiguousName.
    """
    given = [item for item in (workload, access_key_id, finding_id) if item]
    if len(given) > 1:
        raise UsageError(f"give only one of workload, access_key_id and finding_id; {len(given)} were given")
    if not given:
        access_key_id = _only_suspect(case)
    if finding_id:
        access_key_id = _key_of_finding(case, finding_id)
    if not (workload or access_key_id):
        return _of_all_functions(case)
    root = _root(case, access_key_id) if access_key_id else None
    key = _workload_of_key(case, root) if root else find_workload(case, workload or "")
    found = uses(case, workload=key, access_key_ids=(root,) if root else ())
    return Theft(case, _outside(case, found), key, tuple(found), access_key_id)


_OF_FUNCTIONS = """
SELECT k.access_key_id, k.workload
FROM credential AS k
JOIN workload AS w ON w.workload = k.workload
WHERE w.kind = 'lambda_function'
ORDER BY k.access_key_id
"""


def _of_all_functions(case: Case) -> Theft:
    """Nothing was asked: every function's credentials; the subject is the one function whose were stolen, if it is one."""
    owner = {str(key): str(workload) for key, workload in case.sql(_OF_FUNCTIONS).rows()}
    found = uses(case, access_key_ids=tuple(owner))
    intrusion = _outside(case, found)
    robbed = {owner[key] for key in intrusion.stolen}
    return Theft(case, intrusion, robbed.pop() if len(robbed) == 1 else None, tuple(found))


def _outside(case: Case, found: list[Use]) -> Intrusion:
    outside: dict[str, list[str]] = {}
    for use in found:
        if use.place == "outside":
            outside.setdefault(use.access_key_id, []).append(use.address)
    return follow(case, {name: tuple(sorted(addresses)) for name, addresses in sorted(outside.items())})


_ROOT = """
SELECT l.ancestor_access_key_id
FROM lineage AS l
LEFT JOIN credential AS k ON k.access_key_id = l.ancestor_access_key_id
WHERE l.access_key_id = ? AND l.ancestor_access_key_id IS NOT NULL
ORDER BY k.workload IS NULL, l.hops DESC
LIMIT 1
"""


def _root(case: Case, access_key_id: str) -> str:
    """The credential that one came of: its ancestor that was issued to a workload, else its first; itself if none."""
    rows = case.sql(_ROOT, (access_key_id,)).rows()
    own = None if rows == [] else _workload_of_key(case, access_key_id)
    return str(rows[0][0]) if rows and own is None else access_key_id


_SUSPECTS = """
SELECT f.access_key_id, min(f.finding_id) AS finding_id
FROM finding AS f
JOIN credential AS k ON k.access_key_id = f.access_key_id
JOIN workload AS w ON w.workload = k.workload
WHERE f.type LIKE '%CredentialExfiltration%' AND w.kind = 'lambda_function' AND f.source IN ('guardduty', 'security_hub')
GROUP BY f.access_key_id
ORDER BY f.access_key_id
"""


def _only_suspect(case: Case) -> str | None:
    rows = case.sql(_SUSPECTS).rows()
    return str(rows[0][0]) if len(rows) == 1 else None


def _key_of_finding(case: Case, finding_id: str) -> str:
    rows = case.sql("SELECT access_key_id FROM finding WHERE finding_id = ?", (finding_id,)).rows()
    if not rows:
        raise UnknownName(
            "finding", finding_id, (str(row[0]) for row in case.sql("SELECT finding_id FROM finding").rows())
        )
    if not rows[0][0]:
        raise UsageError(f"the finding {finding_id} names no credential: give the workload or the access key id")
    return str(rows[0][0])


def _workload_of_key(case: Case, access_key_id: str) -> str | None:
    rows = case.sql(_KEY, (access_key_id,)).rows()
    if not rows:
        known = case.sql("SELECT access_key_id FROM credential ORDER BY access_key_id LIMIT 11").rows()
        raise UnknownName("access key id", access_key_id, (str(row[0]) for row in known))
    return None if rows[0][8] is None else str(rows[0][8])


def _leak(identifier: str, workload: str, row: tuple[Any, ...]) -> Statement:
    request, environment, started, duration, usual, memory, used, error, ids, interface, remote, octets, flow_ids = row
    return Statement(
        id=identifier,
        title=f"An unusual invocation of {workload.rpartition(':')[2]} while {interface} spoke with {remote}",
        statement=(
            f"The invocation {request}, started {at(started)} in the execution environment {environment}, took"
            f" {duration or 0:,.0f} ms (median {usual or 0:,.0f} ms)"
            + (f" and {used:,} of {memory:,} MB" if used and memory else "")
            + (f", ending in {error}" if error else "")
            + f". Within a minute of it, interface {interface} sent {size(octets or 0)} to {remote}."
            " It is a candidate for the request through which the credential leaked; what it was sent is not logged."
        ),
        time=started,
        certainty="inferred",
        technique=EXPOSURE,
        workload=workload,
        resources=(environment,),
        evidence=named([*ids, *flow_ids]),
    )


def _incident_gaps(theft: Theft) -> list[Gap]:
    return [
        who_was_at(theft.intrusion.addresses),
        Gap(
            "Which request made the workload give its credential away",
            "payloads and reads of environment variables or metadata leave no AWS log",
            "access logs of what stands before the workload, and its code",
        ),
        Gap(
            "Whether a copied user agent hides further uses",
            "calls that carry the runtime's user agent are taken for the workload's own",
            "compare each such address with the workload's known egress",
        ),
        *not_issued(theft.case, list(theft.intrusion.stolen)),
    ]
