"""Reading JSON: every record of every document of a text, each given to the source that claims it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from forensics.readers.documents import (
    MENDED,
    NO_JSON,
    Json,
    Lost,
    documents,
    element_end,
    is_whole,
    members,
    mended,
    opening_items,
    trail_records,
)
from forensics.readers.envelope import Leaf, Line, LogEvent, are_events, unwrap, whole_events
from forensics.readers.line_text import header_or_default
from forensics.readers.parts import EventPart, JsonPart, LinePart, Part, Reject
from forensics.readers.recognise import KeyHint, json_source, stream_source
from forensics.source import LogStream, Source

_OPENING = 4096
_LONGEST_DOCUMENT = 8 << 20
_BETWEEN = b" \r\n\t,"
_LOOK = 10
LONGEST_RECORD = 256 << 20
"""Bytes of a record beyond which it is not read: the reading processes stay within bounds."""


def _recordlike(document: Json) -> bool:
    return any(
        isinstance(leaf, LogEvent) or (isinstance(leaf, bytes | msgspec.Raw) and json_source(leaf) is not None)
        for leaf in unwrap(document)
    )


class JsonReader:
    """Reads one object's JSON; numbers its records through the object."""

    def __init__(self, hint: KeyHint) -> None:
        self._hint = hint
        self._next = 0
        self._header: tuple[Source, tuple[str, ...]] | None = None
        self._consumed = 0
        self._first = True
        self._opened = False
        self._streams: dict[tuple[LogStream, bool], Source | None] = {}

    def read(self, windows: Iterable[tuple[bytes, bool]]) -> Iterator[Part]:
        """Parts of a text given in windows."""
        held = b""
        whole = True
        for window, last in windows:
            text = held + window
            if last and whole:
                yield from self._documents(text)
                return
            whole = False
            yield from self._window(text, last=last)
            held = text[self._consumed :]
            if len(held) > LONGEST_RECORD:
                yield self._lost("a record is too long to read; the object is not read further", held)
                return

    def _documents(self, text: bytes) -> Iterator[Part]:
        records = trail_records(text)
        if records and are_events(records):
            yield from self._leaves(records)
            return
        batch: list[Leaf] = []
        for document in documents(text, _recordlike):
            if isinstance(document, Lost):
                lost = document
                if lost.cut and (closed := whole_events(lost.text)):
                    batch.extend(unwrap(closed[0]))
                    lost = Lost(lost.reason, closed[1])
                yield from self._leaves(batch)
                batch = []
                yield Reject.of(self._number(lost), lost.reason, lost.text, claimed=lost.reason != NO_JSON)
            elif members(document) is None and (whole := mended(document)):
                yield from self._leaves(batch)
                batch = list(unwrap(whole))
                yield Reject.of(self._next, MENDED, bytes(document))
            else:
                batch.extend(unwrap(document))
        yield from self._leaves(batch)
        if not text.strip():
            yield Reject(None, "the object is empty", "", claimed=False)
        elif self._next == 0 and self._hint.source and not batch:
            yield JsonPart(self._hint.source, (), ())

    def _number(self, lost: Lost) -> int | None:
        if not lost.text:
            return None
        self._next += 1
        return self._next - 1

    def _window(self, text: bytes, *, last: bool) -> Iterator[Part]:
        """Whole elements of a text too long to hold: items of its first list, lines, or documents without separator."""
        position = 0
        if self._first:
            position = _list_begins(text)
            self._opened, self._first = position > 0, False
        found, whole_until = opening_items(text, position, listed=self._opened)
        plain = are_events(found)
        if plain or all(map(is_whole, found)):
            yield from self._leaves(found if plain else [leaf for item in found for leaf in unwrap(item)])
            position = whole_until
        batch: list[Leaf] = []
        while (begin := text.find(b"{", position)) >= 0 and (after := element_end(text, begin)) is not None:
            element = text[begin:after]
            gap, position = text[position:begin], after
            between = gap.strip(_BETWEEN + b"]}")
            self._opened &= b"]" not in gap
            whole = element if is_whole(element) else mended(element)
            if between or whole != element:
                yield from self._leaves(batch)
                batch = []
            if between:
                yield self._lost("the text between the records is not JSON", between)
            if whole is None:
                yield self._lost("the record is not JSON", element)
            else:
                if whole != element:
                    yield Reject.of(self._next, MENDED, element)
                batch.extend(unwrap(whole))
        yield from self._leaves(batch)
        self._consumed = position
        if last:
            yield from self._end(text[position:].lstrip(_BETWEEN))

    def _end(self, rest: bytes) -> Iterator[Part]:
        if b"{" in rest or (rest.strip(b"]} \r\n\t") and not self._opened):
            yield self._lost("the text is cut off inside a record", rest)
        elif self._opened and b"]" not in rest:
            yield Reject.of(None, "the text is cut off: its list of records is not closed", rest)

    def _lost(self, reason: str, text: bytes) -> Reject:
        return Reject.of(self._number(Lost(reason, text)), reason, text)

    def _leaves(self, leaves: Sequence[Leaf]) -> Iterator[Part]:
        first = self._next
        self._next += len(leaves)
        plain = [(first + place, leaf) for place, leaf in enumerate(leaves) if isinstance(leaf, bytes | msgspec.Raw)]
        if len(plain) == len(leaves):
            yield from self._json(plain)
            return
        events = [(first + place, leaf) for place, leaf in enumerate(leaves) if isinstance(leaf, LogEvent)]
        yield from self._json(plain)
        yield from self._events(events)
        yield from self._lines([leaf.text for leaf in leaves if isinstance(leaf, Line)])

    def _json(self, records: Sequence[tuple[int, Json]]) -> Iterator[Part]:
        if not records:
            return
        likely = next((name for _, record in records[:_LOOK] if (name := json_source(record))), None)
        if likely is not None:
            yield JsonPart(likely, [number for number, _ in records], [record for _, record in records])
            return
        yield from by_record(records)

    def _events(self, events: Sequence[tuple[int, LogEvent]]) -> Iterator[Part]:
        found: dict[str, list[tuple[int, LogEvent]]] = {}
        known: dict[LogStream, Source] = {}
        inside: list[tuple[int, Json]] = []
        unclaimed: dict[LogStream, list[tuple[int, LogEvent]]] = {}
        for number, event in events:
            source = self._stream(event)
            if source is not None:
                found.setdefault(source.name, []).append((number, event))
                known.setdefault(event.stream, source)
            elif _may_carry_records(event.stream) and _is_record(event.message.encode("utf-8", "replace")):
                inside.append((number, event.message.encode("utf-8", "replace")))
            else:
                unclaimed.setdefault(event.stream, []).append((number, event))
        for stream in unclaimed.keys() & known.keys():
            pairs = found[known[stream].name]
            pairs += unclaimed.pop(stream)
            pairs.sort(key=lambda pair: pair[0])
        for name, pairs in found.items():
            yield EventPart(name, [number for number, _ in pairs], [event for _, event in pairs])
        yield from self._json(inside)
        for stream, pairs in unclaimed.items():
            reason = f"no source claims log group {stream.log_group}, stream {stream.log_stream}"
            for number, event in pairs:
                yield Reject.of(number, reason, event.message, claimed=False)

    def _stream(self, event: LogEvent) -> Source | None:
        key = (event.stream, event.message.lstrip().startswith("{"))
        if self._streams.get(key) is None:
            self._streams[key] = stream_source(event.stream, event.message)
        return self._streams[key]

    def _lines(self, lines: Sequence[str]) -> Iterator[Part]:
        """Lines that stood inside JSON; a header among them is not a record."""
        if not lines:
            return
        rest = list(lines)
        if self._header is None:
            self._header = header_or_default(rest[0])
            if self._header is not None and tuple(rest[0].split()) == self._header[1]:
                rest = rest[1:]
        first = self._next - len(lines)
        self._next -= len(lines) - len(rest)
        if self._header is None:
            yield Reject.of(first, f"no source claims these {len(lines)} lines", rest[0], claimed=False)
        elif rest:
            data = "\n".join(rest).encode("utf-8", "replace") + b"\n"
            yield LinePart(self._header[0].name, first, self._header[1], data)


def _is_record(text: bytes) -> bool:
    return json_source(text) is not None or ((whole := mended(text)) is not None and json_source(whole) is not None)


_TRAIL_STREAM = re.compile(r"^(?:o-[a-z0-9]+_)?\d{12}_CloudTrail_[a-z0-9-]+(?:_\d+)?$")


def _may_carry_records(stream: LogStream) -> bool:
    """Whether a stream may hold a trail's records: anybody who writes to another log could forge them there."""
    return stream.log_stream is None or bool(_TRAIL_STREAM.match(stream.log_stream))


def by_record(records: Iterable[tuple[int, Json]]) -> Iterator[Part]:
    """Each record judged by itself."""
    found: dict[str, list[tuple[int, Json]]] = {}
    for number, text in records:
        record, name = text, json_source(text)
        if name is None and (whole := mended(text)) and (name := json_source(whole)):
            record = whole
            yield Reject.of(number, MENDED, bytes(text))
        if name is None:
            yield Reject.of(number, "no source claims this record", bytes(record), claimed=False)
        else:
            found.setdefault(name, []).append((number, record))
    for name, pairs in found.items():
        yield JsonPart(name, [number for number, _ in pairs], [record for _, record in pairs])


def _list_begins(text: bytes) -> int:
    """Where the items of the first list begin; 0 for documents one after the other."""
    start = len(text) - len(text.lstrip())
    if text[start : start + 1] == b"{" and element_end(text, start, _LONGEST_DOCUMENT) is not None:
        return 0
    return text.find(b"[", 0, _OPENING) + 1
