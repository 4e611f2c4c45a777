"""The card of a principal: its sessions and credentials, what it called, from where, and what was found about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from forensics.cards.card import NOT_LOADED, Answer, Card, Part, findings_part, found, spanned
from forensics.case import Case, Query
from forensics.errors import UnknownName
from forensics.identity import find_principal

if TYPE_CHECKING:
    from forensics.covered import Coverage

_PRINCIPAL = """
SELECT principal, kind, account_id, name, unique_id, first_seen, last_seen
FROM principal
WHERE principal = $principal
"""

_SESSIONS = """
SELECT session, name, source_identity, issuer, first_seen, last_seen
FROM session
WHERE principal = $principal
ORDER BY first_seen, session
"""

_CREDENTIALS = """
SELECT access_key_id, kind, session, issued_at, expires_at, issued_by_principal, first_used, last_used, workload,
  workload_certainty AS certainty
FROM credential
WHERE principal = $principal
ORDER BY first_used IS NULL, first_used, access_key_id
"""

_ACTIONS = """
SELECT action, count(*) AS calls, count(*) FILTER (WHERE outcome <> 'success') AS failed,
  min(time) AS first_seen, max(time) AS last_seen
FROM event
WHERE principal = $principal
  AND outcome IS NOT NULL
GROUP BY action
ORDER BY calls DESC, action
"""

_ADDRESSES = """
SELECT source_ip AS address, count(*) AS calls, count(DISTINCT access_key_id) AS credentials,
  min(time) AS first_seen, max(time) AS last_seen
FROM event
WHERE principal = $principal
  AND outcome IS NOT NULL
GROUP BY source_ip
ORDER BY calls DESC, address
"""

_ON_BEHALF = """
SELECT e.time, e.action, e.source_ip AS service, o.certainty, o.candidates, o.why, o.cause_event_id, o.event_id
FROM on_behalf AS o
JOIN event AS e ON e.event_id = o.event_id
WHERE e.principal = $principal
  AND e.source = 'cloudtrail'
ORDER BY e.time, o.event_id, o.cause_event_id
"""

_FINDINGS = """
SELECT finding_id, source, time, severity, type, title, access_key_id, workload
FROM finding
WHERE principal = $principal
ORDER BY time, finding_id
"""


@dataclass(frozen=True, repr=False)
class Principal(Card):
    """A user, role, service or other that makes calls. The times are those of its first and last call."""

    principal: str
    kind: str
    account_id: str | None
    name: str | None
    unique_id: str | None
    first_seen: datetime | None
    last_seen: datetime | None

    kind_of_card: ClassVar[str] = "principal"
    asks: ClassVar[tuple[str, ...]] = ("api", "data")

    @property
    def heading(self) -> str:
        """Its key."""
        return self.principal

    @property
    def sessions(self) -> Query:
        """Its role sessions or federated sessions, in order of first call."""
        return self._about(_SESSIONS)

    @property
    def credentials(self) -> Query:
        """Its access keys, the workload each was issued to, and how certain that is."""
        return self._about(_CREDENTIALS)

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
        """Calls that services made for it, each with the call that caused it."""
        return self._about(_ON_BEHALF)

    @property
    def findings(self) -> Query:
        """Findings that name it."""
        return self._about(_FINDINGS)

    def _about(self, sql: str) -> Query:
        return self.case.sql(sql, {"principal": self.principal})

    def answers(self) -> tuple[Answer, ...]:
        """That it was only mentioned, where no call of it is in evidence."""
        mentioned = "No call that it made itself is in evidence: other records mention it."
        return (Answer(mentioned),) if self.first_seen is None else ()

    def coverage(self) -> Coverage | None:
        """What was logged in its account between its first and its last call."""
        return spanned(self.case, self.principal, self.first_seen, self.last_seen)

    def leads(self) -> tuple[str, ...]:
        """Its calls in order of time."""
        return (f"Timeline(case).principal({self.principal!r})",)

    def facts(self) -> Mapping[str, Any]:
        """Its row."""
        facts = {"kind": self.kind, "name": self.name, "account": self.account_id, "unique id": self.unique_id}
        return facts | {"first call": self.first_seen, "last call": self.last_seen}

    def parts(self) -> tuple[Part, ...]:
        """Sessions, credentials, actions, addresses, calls on its behalf, findings."""
        span = {"first_seen": "first", "last_seen": "last"}
        calls = {"calls": "calls"} | span
        key = {"access_key_id": "access key", "kind": "kind", "issued_at": "issued", "first_used": "first used"}
        key |= {"last_used": "last used", "workload": "issued to", "certainty": "certainty"}
        caused = {"time": "time", "action": "action", "service": "by", "cause_event_id": "because of"}
        session = {"session": "session", "source_identity": "source identity", "issuer": "assumed by"} | span
        return (
            Part("Sessions", self.sessions, session),
            Part("Credentials", self.credentials, key, none="No access key of it is in evidence."),
            Part("Calls by action", self.actions, {"action": "action", "calls": "calls", "failed": "failed"} | span),
            Part("Calls by address", self.addresses, {"address": "address", "credentials": "keys"} | calls),
            Part("Calls that services made for it", self.on_behalf, caused | {"certainty": "certainty", "why": "why"}),
            findings_part(self.findings, {}),
        )


def principal(case: Case, name: str) -> Principal:
    """The card of a principal by ARN, unique id, session ARN or bare name. Raises UnknownName, AmbiguousName."""
    try:
        key = find_principal(case, name)
    except UnknownName:
        if case.sql("SELECT 1 FROM principal LIMIT 1").rows():
            raise
        raise UnknownName("principal", name, advice=NOT_LOADED) from None
    query = case.sql(_PRINCIPAL, {"principal": key})
    return Principal(case, query, *found(query))
