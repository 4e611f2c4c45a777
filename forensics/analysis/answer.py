"""The answer of a playbook: a verdict, statements that cite records, what stays open, what to do next."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from forensics.analysis import issuance, traces
from forensics.analysis.containment import containment
from forensics.analysis.gaps import Gap, gaps
from forensics.analysis.intrusion import Intrusion
from forensics.analysis.isolation import Command, in_phases
from forensics.analysis.statement import Statement, cited
from forensics.case import Case, Query
from forensics.timeline import Timeline

_LINEAGE = """
SELECT k.access_key_id, CASE WHEN list_contains(?, k.access_key_id) THEN 'stolen' ELSE 'came of it' END AS role,
  k.kind, k.principal, k.issued_at, coalesce(k.issued_by_access_key_id, k.issued_by_principal) AS issued_by, k.expires_at,
  k.first_used, k.last_used
FROM credential AS k
WHERE list_contains(?, k.access_key_id)
ORDER BY k.issued_at, k.access_key_id
"""

_TOUCHED = """
SELECT u.resource, count(*) AS calls, string_agg(DISTINCT t.action, ', ' ORDER BY t.action) AS actions,
  count(*) FILTER (WHERE t.outcome = 'success') AS succeeded, count(*) FILTER (WHERE t.outcome <> 'success') AS refused,
  min(t.time) AS first, max(t.time) AS last
FROM timeline AS t, unnest(t.resources) AS u(resource)
GROUP BY u.resource
ORDER BY min(t.time), u.resource
"""


@dataclass(frozen=True)
class Answer(ABC):
    """What an analysis found; each analysis derives its own, with the tables that its playbook shows.

    `intrusion` is everything done with credentials that are in an intruder's hands, empty where there is none;
    `subject` is the workload that was asked about, if it was one.
    """

    case: Case
    intrusion: Intrusion
    subject: str | None

    @property
    @abstractmethod
    def verdict(self) -> str:
        """The answer in a few sentences: what was found or that nothing was, and what that rests on."""

    def own(self) -> Iterable[Statement]:
        """The analysis's own statements, their records named but not looked up (`statement.named`)."""
        return ()

    def open_questions(self) -> Iterable[Gap]:
        """What of this very question stays open."""
        return ()

    def steps(self) -> Iterable[Command]:
        """Commands of this very analysis, before those that every intrusion calls for."""
        return ()

    @property
    def found(self) -> bool:
        """Whether anything of the kind that was asked for was found."""
        return bool(self.intrusion.stolen or any(True for _ in self.own()))

    def further(self) -> Iterator[Statement]:
        """What the intruder did besides what the analysis's own statements tell of: issuances, calls, traffic, findings."""
        if self.intrusion.stolen:
            yield from issuance.issuances(self.intrusion)
            yield from traces.calls(self.intrusion)
            yield from traces.traffic(self.intrusion)
            yield from traces.findings(self.intrusion)

    @cached_property
    def statements(self) -> list[Statement]:
        """Everything found, each with its records, in order of time: the analysis's own, then what the intruder did."""
        return cited(self.case, in_order([*self.own(), *self.further()]))

    @property
    def timeline(self) -> Timeline:
        """The records that the statements cite."""
        ids = sorted({place.event_id for item in self.statements for place in item.evidence})
        return Timeline(self.case).where("list_contains(CAST(? AS VARCHAR[]), event_id)", ids)

    @property
    def lineage(self) -> Query:
        """Every credential of the intrusion: who it acts as, when and by which credential it was issued, first use."""
        return self.case.sql(_LINEAGE, (list(self.intrusion.stolen), list(self.intrusion.keys)))

    @property
    def touched(self) -> Query:
        """Every resource that the intruder's calls name: with which actions, and how they ended."""
        return self.intrusion.calls.select(_TOUCHED)

    @property
    def gaps(self) -> list[Gap]:
        """What stays open: of this question, then of the case as a whole."""
        return [*self.open_questions(), *gaps(self.case)]

    @property
    def containment(self) -> list[Command]:
        """Commands for a person to run, phase by phase, each once; empty where nothing was found."""
        return in_phases([*self.steps(), *(containment(self.intrusion, self.subject) if self.intrusion.stolen else [])])


def in_order(statements: Iterable[Statement]) -> list[Statement]:
    """By time, those without one last."""
    return sorted(statements, key=_place)


def _place(item: Statement) -> tuple[bool, str, int, str]:
    return item.time is None, str(item.time), _RANK.get(item.id.partition("-")[0], 2), item.id


_RANK = {
    "issuance": 0,
    "leak": 1,
    "theft": 2,
    "hand": 2,
    "entered": 2,
    "call": 3,
    "silence": 3,
    "access": 4,
    "flow": 4,
    "finding": 5,
}
"""Of one moment, what came first; an analysis's own statements come with a theft's first use."""
