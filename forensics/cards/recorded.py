"""The card of `Case.logged`: whether data events of a resource were recorded at a moment, trail by trail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from forensics.analysis.words import at, count
from forensics.cards.card import Answer, Card, Part
from forensics.case import Query
from forensics.logged import NEAR, Logged

_WORDS = {True: "yes", False: "no", None: "in part, or not known"}

_ACTS = """
SELECT time, source, action, principal, source_ip, outcome, event_id
FROM event
WHERE list_contains(CAST($event_ids AS VARCHAR[]), event_id)
ORDER BY time, event_id
"""


@dataclass(frozen=True, repr=False)
class Recorded(Card):
    """What a Logged shows of itself; its rows are the data events near the moment."""

    logged: Logged

    kind_of_card: ClassVar[str] = "data events"
    asks: ClassVar[tuple[str, ...]] = ("data",)

    @property
    def call(self) -> str:
        """The Python text that makes it."""
        return f"case.logged({self.logged.arn!r}, at={self.logged.at.isoformat(sep=' ')!r})"

    @property
    def heading(self) -> str:
        """The resource and the moment."""
        return f"{self.logged.arn} at {at(self.logged.at)}"

    @property
    def acts(self) -> Query:
        """The acts and records that say so."""
        return self.case.sql(_ACTS, {"event_ids": self.logged.event_ids})

    def answers(self) -> tuple[Answer, ...]:
        """The answer, and what each trail did."""
        return tuple(self._said())

    def _said(self) -> Iterator[Answer]:
        found = self.logged
        minutes = int(NEAR.total_seconds() // 60)
        seen = f"{count(found.records, 'data event')} of it within {minutes} minutes of that moment"
        yield Answer(f"Recorded: {found.answer}; {seen}.", found.answer)
        for rule in found.rules:
            yield Answer(f"{rule.trail}: {rule.why}.", "trail")
        if not found.rules:
            yield Answer("Nothing in evidence says what any trail selected at that time.")

    def facts(self) -> Mapping[str, Any]:
        """Reads and writes told apart."""
        return {"reads": _WORDS[self.logged.reads], "writes": _WORDS[self.logged.writes]}

    def parts(self) -> tuple[Part, ...]:
        """The acts and records that say so."""
        act = {"time": "time", "source": "source", "action": "action", "principal": "principal", "source_ip": "from"}
        return (Part("Acts and records that say so", self.acts, act | {"outcome": "outcome", "event_id": "record"}),)

    def leads(self) -> tuple[str, ...]:
        """The resource."""
        return (f"case.resource({self.logged.arn!r})",)
