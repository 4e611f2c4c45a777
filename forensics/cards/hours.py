"""The card of coverage: what was logged of which log, account and Region, hour by hour, and why not the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from forensics.analysis.words import at, listed
from forensics.cards.card import Answer, Card, Part
from forensics.cards.tables import SHORT
from forensics.case import Query
from forensics.covered import Coverage
from forensics.export.covering import PLACES

_GAPS = """
SELECT source, account_id, region, status, cause, count(*) AS hours, min(hour) AS first_hour, max(hour) AS last_hour,
  min(event_id) AS event_id
FROM covered
WHERE status NOT IN ('present', 'silent')
GROUP BY source, account_id, region, status, cause
ORDER BY CASE status WHEN 'tampered' THEN 1 WHEN 'switched_off' THEN 2 WHEN 'missing' THEN 3 ELSE 4 END, hours DESC, source,
  account_id, region, cause
"""


@dataclass(frozen=True, repr=False)
class Hours(Card):
    """What a Coverage shows of itself."""

    covered: Coverage

    kind_of_card: ClassVar[str] = "coverage"
    opened: ClassVar[bool] = True
    asks: ClassVar[tuple[str, ...]] = ("api", "data", "traffic", "names", "workload", "requests")

    @property
    def call(self) -> str:
        """The Python text that makes it."""
        scope = self.covered.scope
        calls = (("source", scope.sources), ("account", scope.accounts), ("region", scope.regions))
        made = "".join(f".{name}({', '.join(map(repr, given))})" for name, given in calls if given)
        ends = tuple(moment.isoformat(sep=" ") if moment else None for moment in (scope.start, scope.end))
        return f"case.coverage(){made}{f'.between({ends[0]!r}, {ends[1]!r})' if any(ends) else ''}"

    @property
    def heading(self) -> str:
        """What it is narrowed to, in words."""
        scope = self.covered.scope
        parts = [listed(list(names), SHORT) for names in (scope.sources, scope.accounts, scope.regions) if names]
        ends = ((scope.start, "from"), (scope.end, "until"))
        return "; ".join([*parts, *(f"{word} {at(moment)}" for moment, word in ends if moment)]) or "all logs"

    @property
    def places(self) -> Query:
        """Hours of each log, account and Region, by status."""
        return self.covered.select(PLACES)

    @property
    def gaps(self) -> Query:
        """What is not logged, and why, the most telling first."""
        return self.covered.select(_GAPS)

    def answers(self) -> tuple[Answer, ...]:
        """That nothing is known, where that is so; all else is said as coverage."""
        return () if self.covered.badge.logs else (Answer("No log of this window is in evidence.", "unknown"),)

    def coverage(self) -> Coverage:
        """Itself."""
        return self.covered

    def parts(self) -> tuple[Part, ...]:
        """What is not logged, then every place."""
        place = {"source": "log", "account_id": "account", "region": "Region"}
        span = {"first_hour": "first hour", "last_hour": "last hour"}
        gap = place | {"status": "status", "hours": "hours"} | span | {"cause": "why", "event_id": "record"}
        states = ("hours", "logged", "switched_off", "tampered", "missing", "unknown", "records")
        every = place | {state: state.replace("_", " ") for state in states} | span
        return (
            Part("Not logged", self.gaps, gap, limit=12),
            Part("By account and Region", self.places, every, limit=12),
        )


def hours(covered: Coverage) -> Hours:
    """The card of coverage."""
    return Hours(covered.case, covered.query, covered)
