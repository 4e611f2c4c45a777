"""What AWS wraps records in: lists, EventBridge, CloudWatch Logs, API output; taken off until the record itself is there."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import msgspec
from isal import isal_zlib

from forensics.guardduty_names import exported
from forensics.jsons import written
from forensics.readers import api_page
from forensics.readers.documents import BAD_JSON, Json, items, members, value
from forensics.readers.log_events import (
    ANSWERS,
    LogEvent,
    answered,
    api_events,
    insights,
    shown,
    string_of,
    subscription,
)
from forensics.readers.recognise import header_or_default, is_claimed, json_source, line_layout
from forensics.sources import sources

_DEPTH = 6
_LISTS = ("Records", "Events", "Findings", "configurationItems", "Messages", "hits")
_TEXT = ("CloudTrailEvent", "_raw", "invokingEvent")
_MESSAGES = ("Message", "message", "Body", "body")
_AROUND_MESSAGE = {
    *("Message", "message", "Body", "body", "Type", "MessageId", "ReceiptHandle", "eventSource"),
    *("MD5OfBody", "Attributes", "MessageAttributes", "MD5OfMessageAttributes"),
}
"""A document that has some of these and few other members carries its record as text: SNS, SQS, Firehose."""
_PACKED = ("awslogs", "kinesis")
_FEW = 12
_INSIDE = ("detail", "Sns", "data", "_source", "aws", "cloudtrail", "awscloudtrail", "waf", "hits", "result")
_EVENT = {"detail-type", "detail", "source"}
_LOST_IN_DELIVERY = {"rawData", "errorCode"}
_NOT_PACKED = (KeyError, TypeError, ValueError, EOFError, OSError, cast(type[Exception], isal_zlib.error))
"""What unpacking a subscription's data raises where it is not base64 of gzip; OSError covers BadGzipFile."""


@dataclass(frozen=True)
class Line:
    """A line of text that stood inside JSON."""

    text: str


Leaf = Json | LogEvent | Line
"""What is left when all wrapping is off: a JSON record, an event of a log stream, or a line."""


def are_events(records: Sequence[Json]) -> bool:
    """Whether a list holds CloudTrail events as they are: judged by its first, the others when they are typed.

    Events for a function have such names too: those of Kinesis, SQS and S3 come from `aws:…`.
    """
    first = members(records[0]) if records else None
    if first is None or not {"eventName", "eventVersion"} <= first.keys():
        return False
    return "eventSource" not in first or not bytes(first["eventSource"]).startswith(b'"aws:')


def unwrap(document: Json, depth: int = _DEPTH, *, parts: Mapping[str, msgspec.Raw] | None = None) -> Iterator[Leaf]:
    """The records inside a JSON document, in order; a document that wraps nothing is itself the record.

    `parts` are the document's members, where they are known already.
    """
    if parts is None and depth:
        parts = members(document)
    if parts is None:
        yield from _items(document, depth)
    elif parts.keys().isdisjoint(_wrappers()):
        yield document
    else:
        yield from _wrapped(document, parts, depth)


def _wrapped(document: Json, parts: Mapping[str, msgspec.Raw], depth: int) -> Iterator[Leaf]:
    if api_page.is_page(parts):
        yield from _page(document, parts, depth)
    elif "messageType" in parts and "logEvents" in parts:
        yield from subscription(document)
    elif lists := _lists(parts):
        for found in lists:
            yield from _listed(found, depth - 1)
    elif (answer := answered(parts)) is not None:
        yield from _leaves_of(answer, depth)
    else:
        yield from _single(document, parts, depth)


def _page(document: Json, parts: Mapping[str, msgspec.Raw], depth: int) -> Iterator[Leaf]:
    """What a page of an API tells: things described, or the records of its answer, log events with their stream."""
    found = api_page.described(document)
    if found is not None:
        yield from found
        return
    if "response" not in parts:
        yield document
        return
    answer = members(parts["response"])
    if answer is not None and (
        all(bytes(held) == b"[]" for held in answer.values())
        or any(name in answer and bytes(answer[name]) == b"[]" for name in ("events", "results"))
    ):
        return
    asked = api_page.asked_of(document)
    for leaf in unwrap(parts["response"], depth - 1):
        if isinstance(leaf, LogEvent):
            yield api_page.placed(leaf, asked)
        else:
            yield leaf if isinstance(leaf, Line) else api_page.in_place(leaf, asked)


def _items(document: Json, depth: int) -> Iterator[Leaf]:
    inner = items(document) if depth else None
    if inner is None:
        yield document
    elif inner and bytes(inner[0])[:1] == b"[" and (rows := insights(document)):
        yield from _leaves_of(rows, depth)
    else:
        for item in inner:
            yield from unwrap(item, depth - 1)


def _leaves_of(answer: Sequence[LogEvent | bytes], depth: int) -> Iterator[Leaf]:
    for leaf in answer:
        yield from unwrap(leaf, depth - 1) if isinstance(leaf, bytes) else (leaf,)


def _single(document: Json, parts: Mapping[str, msgspec.Raw], depth: int) -> Iterator[Leaf]:
    for name in _PACKED:
        if name in parts and (inner := _unpacked(parts[name])) is not None:
            yield from _text(inner.decode("utf-8", "replace"), depth - 1)
            return
    if parts.keys() >= _LOST_IN_DELIVERY and (inner := _unpacked_text(string_of(parts["rawData"]))) is not None:
        yield from _text(inner.decode("utf-8", "replace"), depth - 1)
        return
    for name in _TEXT:
        if name in parts and isinstance(text := string_of(parts[name]), str):
            yield from _text(text, depth - 1)
            return
    if (camel := _from_api(document, parts)) is not None:
        yield camel
        return
    if (event := shown(parts)) is not None:
        yield event
        return
    if parts.keys() >= {"message", "timestamp"} and parts.keys() & {"ingestionTime", "logStreamName"}:
        yield from api_events(b"[" + bytes(document) + b"]") or (document,)
        return
    within: list[Leaf] = [] if "eventName" in parts else list(_inside(document, parts, depth))
    yield from within or [document]


def _inside(document: Json, parts: Mapping[str, msgspec.Raw], depth: int) -> Iterator[Leaf]:
    """What a document holds that is no record itself; nothing where it is one, or holds nothing."""
    if parts.keys() >= _EVENT:
        yield from _of_event_bus(parts, depth)
        return
    names = parts.keys()
    named = [] if names.isdisjoint(_own_lists()) else [name for name in _own_lists() if name in parts]
    text = None if names.isdisjoint(_MESSAGES) else next(name for name in _MESSAGES if name in parts)
    wraps = len(parts) <= _FEW and not names.isdisjoint((*_INSIDE, "event"))
    if not (named or text or wraps) or is_claimed(document):
        return
    for name in named:
        if (found := items(parts[name])) is not None:
            yield from _listed(found, depth - 1)
    if named:
        return
    if text:
        held = string_of(parts[text])
        around = parts.keys() <= _AROUND_MESSAGE or parts.keys() & {"TopicArn", "eventSourceARN"}
        if isinstance(held, str) and (around or _reads(held)):
            yield from _text(held, depth - 1)
            return
        if around and isinstance(held, dict):
            yield from unwrap(parts[text], depth - 1)
            return
    if wraps:
        yield from _deeper(parts, depth)


def _deeper(parts: Mapping[str, msgspec.Raw], depth: int) -> Iterator[Leaf]:
    """The record that a member holds, as shippers nest it; its text as it came, where they kept it."""
    original = (members(parts["event"]) or {}).get("original") if "event" in parts else None
    if original is not None and isinstance(text := string_of(original), str) and _reads(text):
        yield from _text(text, depth - 1)
        return
    for name in _INSIDE:
        if name in parts and members(parts[name]):
            yield from unwrap(parts[name], depth - 1)
            return


def _of_event_bus(parts: Mapping[str, msgspec.Raw], depth: int) -> Iterator[Leaf]:
    """What an event of an AWS service holds that a source claims; of others, which anybody may send, nothing."""
    sender = string_of(parts["source"])
    if isinstance(sender, str) and sender.startswith("aws.") and members(parts["detail"]):
        inner = list(unwrap(parts["detail"], depth - 1))
        if any(isinstance(leaf, bytes | msgspec.Raw) and json_source(leaf) is not None for leaf in inner):
            yield from inner


def _reads(text: str) -> bool:
    """Whether a text is a line of a source, as shippers keep it beside what they made of it."""
    if text.lstrip()[:1] == "{":
        return json_source(text.encode("utf-8", "replace")) is not None
    return header_or_default(text) is not None or line_layout([text]) is not None


@cache
def _wrappers() -> frozenset[str]:
    """Members of which every document that wraps something has one."""
    around = ("call", "logEvents", "@message", "Service", "event", "rawData", *_PACKED, *ANSWERS)
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
        for line in text.split("\n"):
            if line.strip():
                yield Line(line.rstrip("\r"))


def _unpacked(raw: Json) -> bytes | None:
    """What the `data` of an event for a function holds: base64, in it gzip."""
    held = string_of(raw)
    return _unpacked_text(held.get("data")) if isinstance(held, dict) else None


def _unpacked_text(text: Any) -> bytes | None:
    """What is in a text of base64, in it perhaps gzip; None where it is none, or unpacks to more than is read."""
    try:
        packed = base64.b64decode(text, validate=True)
        return (_gunzip(packed) if packed[:2] == b"\x1f\x8b" else packed) or None
    except _NOT_PACKED:
        return None


def _gunzip(packed: bytes) -> bytes:
    unpacking = isal_zlib.decompressobj(wbits=31)
    found: bytes = unpacking.decompress(packed, LONGEST_UNPACKED)
    if not unpacking.eof:
        raise ValueError("cut off, or too long")
    return found


LONGEST_UNPACKED = 64 << 20
"""Bytes to which packed data inside a JSON document may unpack: AWS packs at most 6 MB of them."""


def _from_api(item: Json, parts: Mapping[str, msgspec.Raw]) -> bytes | None:
    """A GuardDuty finding of GetFindings with the names of the export; None for anything else."""
    if not {"Type", "Severity", "Resource", "Service"} <= parts.keys():
        return None
    try:
        return written(exported(value(item))).encode()
    except BAD_JSON:
        return None
