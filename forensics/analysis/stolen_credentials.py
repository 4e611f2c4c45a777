"""Was any access key or session used by somebody other than its owner, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from forensics.analysis.answer import Answer
from forensics.analysis.betrayal import Hands, accused, of_keys, used_outside
from forensics.analysis.consequences import consequences
from forensics.analysis.gaps import Gap
from forensics.analysis.holdings import basis
from forensics.analysis.statement import Statement
from forensics.analysis.words import at, count, listed
from forensics.case import Case, Query
from forensics.errors import UnknownName, UsageError
from forensics.identity import find_principal

SOURCES = ("cloudtrail", "guardduty", "vpc_flow", "s3_access")

MOST_NAMED = 5
"""Credentials that the verdict names; the statements have them all."""

_KNOWN = "SELECT access_key_id FROM credential WHERE access_key_id = ?"
_OF_SESSION = "SELECT access_key_id FROM credential WHERE session = ? ORDER BY access_key_id"
_OF_PRINCIPAL = "SELECT access_key_id FROM credential WHERE principal = ? ORDER BY access_key_id"

_CAME_OF = """
SELECT DISTINCT l.ancestor_access_key_id
FROM lineage AS l
JOIN credential AS k ON k.access_key_id = l.ancestor_access_key_id
WHERE list_contains(CAST(? AS VARCHAR[]), l.access_key_id)
ORDER BY l.ancestor_access_key_id
"""

_ANCESTRY = """
SELECT l.access_key_id, l.hops, coalesce(l.ancestor_access_key_id, l.ancestor_principal) AS came_of,
  coalesce(a.workload, a.principal) AS of_whom, l.certainty, k.issued_at, k.issuance_event_id
FROM lineage AS l
JOIN credential AS k ON k.access_key_id = l.access_key_id
LEFT JOIN credential AS a ON a.access_key_id = l.ancestor_access_key_id
WHERE list_contains(CAST(? AS VARCHAR[]), l.access_key_id)
ORDER BY k.issued_at, l.access_key_id, l.hops
"""


@dataclass(frozen=True)
class StolenCredentials(Answer):
    """The answer: every use of the credentials asked about, where they came from, and what came of those misused."""

    hands: Hands
    asked: str | None = None

    @property
    def found(self) -> bool:
        """Whether any credential is in an intruder's hands."""
        return bool(self.intrusion.stolen)

    def own(self) -> list[Statement]:
        """First uses from outside, and why other credentials are taken to be in an intruder's hands."""
        return self.hands.statements()

    @property
    def verdict(self) -> str:
        """Whose credentials are in an intruder's hands since when, and what came of them; or what was looked at."""
        if self.found:
            return f"{self._stolen()} {consequences(self.intrusion)}{self._doubt()}"
        about = f"credentials of {self.asked}" if self.asked else "any credential"
        looked = f"{count(len({use.access_key_id for use in self.hands.uses}), 'credential')} looked at, "
        looked += f"{count(sum(use.calls for use in self.hands.uses), 'call')}" if self.hands.uses else "no call"
        return f"No use of {about} by somebody else was found: {looked}.{self._doubt()} {basis(self.case, SOURCES)}"

    def _stolen(self) -> str:
        stolen = {place.access_key_id: place for place in reversed(self.hands.places) if place.place == "outside"}
        first = sorted(
            (place for place in stolen.values() if place.access_key_id in self.intrusion.stolen),
            key=lambda place: (place.first_used is None, place.first_used),
        )
        named = [f"{place.access_key_id} of {place.whose or 'an unknown owner'}" for place in first]
        number = len(self.intrusion.stolen)
        return (
            f"{count(number, 'credential')} {'is' if number == 1 else 'are'} in an intruder's hands"
            f" ({listed(named, MOST_NAMED)}), first at {at(first[0].first_used if first else None)}."
        )

    def _doubt(self) -> str:
        open_ = sorted({place.address for place in self.hands.places if place.place == "undetermined"})
        return f" Undetermined: {listed(open_)}." if open_ else ""

    @property
    def ancestry(self) -> Query:
        """Where each credential of the intrusion, or asked about, came from: up to its first issuer."""
        keys = sorted({*self.intrusion.keys, *(use.access_key_id for use in self.hands.uses)})
        return self.case.sql(_ANCESTRY, (keys,))

    def open_questions(self) -> list[Gap]:
        """What stays open of this incident."""
        return misuse_gaps(self.hands) if self.found else []


def look(
    case: Case,
    *,
    access_key_id: str | None = None,
    session: str | None = None,
    principal: str | None = None,
    finding_id: str | None = None,
) -> StolenCredentials:
    """Follow one credential, those of a session or principal, or the one that a finding names; up and down its lineage.

    With none given: every credential of a workload that was used from outside, and every one that a finding accuses.
    Raises UsageError where more than one is given, UnknownName, AmbiguousName.
    """
    given = [item for item in (access_key_id, session, principal, finding_id) if item]
    if len(given) > 1:
        raise UsageError(f"give only one of access_key_id, session, principal, finding_id; {len(given)} were given")
    if not given:
        hands = of_keys(case, [*used_outside(case), *accused(case)])
        return StolenCredentials(case, hands.intrusion, None, hands)
    keys = _asked(case, access_key_id, session, principal=principal, finding_id=finding_id)
    above = [str(row[0]) for row in case.sql(_CAME_OF, (keys,)).rows()]
    hands = of_keys(case, [*keys, *above])
    return StolenCredentials(case, hands.intrusion, None, hands, given[0])


def _asked(
    case: Case, access_key_id: str | None, session: str | None, *, principal: str | None, finding_id: str | None
) -> list[str]:
    if finding_id:
        access_key_id = _of_finding(case, finding_id)
    if access_key_id:
        return _some(case, _KNOWN, access_key_id, kind="access key id", column="access_key_id")
    if session:
        return _some(case, _OF_SESSION, session, kind="session", column="session")
    return [str(row[0]) for row in case.sql(_OF_PRINCIPAL, (find_principal(case, principal or ""),)).rows()]


def _some(case: Case, sql: str, name: str, *, kind: str, column: str) -> list[str]:
    found = [str(row[0]) for row in case.sql(sql, (name,)).rows()]
    if not found:
        known = f"SELECT DISTINCT {column} FROM credential WHERE {column} IS NOT NULL ORDER BY {column} LIMIT 11"
        raise UnknownName(kind, name, (str(row[0]) for row in case.sql(known).rows()))
    return found


def _of_finding(case: Case, finding_id: str) -> str:
    rows = case.sql("SELECT access_key_id FROM finding WHERE finding_id = ?", (finding_id,)).rows()
    if not rows:
        known = case.sql("SELECT finding_id FROM finding ORDER BY finding_id LIMIT 11").rows()
        raise UnknownName("finding", finding_id, (str(row[0]) for row in known))
    if not rows[0][0]:
        raise UsageError(f"the finding {finding_id} names no credential: give the access key id or the principal")
    return str(rows[0][0])


def misuse_gaps(hands: Hands) -> list[Gap]:
    """What logs leave open wherever credentials were misused."""
    addresses: Sequence[str] = hands.intrusion.addresses
    found = [
        Gap(
            f"Who was at {listed(list(addresses))}",
            "logs give an address, not a person; a public address changes hands",
            "ask the network's owner; compare with findings and other accounts' logs",
        ),
        Gap(
            "How the credential came into other hands",
            "reads of metadata, environment variables, files and memory leave no AWS log",
            "access logs of what stands before the workload; its disk and memory, if it still runs; the owner's computer",
        ),
    ]
    without = [str(row[0]) for row in hands.intrusion.case.sql(_NOT_ISSUED, (list(hands.intrusion.stolen),)).rows()]
    if without:
        found.append(
            Gap(
                f"When and by whom {listed(without)} was issued",
                "the call that minted it is not in evidence: before the logs, in another region, or filtered as read-only",
                "collect earlier objects of the trail, and those of us-east-1",
            )
        )
    return found


_NOT_ISSUED = """
SELECT k.access_key_id
FROM credential AS k
WHERE list_contains(CAST(? AS VARCHAR[]), k.access_key_id)
  AND k.issuance_event_id IS NULL
ORDER BY k.access_key_id
"""
