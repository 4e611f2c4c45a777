"""Statements on where the credentials of an intrusion came from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from forensics.analysis.intrusion import Intrusion
from forensics.analysis.statement import Statement, named, weakest
from forensics.analysis.words import at

_ISSUED = """
SELECT k.access_key_id, k.principal, k.session, k.issued_at, k.expires_at, k.issued_by_principal, k.issuance_event_id,
  k.workload, k.workload_certainty, k.issuance_certainty,
  CASE WHEN e.action = 'sts:AssumeRoleWithWebIdentity' THEN e.source_ip END AS asked_from
FROM credential AS k
LEFT JOIN event AS e ON e.event_id = k.issuance_event_id AND e.source = 'cloudtrail'
WHERE list_contains(CAST(? AS VARCHAR[]), k.access_key_id)
  AND k.issuance_event_id IS NOT NULL
ORDER BY k.issued_at, k.access_key_id
"""


def issuances(
    intrusion: Intrusion, keys: Sequence[str] | None = None, *, prefix: str = "issuance"
) -> Iterator[Statement]:
    """A statement for each stolen credential, or each of those, whose issuance is in evidence."""
    wanted = list(intrusion.stolen if keys is None else keys)
    for number, row in enumerate(intrusion.case.sql(_ISSUED, (wanted,)).rows(), 1):
        key, principal, session, issued, expires, issuer, event_id, workload, certainty, issuance, asked_from = row
        yield Statement(
            id=f"{prefix}-{number:02d}",
            title=f"{key} was issued" + (f" to {workload.rpartition(':')[2]}" if workload else ""),
            statement=(
                f"At {at(issued)} {issuer or 'an issuer not named'} issued the credential {key} for {principal}"
                + (f", session {session.rpartition('/')[2]}" if session else "")
                + (f", to whoever asked from {asked_from} with a web identity's token" if asked_from else "")
                + (f", valid until {at(expires)}" if expires else "")
                + (f" ({issuance}: the record itself names no key)" if issuance != "recorded" else "")
                + (f". It belongs to {workload} ({certainty})." if workload else ".")
            ),
            time=issued,
            certainty=weakest(word for word in (issuance, certainty) if word),
            principal=principal,
            workload=workload,
            evidence=named([event_id]),
        )
