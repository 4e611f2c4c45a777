"""What the analyses of misused credentials share: whose they are, where they came from, what stays open, what to do."""

from __future__ import annotations

from dataclasses import dataclass

from forensics.analysis.answer import Answer
from forensics.analysis.betrayal import Hands
from forensics.analysis.gaps import Gap, not_issued, who_was_at
from forensics.analysis.isolation import Command, isolation
from forensics.analysis.statement import Statement
from forensics.analysis.words import at, count, listed
from forensics.case import Query

MOST_NAMED = 5
"""Credentials that a verdict names; the statements have them all."""

_ANCESTRY = """
SELECT l.access_key_id, l.hops, coalesce(l.ancestor_access_key_id, l.ancestor_principal) AS came_of,
  coalesce(a.workload, a.principal) AS of_whom, l.certainty, k.issued_at, k.issuance_event_id
FROM lineage AS l
JOIN credential AS k ON k.access_key_id = l.access_key_id
LEFT JOIN credential AS a ON a.access_key_id = l.ancestor_access_key_id
WHERE list_contains(CAST(? AS VARCHAR[]), l.access_key_id)
ORDER BY k.issued_at, l.access_key_id, l.hops
"""

_OWNERS = """
SELECT DISTINCT k.workload
FROM credential AS k
WHERE list_contains(CAST(? AS VARCHAR[]), k.access_key_id)
  AND k.workload IS NOT NULL
ORDER BY k.workload
"""


@dataclass(frozen=True)
class Misuse(Answer):
    """An answer that rests on which credentials are in an intruder's hands."""

    hands: Hands

    @property
    def found(self) -> bool:
        """Whether any credential is in an intruder's hands."""
        return bool(self.intrusion.stolen)

    def own(self) -> list[Statement]:
        """First uses from outside, and why other credentials are taken to be in an intruder's hands."""
        return self.hands.statements()

    @property
    def in_hand(self) -> str:
        """The credentials in an intruder's hands, and since when, in a sentence."""
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

    @property
    def doubt(self) -> str:
        """Addresses of which nothing shows whose place they are, in a sentence; empty where there are none."""
        undetermined = sorted({place.address for place in self.hands.places if place.place == "undetermined"})
        return f" Undetermined: {listed(undetermined)}." if undetermined else ""

    @property
    def ancestry(self) -> Query:
        """Where each credential of the intrusion, or asked about, came from: up to its first issuer."""
        keys = sorted({*self.intrusion.keys, *(use.access_key_id for use in self.hands.uses)})
        return self.case.sql(_ANCESTRY, (keys,))

    @property
    def robbed(self) -> list[str]:
        """The workloads whose credentials are in an intruder's hands."""
        return [str(row[0]) for row in self.case.sql(_OWNERS, (list(self.intrusion.stolen),)).rows()]

    def steps(self) -> list[Command]:
        """Preserve, isolate and stop the workloads whose credentials were stolen."""
        return isolation(self.case, self.robbed)

    def open_questions(self) -> list[Gap]:
        """What logs leave open wherever credentials were misused."""
        if not self.found:
            return []
        return [
            who_was_at(self.intrusion.addresses),
            Gap(
                "How the credential came into other hands",
                "reads of metadata, environment variables, files and memory leave no AWS log",
                "logs of what stands before the workload; its disk and memory, if it still runs; the owner's computer",
            ),
            *not_issued(self.case, list(self.intrusion.stolen)),
        ]
