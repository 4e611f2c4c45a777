"""What AWS wraps records in: lists, EventBridge, CloudWatch Logs, API output; taken off until the record itself is there."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast

import msgspec
from isal import igzip, isal_zlib

from forensics.readers.documents import BAD_JSON, Json, element_end, is_whole, items, members, value
from forensics.readers.recognise import header_or_default, json_source, line_layout
from forensics.source import LogStream
from forensics.sources import sources

_DEPTH = 6
_LISTS = ("Records", "Events", "Findings", "configurationItems")
_TEXT = ("CloudTrailEvent", "_raw", "invokingEvent")
_MESSAGES = ("Message", "message", "Body", "body")
_AROUND_MESSAGE = {"Message", "message", "Body", "body", "Type", "MessageId", "ReceiptHandle", "eventSource"}
"""A document that has some of these and few other members carries its record as text: SNS, SQS, Firehose."""
_PACKED = ("awslogs", "kinesis")
_ANSWERS = ("events", "results", "QueryResultRows")
_FEW = 12
_INSIDE = ("detail", "Sns", "data", "_source", "aws", "cloudtrail", "awscloudtrail", "waf")
_NOT_PACKED = (KeyError, TypeError, ValueError, EOFError, OSError, cast(type[Exception], isal_zlib.error))
"""What unpacking a subscription's data raises where it is not base64 of gzip; OSError covers BadGzipFile."""
_EVENTS = re.compile(rb'\s*\{(?=.{0,4096}?"messageType")[^{}]{0,65536}?"logEvents"\s*:\s*\[', re.DOTALL)
_WIRE_NAMES = {"TaskCreatedAt": "createdAt", "LoginAttributes": "LoginAttributes", "SubNetId": "subNetId"}


class LogEvent(msgspec.Struct, frozen=True, gc=False):
    """One event of a CloudWatch Logs stream. Times are epoch milliseconds."""

    stream: LogStream
    message: str
    id: str | None = None
    timestamp: int | None = None
    ingestion_time: int | None = None


@dataclass(frozen=True)
class Line:
    """A line of text that stood inside JSON."""

    text: str


Leaf = Json | LogEvent | Line
"""What is left when all wrapping is off: a JSON record, an event of a log stream, or a line."""


def are_events(records: Sequence[Json]) -> bool:
    """Whether a list holds CloudTrail events as they are: judged by its first, the others when they are typed."""
    first = members(records[0]) if records else None
    return first is not None and {"eventName", "eventVersion"} <= first.keys()


def unwrap(document: Json, depth: int = _DEPTH, *, parts: Mapping[str, msgspec.Raw] | None = None) -> Iterator[Leaf]:
    """The records inside a JSON document, in order; a document that wraps nothing is itself the record.

    `parts` are the document's members, where they are known already.
    """
    if parts is None and depth:
        parts = members(document)
    if parts is None:
        inner = items(document) if depth else None
        for item in inner or ():
            yield from unwrap(item, depth - 1)
        if inner is None:
            yield document
    elif parts.keys().isdisjoint(_wrappers()):
        yield document
    else:
        yield from _wrapped(document, parts, depth)


def _wrapped(document: Json, parts: Mapping[str, msgspec.Raw], depth: int) -> Iterator[Leaf]:
    if "messageType" in parts and "logEvents" in parts:
        yield from _subscription(document)
    elif lists := _lists(parts):
        for found in lists:
            yield from _listed(found, depth - 1)
    elif (answer := _answered(parts)) is not None:
        for leaf in answer:
            yield from unwrap(leaf, depth - 1) if isinstance(leaf, bytes) else (leaf,)
    else:
        yield from _single(document, parts, depth)


def _single(document: Json, parts: Mapping[str, msgspec.Raw], depth: int) -> Iterator[Leaf]:
    for name in _PACKED:
        if name in parts and (inner := _unpacked(parts[name])) is not None:
            yield from _text(inner.decode("utf-8", "replace"), depth - 1)
            return
    for name in _TEXT:
        if name in parts and isinstance(text := _string(parts[name]), str):
            yield from _text(text, depth - 1)
            return
    if (camel := _from_api(document, parts)) is not None:
        yield camel
        return
    if (event := _shown(parts)) is not None:
        yield event
        return
    if parts.keys() >= {"message", "timestamp"} and parts.keys() & {"ingestionTime", "logStreamName"}:
        yield from _api_events(b"[" + bytes(document) + b"]") or (document,)
        return
    within: list[Leaf] = [] if "eventName" in parts else list(_inside(document, parts, depth))
    yield from within or [document]


def _inside(document: Json, parts: Mapping[str, msgspec.Raw], depth: int) -> Iterator[Leaf]:
    """What a document holds that is no record itself; nothing where it is one, or holds nothing."""
    named = [name for name in _own_lists() if name in parts]
    text = next((name for name in _MESSAGES if name in parts), None)
    wraps = len(parts) <= _FEW and any(name in parts for name in _INSIDE)
    if not (named or text or wraps) or json_source(document) is not None:
        return
    for name in named:
        if (found := items(parts[name])) is not None:
            yield from _listed(found, depth - 1)
    if named:
        return
    if text:
        held = _string(parts[text])
        around = parts.keys() <= _AROUND_MESSAGE or parts.keys() & {"TopicArn", "eventSourceARN"}
        if isinstance(held, str) and (around or _reads(held)):
            yield from _text(held, depth - 1)
            return
        if around and isinstance(held, dict):
            yield from unwrap(parts[text], depth - 1)
            return
    for name in _INSIDE if wraps else ():
        if name in parts and members(parts[name]):
            yield from unwrap(parts[name], depth - 1)
            return


def _reads(text: str) -> bool:
    """Whether a text is a line of a source, as shippers keep it beside what they made of it."""
    return header_or_default(text) is not None or line_layout([text]) is not None


@cache
def _wrappers() -> frozenset[str]:
    """Members of which every document that wraps something has one."""
    around = ("logEvents", "@message", "Service", *_PACKED, *_ANSWERS)
    return frozenset((*_LISTS, *_own_lists(), *_TEXT, *_MESSAGES, *_INSIDE, *around))


@cache
def _own_lists() -> tuple[str, ...]:
    """The members that sources name as lists of their records, beyond those of `_LISTS`."""
    return tuple(dict.fromkeys(name for item in sources().values() for name in item.lists if name not in _LISTS))


def _lists(parts: Mapping[str, msgspec.Raw]) -> list[list[msgspec.Raw]]:
    return [found for name in _LISTS if name in parts and (found := items(parts[name])) is not None]


def _listed(found: list[msgspec.Raw], depth: int) -> Iterator[Leaf]:
    if are_events(found):
        yield from found
        return
    for item in found:
        yield from unwrap(item, depth)


def _text(text: str, depth: int) -> Iterator[Leaf]:
    if text.lstrip().startswith(("{", "[")):
        yield from unwrap(text.encode("utf-8", "replace"), depth)
    else:
        for line in text.splitlines():
            if line.strip():
                yield Line(line)


def _string(raw: Json) -> Any:
    try:
        return value(raw)
    except BAD_JSON:
        return None


def _unpacked(raw: Json) -> bytes | None:
    """What the `data` of an event for a function holds: base64, in it gzip."""
    held = _string(raw)
    try:
        packed = base64.b64decode(held["data"], validate=True)
        return cast(bytes, igzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed) or None  # type: ignore[no-untyped-call]
    except _NOT_PACKED:
        return None


class _Event(msgspec.Struct, gc=False):
    message: str
    id: str | None = None
    timestamp: int | None = None


class _Envelope(msgspec.Struct, rename="camel"):
    message_type: str
    log_events: list[_Event]
    owner: str | None = None
    log_group: str | None = None
    log_stream: str | None = None


_envelope = msgspec.json.Decoder(_Envelope)


def _subscription(document: Json) -> Iterator[Leaf]:
    """Page "Real-time processing of log data with subscriptions"; control messages hold no records."""
    try:
        held = _envelope.decode(document)
    except BAD_JSON:
        yield from _odd_subscription(document)
        return
    if held.message_type != "CONTROL_MESSAGE":
        stream = LogStream(held.log_group, held.log_stream, held.owner)
        for event in held.log_events:
            yield LogEvent(stream, event.message, event.id, event.timestamp)


def _odd_subscription(document: Json) -> Iterator[Leaf]:
    """The events of an envelope in which some member is of another kind than it should be."""
    held = _string(document)
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
            yield msgspec.json.encode(event)


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


def _api_events(raw: Json) -> list[LogEvent] | None:
    """Output of FilterLogEvents and GetLogEvents."""
    held = _string(raw)
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


def _answered(parts: Mapping[str, msgspec.Raw]) -> Sequence[LogEvent | bytes] | None:
    """What an API of CloudWatch Logs or CloudTrail Lake answered; None for any other document."""
    for name, read in zip(_ANSWERS, (_api_events, _insights, _query_rows), strict=True):
        if name in parts and (found := read(parts[name])) is not None:
            return found
    return None


def _insights(raw: Json) -> list[LogEvent | bytes] | None:
    """Output of GetQueryResults: rows of fields and values, all text; a row without a message is a record itself."""
    held = _string(raw)
    if not isinstance(held, list) or not all(isinstance(row, list) for row in held):
        return None
    found: list[LogEvent | bytes] = []
    for row in held:
        if not all(isinstance(cell, dict) and isinstance(cell.get("field"), str) for cell in row):
            return None
        cells = {cell["field"]: cell.get("value") for cell in row if cell["field"] != "@ptr"}
        found.append(_answer(cells) or msgspec.json.encode(cells))
    return found


def _shown(parts: Mapping[str, msgspec.Raw]) -> LogEvent | None:
    """A row of a query's result as the console exports it."""
    return _answer({name: _string(raw) for name, raw in parts.items()}) if "@message" in parts else None


def _answer(cells: Mapping[str, Any]) -> LogEvent | None:
    if not isinstance(cells.get("@message"), str):
        return None
    owner, _, group = (_text_of(cells, "@log") or "").partition(":")
    stream = LogStream(group or None, _text_of(cells, "@logStream"), owner or None)
    when, arrived = _moment(cells.get("@timestamp")), _moment(cells.get("@ingestionTime"))
    return LogEvent(stream, cells["@message"], None, when, arrived)


def _moment(found: Any) -> int | None:
    """Milliseconds of a time as CloudWatch Logs Insights writes it, in UTC."""
    if not isinstance(found, str):
        return _milliseconds(found)
    try:
        at = datetime.fromisoformat(found)
    except ValueError:
        return int(found) if found.isascii() and found.isdigit() and len(found) < _LONGEST_NUMBER else None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


_LONGEST_NUMBER = 17


def _query_rows(raw: Json) -> list[bytes] | None:
    """Output of CloudTrail Lake's GetQueryResults: each row a list of maps with one key."""
    held = _string(raw)
    if not isinstance(held, list):
        return None
    found: list[bytes] = []
    for row in held:
        cells = row if isinstance(row, list) else [row]
        if not all(isinstance(cell, dict) for cell in cells):
            return None
        found.append(msgspec.json.encode({name: text for cell in cells for name, text in cell.items()}))
    return found


def _text_of(held: Mapping[str, Any], name: str) -> str | None:
    found = held.get(name)
    return found if isinstance(found, str) else None


def _milliseconds(found: Any) -> int | None:
    return int(found) if isinstance(found, int | float) and not isinstance(found, bool) and abs(found) < 1e17 else None


def _from_api(item: Json, parts: Mapping[str, msgspec.Raw]) -> bytes | None:
    """A GuardDuty finding of GetFindings with the names of the export; None for anything else."""
    if not {"Type", "Severity", "Resource", "Service"} <= parts.keys():
        return None
    return msgspec.json.encode(_camel(_string(item)))


def _camel(held: Any) -> Any:
    if isinstance(held, dict):
        return {_WIRE_NAMES.get(key) or _lower_first(key): _camel(inner) for key, inner in held.items()}
    return [_camel(inner) for inner in held] if isinstance(held, list) else held


def _lower_first(key: str) -> str:
    return key[:1].lower() + key[1:]
