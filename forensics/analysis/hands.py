"""From calls that an analysis asks about to the intrusion that they are part of: whose hands made them, and all else those did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from forensics.analysis.intrusion import Intrusion, follow
from forensics.analysis.suspects import Suspect, in_hand, suspects
from forensics.case import Case

_NEAR = """
SELECT e.event_id
FROM event AS e
WHERE e.source = 'cloudtrail'
  AND e.access_key_id IS NOT NULL
  AND list_contains(CAST(? AS VARCHAR[]), e.source_ip)
UNION ALL
SELECT k.issuance_event_id AS event_id
FROM credential AS k
WHERE k.issuance_event_id IS NOT NULL
  AND list_contains(CAST(? AS VARCHAR[]), k.access_key_id)
"""
"""Calls from the intruder's addresses, and the calls that issued its credentials."""


@dataclass(frozen=True)
class Hands:
    """Every credential at every address that was asked about, judged; and the intrusion of those believed an intruder's.

    `believed` are those and others that came to light with them.
    """

    asked: tuple[Suspect, ...]
    believed: tuple[Suspect, ...]
    intrusion: Intrusion

    @property
    def table(self) -> pd.DataFrame:
        """A row for each credential at an address: whose, how many of the calls asked about, the judgement and why."""
        rows = [
            (
                item.access_key_id,
                item.address,
                item.principal,
                len(item.event_ids),
                item.first,
                *self._judged(item),
            )
            for item in sorted(self.asked, key=lambda item: self._judged(item)[0])
        ]
        return pd.DataFrame(rows, columns=["access_key_id", "address", "principal", "calls", "first", "hands", "why"])

    def _judged(self, item: Suspect) -> tuple[str, str]:
        why = "; ".join(reason.says for reason in item.reasons)
        if item.believed:
            return "an intruder's", why
        if item.access_key_id in self.intrusion.derived:
            return "an intruder's", "an intruder's credential had it issued, or launched what it was issued to"
        return "not taken to be an intruder's", why or "nothing speaks for an intruder"


def hands(case: Case, event_ids: Sequence[str], accused: Mapping[str, str] | None = None) -> Hands:
    """Judge those calls; where an intruder's are among them, judge too what else was called from its addresses.

    Credentials that came of an intruder's are the intrusion's wherever they are used. `accused` as in `suspects`.
    """
    asked = suspects(case, event_ids, accused)
    found, ids = asked, list(dict.fromkeys(event_ids))
    while True:
        believed = [item for item in found if item.believed]
        first = [item for item in believed if all(reason.kind != "came of" for reason in item.reasons)]
        intrusion = follow(case, in_hand(first))
        if not believed:
            return Hands(tuple(asked), tuple(believed), intrusion)
        places = [*intrusion.addresses, *(item.address for item in believed if item.address)]
        near = case.sql(_NEAR, (places, [item.access_key_id for item in believed])).rows()
        wider = list(dict.fromkeys([*ids, *(str(row[0]) for row in near)]))
        if len(wider) == len(ids):
            return Hands(tuple(asked), tuple(believed), intrusion)
        ids = wider
        found = suspects(case, ids, accused)
