"""Reading JSON: every record of every document of a text, each given to the source that claims it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from forensics.readers.api_page import told_of
from forensics.readers.documents import (
    MENDED,
    NO_JSON,
    Json,
    Lost,
    documents,
    element_end,
    is_by_line,
    is_whole,
    members,
    mended,
    objects_by_line,
    opening_items,
    opening_list,
    resumed,
    trail_records,
)
from forensics.readers.envelope import Leaf, Line, are_events, unwrap
from forensics.readers.log_events import LogEvent, holds_no_event, whole_events
from forensics.readers.parts import EventPart, JsonPart, LinePart, Part, Reject, TextPart
from forensics.readers.recognise import (
    RAW,
    KeyHint,
    header_or_default,
    json_source,
    line_layout,
    message_name,
    message_source,
    stream_source,
    value_of,
)
from forensics.readers.typed import TRAIL, Decoded, typed_events
from forensics.source import LogStream, Source
from forensics.sources import sources

_OPENING = 4096
_LONGEST_DOCUMENT = 8 << 20
_BETWEEN = b" \r\n\t,"
_LOOK = 10
_SAMPLE, _LOOK_FAR = 20, 500
"""Messages or lines by which a stream or a text of no fixed name is judged, by content and by names."""
LONGEST_RECORD = 256 << 20
"""Bytes of a record beyond which it is not read: the reading processes stay within bounds."""


def _recordlike(document: Json) -> bool:
    return any(
        isinstance(leaf, LogEvent) or (isinstance(leaf, bytes | msgspec.Raw) and json_source(leaf) is not None)
        for leaf in unwrap(document)
    )


class JsonReader:
    """Reads one object's JSON; numbers its records through the object."""

    def __init__(self, hint: KeyHint, named: LogStream | None = None) -> None:
        self._hint = hint
        self.named = named
        self._next = 0
        self._header: tuple[Source, tuple[str, ...]] | None = None
        self._consumed = 0
        self._first = True
        self._opened = False
        self._by_line = False
        self._streams: dict[_Key, Source | None] = {}

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

    def rows(self, found: Sequence[Json]) -> Iterator[Part]:
        """Parts of JSON objects that stood one after the other: rows of a table."""
        yield from self._leaves([leaf for row in found for leaf in unwrap(row)])

    def events(self, found: Sequence[LogEvent]) -> Iterator[Part]:
        """Parts of log events that stood one after the other in a text."""
        yield from self._leaves(found)

    def lost(self, reason: str, text: str) -> Reject:
        """A row that does not read."""
        return self._lost(reason, text.encode("utf-8", "replace") or b" ")

    def _documents(self, text: bytes) -> Iterator[Part]:
        if self.named is None and (events := typed_events(text, whole=True)) is not None:
            yield self._decoded(events)
            return
        if (records := trail_records(text)) and are_events(records):
            yield from self._leaves(records)
            return
        yield from self._several(text)
        if not text.strip():
            yield Reject(None, "the object is empty", "", claimed=False)
        elif self._next == 0 and holds_no_event(text):
            yield EventPart(RAW, (), ())
        elif self._next == 0 and (told := self._hint.source or told_of(text)):
            yield JsonPart(told, (), ())

    def _decoded(self, events: Decoded) -> Part:
        first = self._next
        self._next += len(events)
        return JsonPart(TRAIL, range(first, self._next), events)

    def _several(self, text: bytes) -> Iterator[Part]:
        """Parts of the documents of a text, with what is lost between them."""
        if (leaves := _by_line(text)) is not None:
            yield from self._leaves(leaves)
            return
        yield from self._all_of(documents(text, _recordlike))

    def _all_of(self, found: Iterable[Json | Lost]) -> Iterator[Part]:
        batch: list[Leaf] = []
        for document in found:
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

    def _number(self, lost: Lost) -> int | None:
        if not lost.text:
            return None
        self._next += 1
        return self._next - 1

    def _window(self, text: bytes, *, last: bool) -> Iterator[Part]:
        """Whole elements of a text too long to hold: items of its first list, lines, or documents without separator."""
        position = 0
        if self._first:
            self._by_line = is_by_line(text)
            position = 0 if self._by_line else _list_begins(text)
            self._opened, self._first = position > 0, False
        if self._by_line:
            self._consumed = len(text) if last else text.rfind(b"\n") + 1
            yield from self._several(text[: self._consumed])
            return
        opening, whole_until = opening_list(text, position)
        events = typed_events(opening, whole=False) if self._opened and self.named is None else None
        if events is not None:
            yield self._decoded(events)
            position = whole_until
        else:
            found = opening_items(opening, listed=self._opened)
            plain = are_events(found)
            if found and (plain or all(map(is_whole, found))):
                yield from self._leaves(found if plain else [leaf for item in found for leaf in unwrap(item)])
                position = whole_until
        self._consumed = position
        yield from self._all_of(self._elements(text, last=last))
        if last:
            yield from self._end(text[self._consumed :].lstrip(_BETWEEN))

    def _elements(self, text: bytes, *, last: bool) -> Iterator[Json | Lost]:
        """Elements one by one; one that has no end is lost up to the next record, once it is longer than records are."""
        while (begin := text.find(b"{", self._consumed)) >= 0:
            after = element_end(text, begin)
            if after is None and (last or len(text) - begin > _LONGEST_DOCUMENT):
                again = resumed(text, begin, _recordlike)
            else:
                again = after
            if again is None:
                return
            gap, self._consumed = text[self._consumed : begin], again
            self._opened &= b"]" not in gap
            if between := gap.strip(_BETWEEN + b"]}"):
                yield Lost("the text between the records is not JSON", between)
            if after is None:
                yield Lost("the text is cut off inside a record", text[begin:again])
            elif is_whole(text[begin:after]) or mended(text[begin:after]):
                yield text[begin:after]
            else:
                yield Lost("the record is not JSON", text[begin:after])

    def _end(self, rest: bytes) -> Iterator[Part]:
        if b"{" in rest or (rest.strip(b"]} \r\n\t") and not self._opened):
            yield self._lost("the text is cut off inside a record", rest)
        elif self._opened and b"]" not in rest:
            yield Reject.of(None, "the text is cut off: its list of records is not closed", rest)

    def _lost(self, reason: str, text: bytes) -> Reject:
        return Reject.of(self._number(Lost(reason, text)), reason, text)

    def _leaves(self, found: Sequence[Leaf]) -> Iterator[Part]:
        leaves = found if self.named is None else [_of_stream(leaf, self.named) for leaf in found]
        first = self._next
        self._next += len(leaves)
        plain = [(first + place, leaf) for place, leaf in enumerate(leaves) if isinstance(leaf, bytes | msgspec.Raw)]
        if len(plain) == len(leaves):
            yield from self._json(plain)
            return
        events = [(first + place, leaf) for place, leaf in enumerate(leaves) if isinstance(leaf, LogEvent)]
        yield from self._json(plain)
        yield from self._events(events)
        run: list[str] = []
        for place, leaf in enumerate(leaves):
            if isinstance(leaf, Line):
                run.append(leaf.text)
            elif run:
                yield from self._lines(first + place - len(run), run)
                run = []
        yield from self._lines(first + len(leaves) - len(run), run)

    def _json(self, records: Sequence[tuple[int, Json]]) -> Iterator[Part]:
        if not records:
            return
        likely = next((name for _, record in records[:_LOOK] if (name := json_source(record))), None)
        if likely is not None:
            yield JsonPart(likely, [number for number, _ in records], [record for _, record in records])
            return
        yield from by_record(records)

    def _events(self, events: Sequence[tuple[int, LogEvent]]) -> Iterator[Part]:
        """Each stream's events to the source that claims the stream, else to the raw table."""
        by_key: dict[_Key, list[tuple[int, LogEvent]]] = {}
        for number, event in events:
            by_key.setdefault(_key(event), []).append((number, event))
        for key, pairs in by_key.items():
            if self._streams.get(key) is None:
                self._streams[key] = _judge(key[0], [event.message for _, event in pairs[:_LOOK_FAR]])
        found: dict[str, list[tuple[int, LogEvent]]] = {}
        inside: list[tuple[int, Json]] = []
        for key, pairs in by_key.items():
            source = self._streams[key] or self._streams.get((key[0], not key[1]))
            if source is None:
                rest = list(_carried(pairs, inside))
            elif source.in_streams and not _named(source, key[0], pairs[0][1].message):
                rest = list(_each(source, pairs, found))
            else:
                found.setdefault(source.name, []).extend(pairs)
                continue
            if rest:
                found.setdefault(RAW, []).extend(rest)
        for name, pairs in found.items():
            pairs.sort(key=lambda pair: pair[0])
            yield EventPart(name, [number for number, _ in pairs], [event for _, event in pairs])
        yield from self._json(inside)

    def _lines(self, first: int, lines: Sequence[str]) -> Iterator[Part]:
        """Lines that stood inside JSON one after the other; a header before them is not a record."""
        if not lines:
            return
        rest = list(lines)
        if self._header is None:
            self._header = header_or_default(rest[0])
            if self._header is not None and tuple(rest[0].split()) == self._header[1]:
                rest = rest[1:]
                self._next -= first + len(lines) == self._next
        if self._header is None:
            if (found := line_layout(rest[:_SAMPLE])) is not None:
                yield TextPart(found[0].name, first, found[1], rest)
                return
            for place, line in enumerate(rest):
                yield Reject.of(first + place, "no source claims this line", line, claimed=False)
        elif rest:
            data = "\n".join(rest).encode("utf-8", "replace") + b"\n"
            yield LinePart(self._header[0].name, first, self._header[1], data)


def _of_stream(leaf: Leaf, named: LogStream) -> LogEvent:
    """What was read as an event of the stream that the analyst named, as far as it names none itself."""
    if not isinstance(leaf, LogEvent):
        text = leaf.text if isinstance(leaf, Line) else bytes(leaf).decode("utf-8", "replace")
        return LogEvent(named, text)
    own = leaf.stream
    stream = LogStream(
        own.log_group or named.log_group,
        own.log_stream or named.log_stream,
        own.owner or named.owner,
        own.region or named.region,
    )
    return leaf if stream == own else msgspec.structs.replace(leaf, stream=stream)


def _by_line(text: bytes) -> list[Leaf] | None:
    """What the lines of a text hold, where each is a whole JSON object; None for any other text."""
    found: list[Leaf] = []
    for line in objects_by_line(text) or ():
        if (parts := members(line)) is None:
            return None
        found.extend(unwrap(line, parts=parts))
    return found or None


_Key = tuple[LogStream, bool]


def _key(event: LogEvent) -> _Key:
    """Streams are judged by themselves; of events whose stream is not named the JSON ones apart."""
    return event.stream, event.stream.log_stream is None and event.message.lstrip().startswith("{")


def _judge(stream: LogStream, messages: Sequence[str]) -> Source | None:
    by_name = next((source for message in messages if (source := stream_source(stream, message))), None)
    if by_name or _may_carry_records(stream):
        return by_name or (message_source(messages[:_SAMPLE]) if stream.log_stream is None else None)
    return message_source(messages[:_SAMPLE]) or sources()[RAW]


_Events = list[tuple[int, LogEvent]]


def _named(source: Source, stream: LogStream, message: str) -> bool:
    return source.claims_stream is not None and source.claims_stream(stream, message)


def _carried(pairs: _Events, inside: list[tuple[int, Json]]) -> Iterator[tuple[int, LogEvent]]:
    """Put the records that messages are apart; the other events are left."""
    for number, event in pairs:
        message = event.message.encode("utf-8", "replace")
        leaves = list(unwrap(message)) if message.lstrip()[:1] == b"{" and _may_carry_records(event.stream) else []
        if len(leaves) == 1 and isinstance(leaf := leaves[0], bytes | msgspec.Raw) and _is_record(leaf):
            inside.append((number, leaf))
        else:
            yield number, event


def _each(source: Source, pairs: _Events, found: dict[str, _Events]) -> Iterator[tuple[int, LogEvent]]:
    """Judge the JSON messages of a stream of a free name one by one; those that nobody claims are left."""
    for number, event in pairs:
        plain = not event.message.lstrip().startswith("{")
        name = source.name if plain and source.line_format and source.line_format([event.message]) else None
        if not plain:
            held = value_of(event.message)
            own = held is not None and source.claims is not None and source.claims(held)
            name = source.name if own else message_name(held)
        if name is None:
            yield number, event
        else:
            found.setdefault(name, []).append((number, event))


def _is_record(text: Json) -> bool:
    return json_source(text) is not None or ((whole := mended(text)) is not None and json_source(whole) is not None)


_TRAIL_STREAM = re.compile(r"^(?:o-[a-z0-9]+_)?\d{12}_CloudTrail(?:-[A-Za-z]+)?_[a-z0-9-]+(?:_\d+)?$")


def _trail(stream: LogStream) -> bool:
    return bool(_TRAIL_STREAM.match(stream.log_stream or ""))


def _may_carry_records(stream: LogStream) -> bool:
    """Whether a stream may hold any record, as trails and rules of EventBridge write; elsewhere it could be forged."""
    return stream.log_stream is None or _trail(stream) or (stream.log_group or "").startswith("/aws/events/")


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
