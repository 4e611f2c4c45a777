"""The card of a credential: who issued it, to which workload, what came of it, from where it was used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from forensics.analysis.words import at, count
from forensics.cards.card import JUDGED, NOT_LOADED, Answer, Card, Part, findings_part, found, spanned, weakest
from forensics.case import Case, Query
from forensics.errors import UnknownName

if TYPE_CHECKING:
    from forensics.covered import Coverage

_CREDENTIAL = """
SELECT access_key_id, kind, class, principal, session, issued_at, expires_at, issued_by_principal,
  issued_by_access_key_id, issuance_event_id, issuance_certainty, session_created_at, expires_how, source_identity,
  first_used, last_used, workload, workload_certainty
FROM credential
WHERE access_key_id = $key
"""

_NEAREST = """
SELECT access_key_id
FROM credential
ORDER BY jaro_winkler_similarity(access_key_id, $key) DESC, access_key_id
LIMIT 10
"""

_WORKLOADS = """
SELECT w.workload, w.certainty, w.via, w.candidates, w.evidence_event_ids
FROM credential_workload AS w
WHERE w.access_key_id = $key
ORDER BY w.workload
"""

_ANCESTORS = """
SELECT l.hops, l.ancestor_access_key_id, l.ancestor_principal, l.certainty, c.session, c.issued_at, c.issuance_event_id,
  c.workload, c.workload_certainty
FROM lineage AS l
LEFT JOIN credential AS c ON c.access_key_id = l.ancestor_access_key_id
WHERE l.access_key_id = $key
ORDER BY l.hops, l.ancestor_access_key_id
"""

_DESCENDANTS = """
SELECT l.hops, l.access_key_id, l.certainty, c.kind, c.principal, c.session, c.issued_at, c.issuance_event_id, c.first_used,
  c.last_used
FROM lineage AS l
JOIN credential AS c ON c.access_key_id = l.access_key_id
WHERE l.ancestor_access_key_id = $key
ORDER BY l.hops, c.issued_at, l.access_key_id
"""

_USES = """
SELECT place, address, vpc_endpoint_id, calls, first_used, last_used, workload, certainty, why, user_agent,
  first_event_id, finding_id
FROM credential_use
WHERE access_key_id = $key
ORDER BY first_used, address, vpc_endpoint_id, workload
"""

_REASONS = """
SELECT speaks, address, vpc_endpoint_id, reason, evidence_event_ids, workload
FROM credential_use_reason
WHERE access_key_id = $key
ORDER BY address, vpc_endpoint_id, speaks DESC, reason, workload
"""

_ACTIONS = """
SELECT action, count(*) AS calls, count(*) FILTER (WHERE outcome <> 'success') AS failed,
  min(time) AS first_seen, max(time) AS last_seen
FROM event
WHERE access_key_id = $key
  AND outcome IS NOT NULL
GROUP BY action
ORDER BY calls DESC, action
"""

_ADDRESSES = """
SELECT source_ip AS address, count(*) AS calls, count(DISTINCT user_agent) AS agents, min(user_agent) AS user_agent,
  min(time) AS first_seen, max(time) AS last_seen
FROM event
WHERE access_key_id = $key
  AND outcome IS NOT NULL
GROUP BY source_ip
ORDER BY first_seen, address
"""

_ON_BEHALF = """
SELECT e.time, e.action, e.source_ip AS service, o.certainty, o.candidates, o.why, o.cause_event_id, o.event_id
FROM on_behalf AS o
JOIN event AS c ON c.event_id = o.cause_event_id
JOIN event AS e ON e.event_id = o.event_id
WHERE c.access_key_id = $key
  AND c.source = 'cloudtrail'
  AND e.source = 'cloudtrail'
ORDER BY e.time, o.event_id
"""

_GAPS = """
SELECT class, account_id, region, window_from, window_to, statement
FROM lineage_gap
WHERE access_key_id = $key
ORDER BY account_id, region, statement
"""

_FINDINGS = """
SELECT finding_id, source, time, severity, type, title
FROM finding
WHERE access_key_id = $key
ORDER BY time, finding_id
"""


@dataclass(frozen=True, repr=False)
class Credential(Card):
    """An access key. Issuance attributes are None where its issuance is not in evidence: see `gaps`."""

    access_key_id: str
    kind: str | None
    class_: str | None
    principal: str | None
    session: str | None
    issued_at: datetime | None
    expires_at: datetime | None
    issued_by_principal: str | None
    issued_by_access_key_id: str | None
    issuance_event_id: str | None
    issuance_certainty: str | None
    session_created_at: datetime | None
    expires_how: str | None
    source_identity: str | None
    first_used: datetime | None
    last_used: datetime | None
    workload: str | None
    workload_certainty: str | None

    kind_of_card: ClassVar[str] = "credential"
    asks: ClassVar[tuple[str, ...]] = ("api", "data")

    @property
    def heading(self) -> str:
        """Its access key id."""
        return self.access_key_id

    @property
    def workloads(self) -> Query:
        """To which workloads it was issued: one row, or as many as it may have been."""
        return self._about(_WORKLOADS)

    @property
    def ancestors(self) -> Query:
        """The keys and services that it came from, the nearest first."""
        return self._about(_ANCESTORS)

    @property
    def descendants(self) -> Query:
        """The keys that were obtained with it, or with those."""
        return self._about(_DESCENDANTS)

    @property
    def uses(self) -> Query:
        """The places that a workload's key was used from, and whether each is the workload's own."""
        return self._about(_USES)

    @property
    def reasons(self) -> Query:
        """What speaks for and against each of those places being foreign, with the records that say so."""
        return self._about(_REASONS)

    @property
    def actions(self) -> Query:
        """Its calls by action."""
        return self._about(_ACTIONS)

    @property
    def addresses(self) -> Query:
        """Its calls by address."""
        return self._about(_ADDRESSES)

    @property
    def on_behalf(self) -> Query:
        """Calls that services made because of calls of this key."""
        return self._about(_ON_BEHALF)

    @property
    def gaps(self) -> Query:
        """Why its issuance is not in evidence, and where it would be."""
        return self._about(_GAPS)

    @property
    def findings(self) -> Query:
        """Findings that name it."""
        return self._about(_FINDINGS)

    def _about(self, sql: str) -> Query:
        return self.case.sql(sql, {"key": self.access_key_id})

    def answers(self) -> tuple[Answer, ...]:
        """Who issued it, to which workload, and where outside of that it was used."""
        return (*self._issuance(), *self._issued_to(), *self._used_from())

    def _issuance(self) -> Iterator[Answer]:
        if self.issuance_event_id is None:
            several = "Several issuances fit it, and the records do not say which it was."
            unknown = several if self.issuance_certainty == "shared" else "Its issuance is not in evidence."
            gaps = self.gaps.df()["statement"].tolist() or [unknown]
            yield from (Answer(statement, self.issuance_certainty) for statement in gaps)
            return
        by = self.issued_by_principal or "somebody whom the record does not name"
        with_key = f" with {self.issued_by_access_key_id}" if self.issued_by_access_key_id else ""
        issued = f"Issued at {at(self.issued_at)} by {by}{with_key} (event {self.issuance_event_id})."
        yield Answer(issued, self.issuance_certainty)

    def _issued_to(self) -> Iterator[Answer]:
        held = self.workloads.rows()
        if len(held) == 1:
            workload, certainty, via, *_ = held[0]
            yield Answer(f"Issued to {workload} ({via}).", certainty)
        elif held:
            yield Answer(f"Issued to one of {len(held)} workloads; the records do not say which.", held[0][1])
        else:
            yield self._came_from()

    def _came_from(self) -> Answer:
        from_workload = [row for row in self.ancestors.rows() if row[7] is not None]
        if not from_workload:
            return Answer("Issued to no workload, as far as the records say.")
        hops, key, _, chain, *_, workload, issued = from_workload[0]
        certainty = weakest(chain, issued)
        return Answer(f"Came, over {count(hops, 'hop')}, from {key}, which was issued to {workload}.", certainty)

    def _used_from(self) -> Iterator[Answer]:
        for place, address, endpoint, calls, _, _, workload, certainty, why, *_ in self.uses.rows():
            if place == "outside":
                through = f" through {endpoint}" if endpoint else ""
                source = f"{address or 'an address not recorded'}{through}"
                judged = f"Used from {source}, outside of {workload}: {count(calls, 'call')}; {why}."
                yield Answer(judged, weakest(certainty, JUDGED))

    def coverage(self) -> Coverage | None:
        """What was logged in its account from when it was issued, or first used, to its last use."""
        return spanned(self.case, self.principal, self.issued_at or self.first_used, self.last_used)

    def leads(self) -> tuple[str, ...]:
        """Its calls in order of time."""
        return (f"Timeline(case).access_key({self.access_key_id!r})",)

    def facts(self) -> Mapping[str, Any]:
        """Its row."""
        return {
            "kind": self.kind,
            "class": self.class_,
            "principal": self.principal,
            "session": self.session,
            "session created": self.session_created_at if self.issued_at is None else None,
            "issued": self.issued_at,
            "expires": self.expires_at,
            "expires by": self.expires_how,
            "source identity": self.source_identity,
            "first used": self.first_used,
            "last used": self.last_used,
        }

    def parts(self) -> tuple[Part, ...]:
        """Workloads, lineage up and down, uses and the reasons, calls, findings."""
        when = {"first_used": "first", "last_used": "last"}
        sure = {"certainty": "certainty"}
        issued_to = {"workload": "workload"} | sure | {"via": "how", "evidence_event_ids": "records"}
        up = {"hops": "hops", "ancestor_access_key_id": "access key", "ancestor_principal": "principal"}
        up |= sure | {"issued_at": "issued", "workload": "issued to", "workload_certainty": "how certain"}
        down = {"hops": "hops", "access_key_id": "access key", "principal": "principal"} | sure
        down |= {"issued_at": "issued"} | when
        use = {"place": "place", "address": "address", "vpc_endpoint_id": "VPC endpoint", "calls": "calls"}
        reason = {"address": "address", "speaks": "speaks", "reason": "reason", "evidence_event_ids": "records"}
        span = {"first_seen": "first", "last_seen": "last"}
        address = {"address": "address", "calls": "calls", "agents": "agents", "user_agent": "user agent"}
        behalf = {"time": "time", "action": "action", "service": "by", "cause_event_id": "because of"} | sure
        return (
            Part("Issued to", self.workloads, issued_to),
            Part("Came from", self.ancestors, up),
            Part("Issued with it", self.descendants, down),
            Part("Used from, against its workload", self.uses, use | when | {"certainty": "issuance", "why": "why"}),
            Part("For and against theft", self.reasons, reason),
            Part("Calls by address", self.addresses, address | span, none="No call of it is in evidence."),
            Part("Calls by action", self.actions, {"action": "action", "calls": "calls", "failed": "failed"} | span),
            Part("Calls that services made because of it", self.on_behalf, behalf),
            findings_part(self.findings, {}),
        )


def credential(case: Case, access_key_id: str) -> Credential:
    """The card of an access key. Raises UnknownName with the most similar keys."""
    query = case.sql(_CREDENTIAL, {"key": access_key_id})
    if not query.rows():
        near = [row[0] for row in case.sql(_NEAREST, {"key": access_key_id}).rows()]
        raise UnknownName("credential", access_key_id, near, advice="" if near else NOT_LOADED)
    return Credential(case, query, *found(query))
