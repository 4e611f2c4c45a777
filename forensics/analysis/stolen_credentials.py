"""Was any access key or session used by somebody other than its owner, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from forensics.analysis.betrayal import accused, of_keys, used_outside
from forensics.analysis.consequences import consequences
from forensics.analysis.holdings import basis
from forensics.analysis.misuse import Misuse
from forensics.analysis.words import count
from forensics.case import Case
from forensics.errors import UnknownName, UsageError
from forensics.identity import find_principal

SOURCES = ("cloudtrail", "guardduty", "vpc_flow", "s3_access")

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


@dataclass(frozen=True)
class StolenCredentials(Misuse):
    """The answer: every use of the credentials asked about, where they came from, and what came of those misused."""

    asked: str | None = None

    @property
    def verdict(self) -> str:
        """Whose credentials are in an intruder's hands since when, and what came of them; or what was looked at."""
        if self.found:
            return f"{self.in_hand} {consequences(self.intrusion)}{self.doubt}"
        about = f"credentials of {self.asked}" if self.asked else "any credential"
        looked = f"{count(len({use.access_key_id for use in self.hands.uses}), 'credential')} looked at, "
        looked += f"{count(sum(use.calls for use in self.hands.uses), 'call')}" if self.hands.uses else "no call"
        return f"No use of {about} by somebody else was found: {looked}.{self.doubt} {basis(self.case, SOURCES)}"


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
