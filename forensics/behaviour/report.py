"""What behaviours found: hits with their reasons, and what each behaviour could not look at."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING

from forensics.behaviour import behaviours
from forensics.behaviour.behaviour import STRONG, Behaviour
from forensics.detect import hits as stored
from forensics.detect import ran

if TYPE_CHECKING:
    import pandas as pd

    from forensics.case import Case

SOURCE = "behaviour"
"""`finding.source` of what is stored."""


STATES = ("found", "nothing found", "no records", "not enough past")


@dataclass(frozen=True)
class Hit:
    """One row that a behaviour's statement gave. `evidence_event_ids` are the first of `evidence_count` records."""

    behaviour: str
    type: str
    time: datetime | None
    end_time: datetime | None
    principal: str | None
    access_key_id: str | None
    workload: str | None
    resources: tuple[str, ...]
    severity: float
    title: str
    reasons: tuple[str, ...]
    evidence_event_ids: tuple[str, ...]
    evidence_count: int

    @property
    def finding_id(self) -> str:
        """The same for the same behaviour, records and sentence, in any case."""
        told = "\x1f".join((self.behaviour, self.title, *self.evidence_event_ids))
        return f"behaviour-{hashlib.sha256(told.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"


@dataclass(frozen=True)
class Looked:
    """How one behaviour fared. `state` is found, nothing found, no records or not enough past; `why` says what limits it.

    `hits` are the most severe of `count`.
    """

    behaviour: Behaviour
    state: str
    why: str = ""
    hits: tuple[Hit, ...] = ()
    count: int = 0

    @property
    def strong(self) -> int:
        """Hits that are more than something to keep in mind."""
        return sum(hit.severity >= STRONG for hit in self.hits)


@dataclass(frozen=True)
class Report:
    """The behaviours that were asked for, in the order asked."""

    looked: tuple[Looked, ...]

    @property
    def hits(self) -> tuple[Hit, ...]:
        """All hits kept, the most severe first, then by time."""
        found = (hit for item in self.looked for hit in item.hits)
        return tuple(sorted(found, key=lambda hit: (-hit.severity, str(hit.time), hit.behaviour, hit.title)))

    def df(self) -> pd.DataFrame:
        """A row per hit, with its reasons and evidence as lists."""
        import pandas as pd

        names = ["finding_id", *(field.name for field in fields(Hit))]
        return pd.DataFrame([[getattr(hit, name) for name in names] for hit in self.hits], columns=names)

    def summary(self) -> pd.DataFrame:
        """A row per behaviour: its question, how it fared, hits, those of severity 5 and more, and what limits it."""
        import pandas as pd

        return pd.DataFrame(
            {
                "behaviour": [item.behaviour.name for item in self.looked],
                "question": [item.behaviour.question for item in self.looked],
                "state": [item.state for item in self.looked],
                "hits": [item.count for item in self.looked],
                "strong": [item.strong for item in self.looked],
                "why": [item.why for item in self.looked],
            }
        )

    def store(self, case: Case) -> int:
        """Replace the case's findings of source `behaviour` by these hits; gives how many. The case must be open for writing."""
        stored.prepare(case.connection)
        found = {hit.finding_id: hit for hit in self.hits}
        if found:
            case.connection.executemany(
                "INSERT INTO hit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [_row(hit) for hit in found.values()]
            )
            case.connection.executemany(
                "INSERT INTO hit_evidence VALUES (?, ?, ?)",
                [
                    [hit.finding_id, event_id, "; ".join(hit.reasons)]
                    for hit in found.values()
                    for event_id in hit.evidence_event_ids
                ],
            )
        made = ran.Ran(SOURCE, said=self.summed, part=len(self.looked) < len(behaviours()))
        return stored.store(
            case.connection, SOURCE, lambda count: ran.remember(case.connection, replace(made, findings=count))
        )

    @property
    def summed(self) -> str:
        """How many behaviours were asked for, in which states."""
        counted = Counter(item.state for item in self.looked)
        states = (f"{counted[state]} {state}" for state in STATES if counted[state])
        return f"{len(self.looked)} behaviours: {', '.join(states) or 'none'}"


def _row(hit: Hit) -> list[object]:
    who = [hit.principal, hit.access_key_id, hit.workload, list(hit.resources) or None, hit.title]
    return [hit.finding_id, SOURCE, hit.type, hit.severity, hit.time, hit.end_time, *who]
