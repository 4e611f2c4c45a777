"""The card of a session: the logins and keys behind one STS ARN, whose they are, what they called and from where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from forensics.analysis.words import count
from forensics.cards.card import NOT_LOADED, Answer, Card, Part, found, spanned
from forensics.case import Case, Query
from forensics.errors import UnknownName

if TYPE_CHECKING:
    from forensics.covered import Coverage

_SESSION = """
SELECT session, min(principal) AS principal, min(name) AS name, min(source_identity) AS source_identity,
  min(issuer) AS issuer, min(first_seen) AS first_seen, max(last_seen) AS last_seen
FROM session
WHERE session = $session
GROUP BY session
"""

_NEAREST = """
SELECT DISTINCT session, jaro_winkler_similarity(session, $session) AS likeness
FROM session
ORDER BY likeness DESC, session
LIMIT 10
"""

_LOGINS = """
SELECT created_at, kind, person, keys, first_seen, last_seen, login_event_id AS event_id
FROM login
WHERE session = $session
ORDER BY created_at
"""

_CREDENTIALS = """
SELECT access_key_id, issued_at, issued_by_principal, first_used, last_used, workload, workload_certainty AS certainty
FROM credential
WHERE session = $session
ORDER BY first_used IS NULL, first_used, access_key_id
"""

_WORKLOADS = """
SELECT workload, valid_from, valid_to, certainty, evidence_event_ids
FROM lifetime
WHERE holds_kind = 'session'
  AND holds = $session
ORDER BY valid_from, workload
"""

_ACTIONS = """
SELECT action, count(*) AS calls, count(*) FILTER (WHERE outcome <> 'success') AS failed, min(time) AS first_seen,
  max(time) AS last_seen
FROM event
WHERE session = $session
  AND outcome IS NOT NULL
GROUP BY action
ORDER BY calls DESC, action
"""

_ADDRESSES = """
SELECT source_ip AS address, count(*) AS calls, count(DISTINCT access_key_id) AS credentials, min(user_agent) AS user_agent,
  min(time) AS first_seen, max(time) AS last_seen
FROM event
WHERE session = $session
  AND outcome IS NOT NULL
GROUP BY source_ip
ORDER BY calls DESC, address
"""


@dataclass(frozen=True, repr=False)
class Session(Card):
    """A role session or federated session. Logins that share its ARN are told apart in `logins`."""

    session: str
    principal: str | None
    name: str | None
    source_identity: str | None
    issuer: str | None
    first_seen: datetime | None
    last_seen: datetime | None

    kind_of_card: ClassVar[str] = "session"
    asks: ClassVar[tuple[str, ...]] = ("api", "data")

    @property
    def heading(self) -> str:
        """Its STS ARN."""
        return self.session

    @property
    def logins(self) -> Query:
        """The sign-ins and assumptions that share it."""
        return self._about(_LOGINS)

    @property
    def credentials(self) -> Query:
        """Its access keys, and the workload that each was issued to."""
        return self._about(_CREDENTIALS)

    @property
    def workloads(self) -> Query:
        """The workloads that held it, and when."""
        return self._about(_WORKLOADS)

    @property
    def actions(self) -> Query:
        """Its calls by action."""
        return self._about(_ACTIONS)

    @property
    def addresses(self) -> Query:
        """Its calls by address."""
        return self._about(_ADDRESSES)

    def _about(self, sql: str) -> Query:
        return self.case.sql(sql, {"session": self.session})

    def coverage(self) -> Coverage | None:
        """What was logged in its account between its first and its last call."""
        return spanned(self.case, self.session, self.first_seen, self.last_seen)

    def answers(self) -> tuple[Answer, ...]:
        """Which workload held it, and how many logins share it."""
        return tuple(self._said())

    def _said(self) -> Iterator[Answer]:
        held = self.workloads.rows()
        names = list(dict.fromkeys(row[0] for row in held))
        if len(names) == 1:
            yield Answer(f"Held by {names[0]}.", held[0][3])
        elif names:
            yield Answer(f"Held by one of {count(len(names), 'workload')}.", "shared")
        else:
            yield Answer("No record says that a workload held it.")
        logins = len(self.logins.rows())
        if logins > 1:
            yield Answer(
                f"{count(logins, 'login')} share this ARN: one name may be several people or runs.", "recorded"
            )

    def facts(self) -> Mapping[str, Any]:
        """Its row."""
        facts = {"principal": self.principal, "name": self.name, "source identity": self.source_identity}
        return facts | {"issuer": self.issuer, "first call": self.first_seen, "last call": self.last_seen}

    def parts(self) -> tuple[Part, ...]:
        """Workloads, logins, keys, calls."""
        span = {"first_seen": "first", "last_seen": "last"}
        held = {"workload": "workload", "valid_from": "from", "valid_to": "to", "certainty": "certainty"}
        login = {"created_at": "began", "kind": "kind", "person": "person"} | span | {"event_id": "record"}
        key = {"access_key_id": "access key", "issued_at": "issued", "issued_by_principal": "issued by"}
        key |= {"first_used": "first used", "last_used": "last used", "workload": "issued to", "certainty": "certainty"}
        call = {"calls": "calls"}
        address = {"address": "address", "user_agent": "user agent", "credentials": "keys"} | call | span
        return (
            Part("Held by", self.workloads, held | {"evidence_event_ids": "records"}),
            Part("Logins", self.logins, login),
            Part("Access keys", self.credentials, key),
            Part("Calls by address", self.addresses, address, none="No call of it is in evidence."),
            Part("Calls by action", self.actions, {"action": "action"} | call | {"failed": "failed"} | span),
        )

    def leads(self) -> tuple[str, ...]:
        """Its calls in order of time."""
        return (f"Timeline(case).session({self.session!r})",)


def session(case: Case, arn: str) -> Session:
    """The card of a session by its STS ARN. Raises UnknownName with the most similar."""
    query = case.sql(_SESSION, {"session": arn})
    if not query.rows():
        near = [row[0] for row in case.sql(_NEAREST, {"session": arn}).rows()]
        raise UnknownName("session", arn, near, advice="" if near else NOT_LOADED)
    return Session(case, query, *found(query))
