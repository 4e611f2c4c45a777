"""CloudWatch Logs around its events, and what its query APIs answer: subscriptions, API output, rows of results."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from forensics.jsons import written
from forensics.readers.documents import BAD_JSON, Json, element_end, is_whole, value
from forensics.source import LogStream

_EVENTS = re.compile(rb'\s*\{(?=.{0,4096}?"messageType")[^{}]{0,65536}?"logEvents"\s*:\s*\[', re.DOTALL)


_LONGEST_NUMBER = 17


class LogEvent(msgspec.Struct, frozen=True, gc=False):
    """One event of a CloudWatch Logs stream. Times are epoch milliseconds."""

    stream: LogStream
    message: str
    id: str | None = None
    timestamp: int | None = None
    ingestion_time: int | None = None


class _Event(msgspec.Struct, gc=False):
    message: str
    id: str | None = None
    timestamp: int | None = None
    account: str | None = msgspec.field(name="@aws.account", default=None)
    region: str | None = msgspec.field(name="@aws.region", default=None)
    extracted: dict[str, Any] | None = msgspec.field(name="extractedFields", default=None)


class _Envelope(msgspec.Struct, rename="camel"):
    message_type: str
    log_events: list[_Event]
    owner: str | None = None
    log_group: str | None = None
    log_stream: str | None = None


_envelope = msgspec.json.Decoder(_Envelope)


def subscription(document: Json) -> Iterator[LogEvent | bytes | msgspec.Raw]:
    """Page "Real-time processing of log data with subscriptions"; control messages hold no records."""
    try:
        held = _envelope.decode(document)
    except BAD_JSON:
        yield from _odd_subscription(document)
        return
    if held.message_type != "CONTROL_MESSAGE":
        stream = LogStream(held.log_group, held.log_stream, held.owner)
        for event in held.log_events:
            place = _placed(stream, event) if event.account or event.extracted else stream
            yield LogEvent(place, event.message, event.id, event.timestamp)


def _placed(stream: LogStream, event: _Event) -> LogStream:
    """The stream with the account and region that the event itself names: logs of several may be brought together."""
    extracted = event.extracted or {}
    account = event.account or _text_of(extracted, "@aws.account") or stream.owner
    return replace(stream, owner=account, region=event.region or _text_of(extracted, "@aws.region"))


def _odd_subscription(document: Json) -> Iterator[LogEvent | bytes | msgspec.Raw]:
    """The events of an envelope in which some member is of another kind than it should be."""
    held = string_of(document)
    if not isinstance(held, dict) or not isinstance(held.get("logEvents"), list):
        yield document
        return
    if held.get("messageType") == "CONTROL_MESSAGE":
        return
    stream = LogStream(_text_of(held, "logGroup"), _text_of(held, "logStream"), _text_of(held, "owner"))
    for event in held["logEvents"]:
        if isinstance(event, dict) and isinstance(event.get("message"), str):
            yield LogEvent(stream, event["message"], _text_of(event, "id"), _milliseconds(event.get("timestamp")))
        else:
            yield written(event).encode()


def holds_no_event(document: Json) -> bool:
    """Whether that is an envelope or an answer of CloudWatch Logs that holds nothing, or a control message."""
    held = string_of(document)
    if not isinstance(held, dict):
        return False
    if held.get("messageType") == "CONTROL_MESSAGE" or (held.get("logEvents") == [] and "logGroup" in held):
        return True
    around = {"searchedLogStreams", "nextForwardToken", "statistics", "queryLanguage"} & held.keys()
    return bool(around) and [] in (held.get("events"), held.get("results"))


def whole_events(text: bytes) -> tuple[bytes, bytes] | None:
    """A subscription's envelope that is cut off, closed after its last whole event, and the rest; None for any other."""
    head = _EVENTS.match(text)
    if head is None:
        return None
    end = head.end()
    while (begin := text.find(b"{", end)) >= 0 and (after := element_end(text, begin)) is not None:
        end = after
    closed = text[:end] + b"]}"
    return (closed, text[end:].lstrip(b", \r\n\t")) if is_whole(closed) else None


def api_events(raw: Json) -> list[LogEvent] | None:
    """Output of FilterLogEvents and GetLogEvents."""
    held = string_of(raw)
    if not isinstance(held, list) or not held:
        return None
    if not all(
        isinstance(item, dict) and isinstance(item.get("message"), str) and "timestamp" in item for item in held
    ):
        return None
    return [
        LogEvent(
            LogStream(None, _text_of(item, "logStreamName")),
            item["message"],
            _text_of(item, "eventId"),
            _milliseconds(item["timestamp"]),
            _milliseconds(item.get("ingestionTime")),
        )
        for item in held
    ]


def insights(raw: Json) -> list[LogEvent | bytes] | None:
    """Output of GetQueryResults: rows of fields and values, all text; a row without a message is a record itself."""
    held = string_of(raw)
    if not isinstance(held, list) or not all(isinstance(row, list) for row in held):
        return None
    found: list[LogEvent | bytes] = []
    for row in held:
        if not all(isinstance(cell, dict) and isinstance(cell.get("field"), str) for cell in row):
            return None
        cells = {cell["field"]: cell.get("value") for cell in row if cell["field"] != "@ptr"}
        found.append(_answer(cells) or written(_nested(cells)).encode())
    return found


def _nested(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Fields that a query chose, their dotted names taken apart; the event's time where no field says it."""
    found: dict[str, Any] = {}
    for name, text in cells.items():
        *outer, last = name.split(".") if not name.startswith("@") else [name]
        inner = found
        for part in outer:
            deeper = inner.setdefault(part, {})
            inner = deeper if isinstance(deeper, dict) else found
        inner[last] = text
    if "eventName" in found and "eventTime" not in found and (when := _moment(found.pop("@timestamp", None))):
        found["eventTime"] = datetime.fromtimestamp(when / 1000, UTC).isoformat()
    return found


def shown(parts: Mapping[str, msgspec.Raw]) -> LogEvent | None:
    """A row of a query's result as the console exports it, or an event as a forwarder archives it."""
    if parts.keys() >= {"aws", "message"} and (event := _archived(parts)) is not None:
        return event
    return _answer({name: string_of(raw) for name, raw in parts.items()}) if "@message" in parts else None


def _archived(parts: Mapping[str, msgspec.Raw]) -> LogEvent | None:
    """An event that names its log group and stream under `aws.awslogs`, as Datadog's forwarder has them."""
    held = {name: string_of(parts[name]) for name in ("aws", "message", "id", "timestamp") if name in parts}
    around = held["aws"].get("awslogs") if isinstance(held["aws"], dict) else None
    if not isinstance(around, dict) or "logGroup" not in around or not isinstance(held["message"], str):
        return None
    stream = LogStream(_text_of(around, "logGroup"), _text_of(around, "logStream"), _text_of(around, "owner"))
    return LogEvent(stream, held["message"], _text_of(held, "id"), _milliseconds(held.get("timestamp")))


def _answer(cells: Mapping[str, Any]) -> LogEvent | None:
    message = cells.get("@message")
    if message is None:
        return None
    text = message if isinstance(message, str) else written(message)
    owner, _, group = (_text_of(cells, "@log") or "").partition(":")
    stream = LogStream(group or None, _text_of(cells, "@logStream"), owner or None)
    when, arrived = _moment(cells.get("@timestamp")), _moment(cells.get("@ingestionTime"))
    return LogEvent(stream, text, None, when, arrived)


def _moment(found: Any) -> int | None:
    """Milliseconds of a time as CloudWatch Logs Insights writes it, in UTC."""
    if not isinstance(found, str):
        return _milliseconds(found)
    try:
        at = datetime.fromisoformat(found)
    except ValueError:
        return int(found) if found.isascii() and found.isdigit() and len(found) < _LONGEST_NUMBER else None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def _query_rows(raw: Json) -> list[bytes] | None:
    """Output of CloudTrail Lake's GetQueryResults: each row a list of maps with one key."""
    held = string_of(raw)
    if not isinstance(held, list):
        return None
    found: list[bytes] = []
    for row in held:
        cells = row if isinstance(row, list) else [row]
        if not all(isinstance(cell, dict) for cell in cells):
            return None
        found.append(written({name: text for cell in cells for name, text in cell.items()}).encode())
    return found


def _selected(raw: Json) -> list[bytes] | None:
    """Output of SelectResourceConfig: each result a JSON object in text."""
    held = string_of(raw)
    if not isinstance(held, list) or not all(isinstance(text, str) and text.lstrip()[:1] == "{" for text in held):
        return None
    return [text.encode("utf-8", "replace") for text in held]


def _text_of(held: Mapping[str, Any], name: str) -> str | None:
    found = held.get(name)
    return found if isinstance(found, str) else None


def _milliseconds(found: Any) -> int | None:
    return int(found) if isinstance(found, int | float) and not isinstance(found, bool) and abs(found) < 1e17 else None


def string_of(raw: Json) -> Any:
    """The decoded value; None where there is none."""
    try:
        return value(raw)
    except BAD_JSON:
        return None


ANSWERS = {"events": api_events, "results": insights, "QueryResultRows": _query_rows, "Results": _selected}
"""Members that hold what an API answered, and how it is read: CloudWatch Logs, CloudTrail Lake, AWS Config."""


def answered(parts: Mapping[str, msgspec.Raw]) -> Sequence[LogEvent | bytes] | None:
    """What an API of CloudWatch Logs or CloudTrail Lake answered; None for any other document."""
    for name, read in ANSWERS.items():
        if name in parts and (found := read(parts[name])) is not None:
            return found
    return None
