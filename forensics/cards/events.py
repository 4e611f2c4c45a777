"""The card of a Timeline: what it is narrowed to, how much it holds, its first events, and the texts that make it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, ClassVar

from forensics.analysis.words import count, during, listed
from forensics.cards.card import Answer, Card, Part
from forensics.cards.tables import SHORT
from forensics.case import Query
from forensics.errors import ForensicsError
from forensics.report.display import Shown
from forensics.timeline import Step, Timeline

if TYPE_CHECKING:
    from forensics.covered import Coverage

MOST_TAGS = 10_000
"""Tags of events up to which a card shows them beside its events."""

FIRST = 12
"""Events that a card shows."""

_COUNTED = """
SELECT source, count(*) AS events, min(time) AS first_seen, max(time) AS last_seen
FROM timeline
GROUP BY source
ORDER BY events DESC, source
"""

_BOUND = f"""
SELECT max(time) AS latest, count(*) AS events
FROM (SELECT time FROM timeline WHERE time IS NOT NULL ORDER BY time LIMIT {FIRST}) AS first
"""

_TAGS = """
, noted AS (
  SELECT u.pair[1] AS event_id, array_agg(u.pair[2] ORDER BY u.pair[2]) AS tags
  FROM unnest(CAST(? AS VARCHAR[][])) AS u(pair)
  GROUP BY u.pair[1]
)
"""
"""Put before `_ROWS`."""

_ROWS = f"""
, first AS (
  SELECT event_id, time, source, action, outcome, principal, source_ip, destination_ip, resources
  FROM timeline
  ORDER BY time, event_id
  LIMIT {FIRST}
), held AS (
  SELECT a.event_id, a.question = 'issued_to' AS issued,
    CASE WHEN count(DISTINCT a.workload) = 1 THEN min(a.workload) END AS workload,
    replace(min(a.question), '_', ' ')
      || CASE WHEN count(DISTINCT a.workload) > 1 THEN ', one of ' || count(DISTINCT a.workload) ELSE '' END AS question,
    CASE WHEN count(DISTINCT a.workload) > 1 THEN 'shared'
      ELSE arg_min(a.certainty, CASE a.certainty
        WHEN 'recorded' THEN 1 WHEN 'matched' THEN 2 WHEN 'bounded' THEN 3 WHEN 'inferred' THEN 4 ELSE 5 END) END AS certainty
  FROM attribution AS a
  WHERE a.event_id IN (SELECT event_id FROM first)
  GROUP BY a.event_id, a.question = 'issued_to'
)
SELECT f.time, f.source, f.action, f.outcome, f.principal, f.source_ip, f.destination_ip, f.resources,
  coalesce(i.workload, p.workload) AS workload, coalesce(i.question, p.question) AS question,
  coalesce(i.certainty, p.certainty) AS certainty,
  CASE WHEN i.question IS NOT NULL THEN coalesce(p.workload, p.question) END AS used_from,
  CASE WHEN i.question IS NOT NULL THEN p.certainty END AS used_certainty, f.event_id, {{tags}}
FROM first AS f
LEFT JOIN held AS i ON i.event_id = f.event_id AND i.issued
LEFT JOIN held AS p ON p.event_id = f.event_id AND NOT p.issued{{join}}
ORDER BY f.time, f.event_id
"""

_WORDS: Mapping[str, str] = {
    "principal": "calls of {}",
    "session": "calls of the session {}",
    "access_key": "events of the access key {}",
    "workload": "attributed to, about or written by {}",
    "resource": "about {}",
    "address": "from or to {}",
    "source": "of {}",
    "tagged": "tagged {}",
    "where": "where {}",
}


@dataclass(frozen=True, repr=False)
class Events(Card):
    """What a Timeline shows of itself; it is counted once and its first rows are read, no more."""

    timeline: Timeline

    kind_of_card: ClassVar[str] = "timeline"
    asks: ClassVar[tuple[str, ...]] = ("api", "data", "traffic")

    @property
    def call(self) -> str:
        """The Python text that makes it."""
        return self.timeline.python

    @property
    def heading(self) -> str:
        """What it is narrowed to, in words."""
        return "; ".join(map(_words, self.timeline.steps)) or "all events"

    @property
    def sources(self) -> Query:
        """How many events of each source, the first and the last."""
        return self.timeline.select(_COUNTED)

    @cached_property
    def counted(self) -> list[tuple[str, int, datetime | None, datetime | None]]:
        """The rows of `sources`, read once."""
        return [(row[0], row[1], row[2], row[3]) for row in self.sources.rows()]

    @property
    def total(self) -> int:
        """How many events it holds."""
        return sum(row[1] for row in self.counted)

    @cached_property
    def first(self) -> Query:
        """Its first events, with the workload that each was issued to, and used from or ended at."""
        latest, events = self.timeline.select(_BOUND).rows()[0]
        head = self.timeline.where("time <= ?", latest) if events == FIRST else self.timeline
        pairs = self._pairs()
        if not pairs:
            return head.select(_ROWS.format(tags="CAST(NULL AS VARCHAR[]) AS tags", join=""))
        joined = "\nLEFT JOIN noted AS n ON n.event_id = f.event_id"
        return head.select(_TAGS + _ROWS.format(tags="n.tags", join=joined), pairs)

    def _pairs(self) -> list[tuple[str, str]]:
        """Tagged events and their tags; none where the notes cannot be read, or are very many."""
        try:
            pairs = self.case.notes.pairs()
        except ForensicsError:
            return []
        return pairs if len(pairs) <= MOST_TAGS else []

    def coverage(self) -> Coverage | None:
        """What is logged of its own window."""
        return self.timeline.coverage()

    def answers(self) -> tuple[Answer, ...]:
        """How many events, from when to when; of none what that means."""
        return tuple(self._said())

    def _said(self) -> Iterator[Answer]:
        if not self.total:
            yield Answer(self.timeline.coverage().badge.of_nothing, "no event")
            return
        times = [moment for row in self.counted for moment in row[2:] if moment]
        span = f" {during(min(times), max(times))}" if times else ""
        by = listed([f"{number:,} of {source}" for source, number, *_ in self.counted], SHORT)
        yield Answer(f"{count(self.total, 'event')}{span}: {by}.", "events")

    def parts(self) -> tuple[Part, ...]:
        """Its first events, and how many of each source."""
        event = {"time": "time", "source": "source", "action": "action", "outcome": "outcome"}
        event |= {"workload": "workload", "certainty": "certainty", "question": "how", "used_from": "used from"}
        event |= {"used_certainty": "certainty", "principal": "principal", "source_ip": "from", "destination_ip": "to"}
        event |= {"resources": "about", "event_id": "record"}
        event = {"time": "time", "tags": "tags"} | event
        if not self.total:
            return ()
        source = {"source": "source", "events": "events", "first_seen": "first", "last_seen": "last"}
        return (
            Part("Events", self.first, event, limit=FIRST, total=self.total, brief=True, ask=f"{self.call}.df()"),
            Part("By source", self.sources, source, limit=30),
        )

    def leads(self) -> tuple[str, ...]:
        """The whole of it: as a frame, as a file, as a figure."""
        text = self.timeline.python
        export = (f"{text}.export('timeline.csv')",) if hasattr(self.timeline, "export") else ()
        return (f"{text}.df()", *export, f"figures()['timeline']({text})")

    def body(self) -> Shown:
        """The Python text that makes it, to copy."""
        made = self.timeline.python
        return Shown(f'<div class="fc-call"><code>{escape(made)}</code></div>', made)


def _words(step: Step) -> str:
    given = [value for value in step.given if value is not None]
    if step.name == "between":
        ends = zip(("from", "until"), step.given, strict=True)
        return " ".join(f"{word} {moment.replace('T', ' ')} UTC" for word, moment in ends if moment)
    bound = f" ({', '.join(map(repr, given[1:]))})" if step.name == "where" and len(given) > 1 else ""
    said = given[:1] if step.name == "where" else [listed([str(value) for value in given])]
    return _WORDS.get(step.name, f"{step.name} {{}}").format(*said) + bound


def events(timeline: Timeline) -> Events:
    """The card of a timeline."""
    return Events(timeline.case, timeline.query, timeline)
