"""Reading JSON: every record of every document of a text, each given to the source that claims it."""

from __future__ import annotations

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
    trail_records,
)
from forensics.readers.envelope import Leaf, Line, LogEvent, are_events, unwrap
from forensics.readers.line_text import header_or_default
from forensics.readers.parts import EventPart, JsonPart, LinePart, Part, Reject
from forensics.readers.recognise import KeyHint, json_source, stream_source
from forensics.source import LogStream, Source

_OPENING = 4096
_BETWEEN = b" \r\n\t,"
_LOOK = 10


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

    def _documents(self, text: bytes) -> Iterator[Part]:
        records = trail_records(text)
        if records and are_events(records):
            yield from self._leaves(records)
            return
        batch: list[Leaf] = []
        for document in documents(text, _recordlike):
            if isinstance(document, Lost):
                yield from self._leaves(batch)
                batch = []
                yield Reject.of(
                    self._number(document), document.reason, document.text, claimed=document.reason != NO_JSON
                )
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
            found = text.find(b"[", 0, _OPENING) if not _first_is_whole(text) else -1
            self._opened, self._first = found >= 0, False
            position = found + 1
        batch: list[Leaf] = []
        while (begin := text.find(b"{", position)) >= 0 and (end := element_end(text, begin)) is not None:
            element = text[begin:end]
            between, position = text[position:begin].strip(_BETWEEN), end
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
        self._consumed = begin if begin >= 0 else position
        if last:
            yield from self._end(text[self._consumed :])

    def _end(self, rest: bytes) -> Iterator[Part]:
        if rest.lstrip(_BETWEEN + b"]"):
            yield self._lost("the text is cut off inside a record", rest)
        elif self._opened and b"]" not in rest:
            yield Reject(None, "the text is cut off: its list of records is not closed", "")

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
            elif event.message.lstrip().startswith("{") and json_source(event.message.encode("utf-8", "replace")):
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
            reason = f"no source claims log group {stream.log_group}, stream {stream.log_stream}: {len(pairs)} events"
            yield Reject.of(pairs[0][0], reason, pairs[0][1].message, claimed=False)

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


def _first_is_whole(text: bytes) -> bool:
    line, newline, _ = text.lstrip().partition(b"\n")
    return bool(newline) and is_whole(line)
