"""The card of a resource: who touched it and how, what was found of it, and whether its data events were logged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from forensics.analysis.words import count, during
from forensics.cards.card import NOT_LOADED, Answer, Card, Part, spanned
from forensics.case import Case, Query
from forensics.errors import UnknownName, UsageError
from forensics.logged import Logged, logged

if TYPE_CHECKING:
    from forensics.covered import Coverage

_SEEN = """
SELECT source, count(*) AS events, min(time) AS first_seen, max(time) AS last_seen
FROM event
WHERE list_contains(resources, $resource)
GROUP BY source
ORDER BY events DESC, source
"""

_CALLERS = """
SELECT principal, action, count(*) AS events, count(*) FILTER (WHERE outcome IN ('denied', 'error')) AS failed,
  CAST(sum(bytes) AS BIGINT) AS bytes, count(DISTINCT source_ip) AS addresses, min(time) AS first_seen, max(time) AS last_seen
FROM event
WHERE list_contains(resources, $resource)
GROUP BY principal, action
ORDER BY events DESC, principal, action
"""

_ADDRESSES = """
SELECT source_ip AS address, count(*) AS events, count(DISTINCT principal) AS principals,
  count(DISTINCT access_key_id) AS credentials, min(time) AS first_seen, max(time) AS last_seen
FROM event
WHERE list_contains(resources, $resource)
  AND source_ip IS NOT NULL
GROUP BY source_ip
ORDER BY events DESC, address
"""

_FINDINGS = """
SELECT finding_id, severity, time, source, title
FROM finding
WHERE list_contains(resources, $resource)
ORDER BY severity DESC, time, finding_id
"""

_LIVES = """
SELECT resource_type, valid_from, valid_to, last_seen, evidence_event_ids
FROM config_life
WHERE arn = $resource
  OR resource_id = $resource
ORDER BY valid_from, resource_type
"""

_NEAREST = """
SELECT u.resource, jaro_winkler_similarity(u.resource, $resource) AS likeness
FROM (SELECT DISTINCT resources FROM event) AS e, unnest(e.resources) AS u(resource)
GROUP BY u.resource
ORDER BY likeness DESC, u.resource
LIMIT 10
"""


@dataclass(frozen=True, repr=False)
class Resource(Card):
    """A bucket, key, function or other that events are about; its rows are those events, by source."""

    resource: str

    kind_of_card: ClassVar[str] = "resource"
    asks: ClassVar[tuple[str, ...]] = ("api", "data", "state")

    @property
    def heading(self) -> str:
        """Its ARN or id."""
        return self.resource

    @property
    def callers(self) -> Query:
        """Who did what with it."""
        return self._about(_CALLERS)

    @property
    def addresses(self) -> Query:
        """From where."""
        return self._about(_ADDRESSES)

    @property
    def findings(self) -> Query:
        """Findings that name it."""
        return self._about(_FINDINGS)

    @property
    def lives(self) -> Query:
        """When AWS Config saw it."""
        return self._about(_LIVES)

    def _about(self, sql: str) -> Query:
        return self.case.sql(sql, {"resource": self.resource})

    @cached_property
    def counted(self) -> list[tuple[Any, ...]]:
        """Its rows, read once."""
        return self.rows()

    @cached_property
    def span(self) -> tuple[datetime | None, datetime | None]:
        """The first and the last time of an event about it."""
        times = [moment for row in self.counted for moment in row[2:] if moment]
        return min(times, default=None), max(times, default=None)

    @cached_property
    def recorded(self) -> Logged | None:
        """Whether its data events were recorded at its last event; None of a kind of which that is no question."""
        last = self.span[1]
        try:
            return logged(self.case, self.resource, last) if last else None
        except UsageError:
            return None

    def coverage(self) -> Coverage | None:
        """What was logged in its account from the first to the last event about it."""
        return spanned(self.case, self.resource, *self.span)

    def answers(self) -> tuple[Answer, ...]:
        """How many events, from when to when, and whether its data events were logged."""
        return tuple(self._said())

    def _said(self) -> Iterator[Answer]:
        rows = self.counted
        total = sum(row[1] for row in rows)
        by = ", ".join(f"{row[1]:,} of {row[0]}" for row in rows)
        yield Answer(f"{count(total, 'event')} about it {during(*self.span)}: {by}.", "events")
        if (found := self.recorded) is not None:
            yield Answer(str(found).replace("\n", ";"), "logged")

    def parts(self) -> tuple[Part, ...]:
        """Findings, callers, addresses, lives."""
        span = {"first_seen": "first", "last_seen": "last"}
        finding = {"severity": "severity", "time": "time", "title": "title", "finding_id": "finding"}
        caller = {
            "principal": "principal",
            "action": "action",
            "events": "events",
            "failed": "failed",
            "bytes": "bytes",
        }
        address = {"address": "address", "events": "events", "principals": "principals", "credentials": "keys"}
        life = {"resource_type": "type", "valid_from": "from", "valid_to": "to", "last_seen": "last seen"}
        return (
            Part("Findings", self.findings, finding),
            Part("Who did what with it", self.callers, caller | {"addresses": "addresses"} | span),
            Part("From where", self.addresses, address | span),
            Part("Seen by AWS Config", self.lives, life | {"evidence_event_ids": "records"}),
        )

    def leads(self) -> tuple[str, ...]:
        """Its events; whether its data events were logged."""
        last = self.span[1]
        ask = f"case.logged({self.resource!r}, at={last.isoformat(sep=' ')!r})" if last and self.recorded else ""
        return (f"Timeline(case).resource({self.resource!r})", *([ask] if ask else []))


def resource(case: Case, name: str) -> Resource:
    """The card of an ARN or id that an event is about. Raises UnknownName with the most similar."""
    made = Resource(case, case.sql(_SEEN, {"resource": name}), name)
    if made.counted or made.lives.rows():
        return made
    near = [row[0] for row in case.sql(_NEAREST, {"resource": name}).rows()]
    raise UnknownName("resource", name, near, advice="" if near else NOT_LOADED)
