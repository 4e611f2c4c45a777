"""The card of a workload: what it was made of, what it held and when, its credentials, its runs, what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from forensics.cards.card import JUDGED, NOT_LOADED, Answer, Card, Part, findings_part, found, spanned, weakest
from forensics.case import Case, Query
from forensics.errors import UnknownName
from forensics.timeline import Timeline, find_workload

if TYPE_CHECKING:
    from forensics.covered import Coverage

_WORKLOAD = """
SELECT workload, kind, account_id, region, name, role, image, code_sha256, started_at, stopped_at
FROM workload
WHERE workload = $workload
"""

_DETAILS = """
SELECT property, value, first_seen, last_seen, evidence_event_ids
FROM workload_detail
WHERE workload = $workload
ORDER BY property, first_seen, value
"""

_CONTAINERS = """
SELECT name, image, image_digest, runtime_id, first_seen, last_seen, evidence_event_ids
FROM workload_container
WHERE workload = $workload
ORDER BY first_seen, name, runtime_id
"""

_LIFETIMES = """
SELECT holds_kind, holds, valid_from, valid_to, from_known, to_known, certainty, evidence_event_ids
FROM lifetime
WHERE workload = $workload
  AND holds_kind NOT IN ('access_key_id', 'execution_environment')
ORDER BY holds_kind, valid_from, holds
"""

_CREDENTIALS = """
SELECT w.access_key_id, c.session, c.issued_at, c.expires_at, c.first_used, c.last_used, w.certainty, w.via, w.candidates,
  w.evidence_event_ids
FROM credential_workload AS w
LEFT JOIN credential AS c ON c.access_key_id = w.access_key_id
WHERE w.workload = $workload
ORDER BY c.issued_at IS NULL, c.issued_at, w.access_key_id
"""

_USES = """
SELECT access_key_id, place, address, vpc_endpoint_id, calls, first_used, last_used, certainty, why, user_agent,
  first_event_id, finding_id
FROM credential_use
WHERE workload = $workload
ORDER BY place = 'inside', first_used, access_key_id, address, vpc_endpoint_id
"""

_ENVIRONMENTS = """
SELECT execution_environment, count(*) AS runs, count(error) AS errors, min(started_at) AS first_seen,
  max(ended_at) AS last_seen
FROM invocation
WHERE workload = $workload
GROUP BY execution_environment
ORDER BY first_seen, execution_environment
"""

_INVOCATIONS = """
SELECT request_id, version, execution_environment, started_at, ended_at, duration_ms, billed_ms, memory_mb,
  max_memory_mb, error, evidence_event_ids
FROM invocation
WHERE workload = $workload
ORDER BY started_at, request_id
"""

_REQUESTS = """
SELECT r.id_kind, r.id, count(DISTINCT r.source) AS sources, min(r.time) AS first_seen, max(r.time) AS last_seen,
  CASE
    WHEN count(*) FILTER (WHERE r.certainty = 'shared') > 0 THEN 'shared'
    WHEN count(*) FILTER (WHERE r.certainty = 'inferred') > 0 THEN 'inferred'
    ELSE 'recorded'
  END AS certainty,
  array_agg(r.event_id ORDER BY r.time, r.event_id) AS event_ids
FROM request_link AS r
JOIN (
  SELECT DISTINCT id_kind, id
  FROM request_link
  WHERE workload = $workload
) AS mine ON mine.id_kind = r.id_kind
  AND mine.id = r.id
GROUP BY r.id_kind, r.id
HAVING count(DISTINCT r.source) > 1
ORDER BY first_seen, r.id_kind, r.id
"""

_FINDINGS = """
SELECT DISTINCT f.finding_id, f.source, f.time, f.severity, f.type, f.title, f.access_key_id,
  CASE WHEN f.workload = $workload THEN 'recorded' ELSE w.certainty END AS certainty
FROM finding AS f
LEFT JOIN credential_workload AS w ON w.access_key_id = f.access_key_id
  AND w.workload = $workload
WHERE f.workload = $workload
  OR w.workload IS NOT NULL
ORDER BY f.time, f.finding_id
"""

_SPAN = """
SELECT min(moment) AS first_seen, max(moment) AS last_seen
FROM (
  SELECT unnest([w.started_at, w.stopped_at]) AS moment FROM workload AS w WHERE w.workload = $workload
  UNION ALL
  SELECT unnest([h.valid_from, h.valid_to]) AS moment FROM lifetime AS h
  WHERE h.workload = $workload
    AND h.holds_kind NOT IN ('session', 'access_key_id')
  UNION ALL
  SELECT unnest([v.started_at, v.ended_at]) AS moment FROM invocation AS v WHERE v.workload = $workload
) AS seen
"""


@dataclass(frozen=True, repr=False)
class Workload(Card):
    """A function, task, pod, instance or other that ran. The times are None where they are not in evidence."""

    workload: str
    kind: str
    account_id: str | None
    region: str | None
    name: str | None
    role: str | None
    image: str | None
    code_sha256: str | None
    started_at: datetime | None
    stopped_at: datetime | None

    kind_of_card: ClassVar[str] = "workload"
    asks: ClassVar[tuple[str, ...]] = ("workload", "traffic")

    @property
    def heading(self) -> str:
        """Its key."""
        return self.workload

    @property
    def details(self) -> Query:
        """What else is known of it, with the records that say so."""
        return self._about(_DETAILS)

    @property
    def containers(self) -> Query:
        """The containers of a task or pod."""
        return self._about(_CONTAINERS)

    @property
    def lifetimes(self) -> Query:
        """Which interfaces, addresses, sessions and instances it held, and when; keys are in `credentials`."""
        return self._about(_LIFETIMES)

    @property
    def credentials(self) -> Query:
        """The access keys that were issued to it, and how certain that is."""
        return self._about(_CREDENTIALS)

    @property
    def uses(self) -> Query:
        """The places that its keys were used from, those that are not its own first."""
        return self._about(_USES)

    @property
    def environments(self) -> Query:
        """The execution environments of a function, and how often each ran."""
        return self._about(_ENVIRONMENTS)

    @property
    def invocations(self) -> Query:
        """The runs of a function."""
        return self._about(_INVOCATIONS)

    @property
    def requests(self) -> Query:
        """Ids of its requests, and of itself, that records of several sources carry."""
        return self._about(_REQUESTS)

    @property
    def findings(self) -> Query:
        """Findings that name it, or a key that was issued to it."""
        return self._about(_FINDINGS)

    @property
    def timeline(self) -> Timeline:
        """All events attributed to it, about it, or written by it."""
        return Timeline(self.case).workload(self.workload)

    def _about(self, sql: str) -> Query:
        return self.case.sql(sql, {"workload": self.workload})

    def answers(self) -> tuple[Answer, ...]:
        """That its credentials were used elsewhere, where that is so."""
        uses = [row for row in self.uses.rows() if row[1] == "outside"]
        return tuple(
            Answer(
                f"{key}, issued to it, was used from {address or 'an address not recorded'}, outside: {why}.",
                weakest(sure, JUDGED),
            )
            for key, _, address, _, _, _, _, sure, why, *_ in uses
        )

    def coverage(self) -> Coverage | None:
        """What was logged in its account and Region from its first to its last sign of life."""
        first, last = self._about(_SPAN).rows()[0]
        return spanned(self.case, self.workload, first, last)

    def leads(self) -> tuple[str, ...]:
        """All that is attributed to it, about it, or written by it, in order of time."""
        return (self.timeline.python,)

    def facts(self) -> Mapping[str, Any]:
        """Its row."""
        return {
            "kind": self.kind,
            "name": self.name,
            "account": self.account_id,
            "region": self.region,
            "role": self.role,
            "image": self.image,
            "code SHA-256": self.code_sha256,
            "started": self.started_at or "not in evidence",
            "stopped": self.stopped_at or "not in evidence",
        }

    def parts(self) -> tuple[Part, ...]:
        """Details, containers, what it held, credentials and their uses, runs, requests, findings."""
        sure = {"certainty": "certainty"}
        cited = {"evidence_event_ids": "records"}
        span = {"first_seen": "first", "last_seen": "last"}
        used = {"first_used": "first used", "last_used": "last used"}
        held = {"holds_kind": "kind", "holds": "held", "valid_from": "from", "valid_to": "to"} | sure | cited
        key = {"access_key_id": "access key", "issued_at": "issued", "expires_at": "expires"}
        use = {"access_key_id": "access key", "place": "place", "address": "address", "calls": "calls"} | used
        use |= {"certainty": "issuance"}
        container = {"name": "name", "image": "image", "image_digest": "digest", "runtime_id": "runtime id"} | span
        run = {"request_id": "request", "started_at": "started", "ended_at": "ended", "duration_ms": "ms"}
        run |= {"max_memory_mb": "MB used", "error": "error"}
        ran = {"execution_environment": "environment", "runs": "runs", "errors": "errors"} | span
        request = {"id_kind": "kind", "id": "id", "sources": "sources"} | span | sure | {"event_ids": "records"}
        return (
            Part("Details", self.details, {"property": "property", "value": "value"} | span),
            Part("Containers", self.containers, container),
            Part("Held", self.lifetimes, held, none="No interface, address or session that it held is in evidence."),
            Part("Credentials issued to it", self.credentials, key | used | sure | {"via": "how"}),
            Part("Where those were used", self.uses, use | {"why": "why"}),
            Part("Execution environments", self.environments, ran),
            Part("Runs", self.invocations, run),
            Part("Ids that several sources carry", self.requests, request),
            findings_part(self.findings, sure),
        )


def workload(case: Case, name: str) -> Workload:
    """The card of a workload by key or bare name. Raises UnknownName, AmbiguousName."""
    try:
        key = find_workload(case, name)
    except UnknownName:
        if case.sql("SELECT 1 FROM workload LIMIT 1").rows():
            raise
        raise UnknownName("workload", name, advice=NOT_LOADED) from None
    query = case.sql(_WORKLOAD, {"workload": key})
    return Workload(case, query, *found(query))
