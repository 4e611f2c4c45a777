"""The card of one event: what it says, whom it was attributed to and how certainly, and the raw record as evidence has it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

from forensics import event
from forensics.cards.card import NOT_LOADED, Answer, Card, Part, spanned
from forensics.case import Case, Query
from forensics.errors import EvidenceError, UnknownName
from forensics.raw import raw_record
from forensics.report.display import Shown
from forensics.source import EVENT_COLUMNS
from forensics.views.labels import visible

if TYPE_CHECKING:
    from forensics.covered import Coverage

LONGEST = 20_000
"""Characters of the raw record that are shown; `forensics show` prints the whole."""


def _event() -> str:
    return f"""
WITH place AS ({event.places("SELECT $event_id AS event_id")}
)
SELECT {", ".join(EVENT_COLUMNS)}
FROM event
WHERE {event.at("place")}
  AND event_id = $event_id
"""


_PLACE = """
SELECT event_id
FROM event
WHERE object_id = $object_id
  AND record = $record
"""

_NEAR = """
SELECT event_id
FROM event
WHERE starts_with(event_id, left($event_id, 8))
ORDER BY event_id
LIMIT 10
"""

_ATTRIBUTION = """
SELECT question, workload, certainty, via, candidates, evidence_event_ids
FROM attribution
WHERE object_id = $object_id
  AND record = $record
ORDER BY question, workload, via
"""

_BEHALF = """
SELECT o.event_id, o.cause_event_id, o.certainty, o.candidates, o.why
FROM on_behalf AS o
WHERE o.event_id = $event_id
  OR o.cause_event_id = $event_id
ORDER BY o.event_id, o.cause_event_id
"""

_FINDINGS = """
SELECT f.finding_id, f.source, f.severity, f.time, f.title, e.why
FROM finding_evidence AS e
JOIN finding AS f ON f.finding_id = e.finding_id
WHERE e.event_id = $event_id
ORDER BY f.severity DESC, f.time, f.finding_id
"""

_LINKS = """
SELECT r.id_kind, r.id, o.source, o.event_id, o.time, o.certainty
FROM request_link AS r
JOIN request_link AS o ON o.id_kind = r.id_kind
  AND o.id = r.id
  AND o.event_id <> r.event_id
WHERE r.event_id = $event_id
ORDER BY r.id_kind, r.id, o.time, o.event_id
"""

_QUESTIONS = {
    "issued_to": "The credential was issued to {}",
    "used_from": "It was used from the place of {}",
    "endpoint": "At an end of it is {}",
}


@dataclass(frozen=True, repr=False)
class Record(Card):
    """An event of the view `event`, under the names of its columns; `raw` is its record."""

    event_id: str
    source: str
    time: datetime | None
    end_time: datetime | None
    account_id: str | None
    region: str | None
    principal: str | None
    session: str | None
    access_key_id: str | None
    action: str | None
    resources: list[str] | None
    source_ip: str | None
    destination_ip: str | None
    outcome: str | None
    severity: float | None
    bytes: int | None
    user_agent: str | None
    summary: str | None
    object_id: str
    record: int

    kind_of_card: ClassVar[str] = "record"
    asks: ClassVar[tuple[str, ...]] = ("api", "data", "traffic")

    @property
    def heading(self) -> str:
        """Its event id."""
        return self.event_id

    @property
    def raw(self) -> str:
        """The text of the record, read from the evidence itself. Raises EvidenceError."""
        return raw_record(self.case, f"{self.object_id}#{self.record}")

    @property
    def attribution(self) -> Query:
        """The workloads that it is attributed to, each under its question, with certainty, reason and records."""
        return self.case.sql(_ATTRIBUTION, {"object_id": self.object_id, "record": self.record})

    @property
    def on_behalf(self) -> Query:
        """The call that caused it, or the calls that services made because of it."""
        return self._about(_BEHALF)

    @property
    def findings(self) -> Query:
        """Findings that rest on it."""
        return self._about(_FINDINGS)

    @property
    def linked(self) -> Query:
        """Records of it in other logs, by an id that they share."""
        return self._about(_LINKS)

    def _about(self, sql: str) -> Query:
        return self.case.sql(sql, {"event_id": self.event_id})

    def coverage(self) -> Coverage | None:
        """What was logged at its time in its account."""
        return spanned(self.case, f"arn:aws::{self.region or ''}:{self.account_id or ''}:", self.time, self.end_time)

    def answers(self) -> tuple[Answer, ...]:
        """To which workload each question leads, and how certain that is."""
        return tuple(self._attributed())

    def _attributed(self) -> Iterator[Answer]:
        rows = self.attribution.rows()
        for question, said in _QUESTIONS.items():
            held = [row for row in rows if row[0] == question]
            names = list(dict.fromkeys(row[1] for row in held))
            if len(names) == 1:
                yield Answer(f"{said.format(names[0])} ({held[0][3]}).", held[0][2])
            elif names:
                yield Answer(f"{said.format(f'one of {len(names)} workloads, below')}.", "shared")
        if not rows:
            yield Answer("It is attributed to no workload: no record says whose it is.")

    def facts(self) -> Mapping[str, Any]:
        """What the event says, as far as it says it."""
        return {
            "time": self.time,
            "until": self.end_time,
            "source": self.source,
            "action": self.action,
            "outcome": self.outcome,
            "principal": self.principal,
            "session": self.session,
            "access key": self.access_key_id,
            "from": self.source_ip,
            "destination_ip": self.destination_ip,
            "resources": self.resources or None,
            "account": self.account_id,
            "Region": self.region,
            "severity": self.severity,
            "bytes": self.bytes,
            "user agent": self.user_agent,
            "summary": self.summary,
            "object": self.object_id,
            "record": self.record,
        }

    def parts(self) -> tuple[Part, ...]:
        """Attribution, findings, calls on behalf, the same request in other logs."""
        held = {"question": "question", "workload": "workload", "certainty": "certainty", "via": "how"}
        held |= {"candidates": "candidates", "evidence_event_ids": "records"}
        finding = {"severity": "severity", "time": "time", "title": "title", "finding_id": "finding", "why": "why"}
        behalf = {"event_id": "call of the service", "cause_event_id": "because of", "certainty": "certainty"}
        link = {"id_kind": "kind", "id": "id", "source": "source", "time": "time", "event_id": "record"}
        return (
            Part("Attributed to", self.attribution, held),
            Part("Findings that rest on it", self.findings, finding),
            Part("On behalf", self.on_behalf, behalf | {"why": "why"}),
            Part("The same in other logs", self.linked, link | {"certainty": "certainty"}),
        )

    def body(self) -> Shown:
        """The raw record; JSON is indented for reading, nothing else is changed."""
        try:
            text = self.raw
        except (EvidenceError, UnknownName) as error:
            said = visible(str(error))
            return Shown(f"<h4>Raw record</h4><p>{escape(said)}</p>", f"Raw record: {said}")
        shown = visible(_indented(text), keep="\n\t")
        left = len(shown) - LONGEST
        more = f"\n… {left:,} more characters: forensics show CASE {self.object_id}#{self.record}" if left > 0 else ""
        shown = shown[:LONGEST] + visible(more, keep="\n")
        open_ = " open" if len(shown) < LONGEST // 10 else ""
        html = f'<details class="fc-sql"{open_}><summary>Raw record</summary><pre class="fc-raw">{escape(shown)}</pre></details>'
        return Shown(html, f"Raw record\n{shown}")


def _indented(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def record(case: Case, reference: str) -> Record:
    """The card of an event by its id, or by the place of its record. Raises UnknownName with ids that begin alike."""
    object_id, separator, number = reference.partition("#")
    event_id = reference
    if separator and number.isdigit() and len(number) < _DIGITS:
        rows = case.sql(_PLACE, {"object_id": object_id, "record": int(number)}).rows()
        event_id = rows[0][0] if rows else reference
    query = case.sql(_event(), {"event_id": event_id})
    rows = query.rows()
    if not rows:
        near = [row[0] for row in case.sql(_NEAR, {"event_id": reference}).rows()]
        some = case.sql("SELECT 1 FROM evidence WHERE records > 0 LIMIT 1").rows()
        advice = "give an event id, or OBJECT_ID#RECORD" if some else NOT_LOADED
        raise UnknownName("record", reference, near, advice="" if near else advice)
    return Record(case, query, *rows[0])


_DIGITS = 19
"""Digits of a number that DuckDB cannot hold any more."""
