"""What AWS wraps records in: lists, EventBridge, CloudWatch Logs, API output; taken off until the record itself is there."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from isal import igzip, isal_zlib

from forensics.readers.documents import BAD_JSON, Json, element_end, is_whole, items, members, value
from forensics.source import LogStream

_DEPTH = 6
_LISTS = ("Records", "Events", "Findings", "configurationItems")
_TEXT = ("CloudTrailEvent", "_raw")
_INSIDE = ("detail", "data", "_source", "aws", "cloudtrail", "awscloudtrail")
_NOT_PACKED = (KeyError, TypeError, ValueError, EOFError, OSError, cast(type[Exception], isal_zlib.error))
"""What unpacking a subscription's data raises where it is not base64 of gzip; OSError covers BadGzipFile."""
_EVENTS = re.compile(rb'\s*\{(?=.{0,4096}?"messageType")[^{}]{0,65536}?"logEvents"\s*:\s*\[', re.DOTALL)
_WIRE_NAMES = {"TaskCreatedAt": "createdAt", "LoginAttributes": "LoginAttributes", "SubNetId": "subNetId"}


@dataclass(frozen=True)
class LogEvent:
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


def unwrap(document: Json, depth: int = _DEPTH) -> Iterator[Leaf]:
    """The records inside a JSON document, in order; a document that wraps nothing is itself the record."""
    parts = members(document) if depth else None
    if parts is None:
        inner = items(document) if depth else None
        if inner is None:
            yield document
        else:
            for item in inner:
                yield from unwrap(item, depth - 1)
        return
    if "messageType" in parts and "logEvents" in parts:
        yield from _subscription(document)
    elif lists := _lists(parts):
        for found in lists:
            yield from _listed(found, depth - 1)
    elif "events" in parts and (events := _api_events(parts["events"])) is not None:
        yield from events
    else:
        yield from _single(document, parts, depth)


def _single(document: Json, parts: Mapping[str, msgspec.Raw], depth: int) -> Iterator[Leaf]:
    if "awslogs" in parts and (inner := _awslogs(parts["awslogs"])) is not None:
        yield from unwrap(inner, depth - 1)
        return
    for name in _TEXT:
        if name in parts and isinstance(text := _string(parts[name]), str):
            yield from _text(text, depth - 1)
            return
    if (camel := _from_api(document)) is not None:
        yield camel
        return
    if parts.keys() >= {"message", "timestamp"} and parts.keys() & {"ingestionTime", "logStreamName"}:
        yield from _api_events(b"[" + bytes(document) + b"]") or (document,)
        return
    if len(parts) <= 12 and "eventName" not in parts:
        for name in _INSIDE:
            if name in parts and members(parts[name]):
                yield from unwrap(parts[name], depth - 1)
                return
    yield document


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


def _awslogs(raw: Json) -> bytes | None:
    held = _string(raw)
    try:
        packed = base64.b64decode(held["data"])
        return cast(bytes, igzip.decompress(packed)) or None  # type: ignore[no-untyped-call]
    except _NOT_PACKED:
        return None


def _subscription(document: Json) -> Iterator[Leaf]:
    """Page "Real-time processing of log data with subscriptions"; control messages hold no records."""
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


def _text_of(held: Mapping[str, Any], name: str) -> str | None:
    found = held.get(name)
    return found if isinstance(found, str) else None


def _milliseconds(found: Any) -> int | None:
    return int(found) if isinstance(found, int | float) and not isinstance(found, bool) and abs(found) < 1e17 else None


def _from_api(item: Json) -> bytes | None:
    """A GuardDuty finding of GetFindings with the names of the export; None for anything else."""
    parts = members(item)
    if parts is None or not {"Type", "Severity", "Resource", "Service"} <= parts.keys():
        return None
    return msgspec.json.encode(_camel(_string(item)))


def _camel(held: Any) -> Any:
    if isinstance(held, dict):
        return {_WIRE_NAMES.get(key) or _lower_first(key): _camel(inner) for key, inner in held.items()}
    return [_camel(inner) for inner in held] if isinstance(held, list) else held


def _lower_first(key: str) -> str:
    return key[:1].lower() + key[1:]
