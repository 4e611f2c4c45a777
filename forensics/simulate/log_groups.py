"""Log groups of CloudWatch Logs as Firehose wrote their subscription to S3: several gzip members, envelopes in each.

Source: Log group-level subscription filters; Understand data delivery in Amazon Data Firehose. Between the envelopes
of an object there is nothing.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from forensics.simulate.ledger import Ask, Ledger
from forensics.simulate.storage import Storage, gzip_bytes
from forensics.simulate.world import ACCOUNT, WINDOW_SECONDS, Ids, Json, window_of

STREAM = "to-archive-1"
FILTER = "to-archive"

_ENVELOPE_EVENTS = 200


class Place(NamedTuple):
    """A log stream of a group."""

    group: str
    stream: str


class LogEvent(NamedTuple):
    """An event: its producer's time, its text, and what the record asks at its true time, in epoch seconds.

    `fact` is what the truth says of it, which gets the event's id once it is written.
    """

    milliseconds: int
    message: str
    asks: tuple[Ask, ...] = ()
    moment: float = 0.0
    event_id: str | None = None
    fact: Json | None = None


@dataclass
class LogGroups:
    """Takes log events of one source in any order and writes one object per five minutes.

    `greeted` keeps that the first object opens with the control message that probes the destination.
    """

    storage: Storage
    ids: Ids
    ledger: Ledger = field(default_factory=Ledger)
    source: str = "lambda_log"
    bucket: str = "example-lambda-logs"
    pending: dict[int, dict[Place, list[LogEvent]]] = field(default_factory=dict)
    greeted: bool = False

    def put(self, place: Place, event: LogEvent, *, late: int = 0) -> None:
        """Take an event; it is delivered in the window of its time, or so many windows later."""
        window = window_of(event.milliseconds // 1000) + late * WINDOW_SECONDS
        self.pending.setdefault(window, {}).setdefault(place, []).append(event)

    def deliver(self, before: int) -> None:
        """Write the objects of all windows that start before a moment."""
        for window in sorted(window for window in self.pending if window < before):
            self._write(window, self.pending.pop(window))

    def _write(self, window: int, groups: dict[Place, list[LogEvent]]) -> None:
        envelopes = [self._control(window)] if not self.greeted else []
        self.greeted = True
        written: list[LogEvent] = []
        for place, events in sorted(groups.items()):
            events.sort(key=lambda event: event.milliseconds)
            written += events
            envelopes += self._envelopes(place, events)
        body = b"".join(gzip_bytes(member.encode()) for member in _members(envelopes))
        moment = datetime.fromtimestamp(window, UTC)
        name = f"{STREAM}-{moment:%Y-%m-%d-%H-%M-%S}-{self.ids.uuid()}"
        key = f"{self.bucket}/{moment:%Y/%m/%d/%H}/{name}"
        prefix = self.storage.put(key, body, source=self.source, records=len(written))
        for number, event in enumerate(written):
            if event.fact is not None:
                event.fact["event_id"] = event.event_id or f"{prefix}/{number}"
            if event.asks:
                times = (event.moment or event.milliseconds / 1000,) * 2
                self.ledger.note(event.event_id or f"{prefix}/{number}", self.source, times, event.asks)

    def _envelopes(self, place: Place, events: list[LogEvent]) -> Iterator[str]:
        for first in range(0, len(events), _ENVELOPE_EVENTS):
            batch = [
                {"id": self._event_id(event.milliseconds), "timestamp": event.milliseconds, "message": event.message}
                for event in events[first : first + _ENVELOPE_EVENTS]
            ]
            yield _envelope("DATA_MESSAGE", (ACCOUNT, *place), batch)

    def _control(self, window: int) -> str:
        text = "CWL CONTROL MESSAGE: Checking health of destination Firehose."
        event = {"id": "", "timestamp": window * 1000, "message": text}
        return _envelope("CONTROL_MESSAGE", ("CloudwatchLogs", "", ""), [event])

    def _event_id(self, milliseconds: int) -> str:
        return f"{milliseconds * 21_700:017d}{self.ids.rng.randrange(10**39):039d}"


def _envelope(kind: str, place: tuple[str, str, str], events: list[Json]) -> str:
    owner, group, stream = place
    envelope = {
        "messageType": kind,
        "owner": owner,
        "logGroup": group,
        "logStream": stream,
        "subscriptionFilters": [FILTER] if group else [],
        "logEvents": events,
    }
    return json.dumps(envelope, separators=(",", ":"), ensure_ascii=False)


def _members(envelopes: list[str]) -> Iterator[str]:
    for first in range(0, len(envelopes), 2):
        yield "".join(envelopes[first : first + 2])
