"""Reading lines: fields under a header or in a default format, and log streams exported to S3."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from forensics.readers.layouts import LayoutReader
from forensics.readers.log_events import LogEvent
from forensics.readers.parts import LinePart, Part, Reject
from forensics.readers.recognise import by_key, default_format, header_source, line_layout, most_fit, plain_stream
from forensics.readers.tables import csv_rows, header_of, table_parts
from forensics.source import LogStream, Source
from forensics.sources import sources

if TYPE_CHECKING:
    from forensics.readers.json_text import JsonReader

_LOOK, _HEAD = 20, 4096
LONGEST_LINE = 64 << 20
"""Bytes of a line beyond which it is not read: the reading processes stay within bounds."""
_NEWLINE, _SMALL_A, _SMALL_Z, _SHORT = *b"\naz", 5
_STAMP = len("2026-11-05T09:10:01.138Z ")
_EXPORTED = re.compile(rb"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})Z ", re.MULTILINE)
_TAILED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?\+00:00) (\S+) (.*)", re.DOTALL)
_TAILED_SHORT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)() (.*)", re.DOTALL)
_EXPORT_KEY = re.compile(r"(?:^|/)([^/]+)/\d{6}(?:\.gz)?$")
_LAMBDA_STREAM = re.compile(r"^(\d{4})-(\d\d)-(\d\d)-(.*\[(?:\$LATEST|\d+)\].*)$")


_WORDS = "version|account-id|interface-id|srcaddr|dstaddr|vpc-id|action|region|log-status|tgw-id|resource-type"
_WORD = re.compile(_WORDS.encode())
_LIKE_HEADER = re.compile(rf"^(?=[a-z]).*(?<![\w-])(?:{_WORDS})(?![\w-]).*$".encode(), re.MULTILINE)


class LineReader:
    """Reads one object's lines; numbers its records through the object. `damage` says whether the text is cut off."""

    def __init__(self, key: str, damage: list[str], documents: JsonReader) -> None:
        self._key = key
        self._damage = damage
        self._documents = documents
        self._hint = by_key(key).source
        self._next = 0
        self._header: tuple[str, ...] = ()

    def read(self, first: bytes, chunks: Iterator[bytes]) -> Iterator[Part]:
        """Parts of a text given in chunks."""
        lines = [line.decode("utf-8", "replace").rstrip("\r") for line in first.split(b"\n", _LOOK)[:_LOOK]]
        stream = plain_stream(self._key) or self._documents.named
        if self._is_export(first) and (stream is None or self._documents.named):
            yield from self._exported(first, chunks)
        elif stream is not None and not _TAILED.match(lines[0]):
            yield from self._plain(stream, first, chunks)
        elif found := self._header_of(lines):
            yield from self._fields(*found, first, chunks)
        elif _TAILED.match(lines[0]) and (stream or not most_fit(lines)):
            yield from self._tailed(_TAILED, first, chunks)
        elif layout := line_layout(lines, self._hint):
            yield from LayoutReader(layout, self._damage).read(self._whole_lines(first, chunks))
        elif _TAILED_SHORT.match(lines[0]):
            yield from self._tailed(_TAILED_SHORT, first, chunks)
        else:
            yield from self._table(lines[0], first, chunks)

    def _is_export(self, first: bytes) -> bool:
        """Whether that is an export of a log group; a later part of one may begin within a message."""
        later = _EXPORT_KEY.search(self._key) and _EXPORTED.search(first)
        return bool(_EXPORTED.match(first.lstrip()) or later)

    def _header_of(self, lines: Sequence[str]) -> tuple[int, tuple[Source, tuple[str, ...]]] | None:
        """Which line is a header, with its source and fields, or that the lines are in a default format.

        A header comes first, unless the key says that the object has one: whoever writes one line of a log is not to
        decide what the others are.
        """
        written = [(place, line) for place, line in enumerate(lines) if line.strip()]
        for place, line in written if self._hint else written[:1]:
            if (name := header_source(line.split())) and self._hint in (None, name):
                return place, (sources()[name], tuple(line.split()))
        found = default_format([line for _, line in written])
        return (0, found) if found else None

    def _table(self, head: str, first: bytes, chunks: Iterator[bytes]) -> Iterator[Part]:
        """The rows of a CSV file, or word that no source knows the lines."""
        binary = b"\0" in first[:_HEAD]
        reason = "binary content of no known kind" if binary else "no source claims these lines"
        unknown = Reject.of(None, reason, "" if binary else head, claimed=False)
        if (header := header_of(head)) is None:
            yield unknown
            return
        rows = csv_rows(header, _decoded(self._whole_lines(first.partition(b"\n")[2], chunks)), self._documents.lost)
        yield from table_parts(rows, self._documents.rows, unknown)

    def _plain(self, stream: LogStream, first: bytes, chunks: Iterator[bytes]) -> Iterator[Part]:
        """Lines of a file whose key says what it is: each is an event of a stream of that name."""
        for text, _ in self._whole_lines(first, chunks):
            lines = text.decode("utf-8", "surrogateescape").split("\n")
            yield from self._documents.events([LogEvent(stream, line.rstrip("\r")) for line in lines if line.strip()])

    def _fields(
        self, place: int, found: tuple[Source, tuple[str, ...]], first: bytes, chunks: Iterator[bytes]
    ) -> Iterator[Part]:
        source, header = found
        self._header = header
        skipped = first.split(b"\n", place)[:place]
        for line in skipped:
            if line.strip():
                yield Reject.of(self._take(1), "the line comes before the header", line)
        rest = first[sum(len(line) + 1 for line in skipped) :]
        head, _, after = rest.partition(b"\n")
        if tuple(head.decode("utf-8", "replace").split()) == header:
            rest = after
        else:
            head = " ".join(header).encode()
        for text, last in self._whole_lines(rest, chunks):
            body = _without(head, text)
            if last and self._damage and not text.endswith(b"\n"):
                body, _, cut = body.rpartition(b"\n")
                body += b"\n" if body else b""
                yield from self._sections(source, body)
                yield Reject.of(self._take(1), "the line is cut off", cut)
                return
            yield from self._sections(source, body)

    def _sections(self, source: Source, data: bytes) -> Iterator[Part]:
        """Parts of a text in which another header may follow: files that were joined."""
        ends, start = _ends(data), 0
        for found in _LIKE_HEADER.finditer(data) if _may_hold_header(data, ends) else ():
            tokens = found.group().decode("utf-8", "replace").split()
            if header_source(tokens) == source.name:
                before = data[start : found.start()]
                yield from self._part(source, before, _count(before, _ends(before)))
                self._header, start = tuple(tokens), found.end() + 1
        rest = data[start:]
        yield from self._part(source, rest, _count(rest, _ends(rest) if start else ends))

    def _part(self, source: Source, data: bytes, count: int) -> Iterator[Part]:
        if count or self._next == 0:
            yield LinePart(source.name, self._take(count), self._header, data)

    def _take(self, count: int) -> int:
        first = self._next
        self._next += count
        return first

    def _whole_lines(self, first: bytes, chunks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
        """Text that ends with a line, chunk by chunk, each with whether it is the last."""
        held = first
        for chunk in chunks:
            text = held + chunk
            end = text.rfind(b"\n") + 1
            if end:
                yield text[:end], False
            held = text[end:] if end else text
            if len(held) > LONGEST_LINE:
                self._damage.append("a line is too long to read; the object is not read further")
                break
        yield held, True

    def _tailed(self, form: re.Pattern[str], first: bytes, chunks: Iterator[bytes]) -> Iterator[Part]:
        """Output of `aws logs tail`: time, stream and message; a line without a time continues the message."""
        events: list[LogEvent] = []
        for text, last in self._whole_lines(first, chunks):
            for line in text.decode("utf-8", "surrogateescape").removesuffix("\n").split("\n"):
                if (event := _tailed_event(form.match(line))) is not None:
                    events.append(event)
                elif events:
                    events[-1] = msgspec.structs.replace(events[-1], message=f"{events[-1].message}\n{line}")
                elif line.strip():
                    yield self._documents.lost("the text comes before the first event", line)
            ready = events if last else events[:-1]
            events = events[len(ready) :]
            yield from self._documents.events(ready)

    def _stream(self) -> LogStream:
        found = _EXPORT_KEY.search(self._key)
        name = found[1] if found else None
        if name and (parts := _LAMBDA_STREAM.match(name)):
            name = f"{parts[1]}/{parts[2]}/{parts[3]}/{parts[4]}"
        return LogStream(None, name)

    def _exported(self, first: bytes, chunks: Iterator[bytes]) -> Iterator[Part]:
        """Page "Exporting log data to Amazon S3": a line without a time continues the message before it."""
        stream, held = self._stream(), b""
        for more, last in self._whole_lines(first, chunks):
            text = held + more
            times = [
                (found.start(), at) for found in _EXPORTED.finditer(text) if (at := _milliseconds(found[1])) is not None
            ]
            starts = [start for start, _ in times]
            end = len(text) if last else starts[-1] if starts else 0
            if before := text[: starts[0] if starts else end].strip():
                yield self._documents.lost("the text comes before the first event", before.decode("utf-8", "replace"))
            held = text[end:]
            bounds = [*(start for start in starts if start < end), end]
            yield from self._documents.events(
                [_event(stream, text[a:b], at) for (a, b), (_, at) in zip(pairwise(bounds), times, strict=False)]
            )


def _decoded(texts: Iterator[tuple[bytes, bool]]) -> Iterator[str]:
    for text, _ in texts:
        yield from io.StringIO(text.decode("utf-8", "replace"), newline="")


_EPOCH, _MILLISECOND = datetime(1970, 1, 1), timedelta(milliseconds=1)


def _milliseconds(stamp: bytes) -> int | None:
    """The time a line of an export begins with; what only looks like one continues the message before it."""
    try:
        return (datetime.fromisoformat(stamp.decode("ascii")) - _EPOCH) // _MILLISECOND
    except ValueError:
        return None


def _time(stamp: bytes) -> datetime | None:
    """The time a line of `aws logs tail` begins with."""
    try:
        return datetime.fromisoformat(stamp.decode("ascii")).replace(tzinfo=UTC)
    except ValueError:
        return None


def _tailed_event(found: re.Match[str] | None) -> LogEvent | None:
    """The event that a line of `aws logs tail` begins; None where it continues the one before."""
    at = _time(found[1].encode()) if found else None
    if found is None or at is None:
        return None
    return LogEvent(LogStream(None, found[2] or None), found[3], None, round(at.timestamp() * 1000))


def _event(stream: LogStream, text: bytes, at: int) -> LogEvent:
    words = text[_STAMP:].decode("utf-8", "surrogateescape").removesuffix("\n")
    return LogEvent(stream, words, None, at)


def _without(header: bytes, text: bytes) -> bytes:
    """The lines that do not repeat the header: files one after the other have one each."""
    head = header.rstrip()
    if head not in text:
        return text
    return b"\n".join(line for line in text.split(b"\n") if line.rstrip() != head)


def _ends(data: bytes) -> np.ndarray:
    """Where the lines end."""
    return np.flatnonzero(np.frombuffer(data, np.uint8) == _NEWLINE)


def _may_hold_header(data: bytes, ends: np.ndarray) -> bool:
    """Whether a line begins with a small letter, as headers do, and holds a word that they have."""
    text = np.frombuffer(data, np.uint8)
    starts = np.concatenate(([0], ends + 1)) if len(data) else ends
    first = text[starts[starts < len(data)]]
    if not ((first >= _SMALL_A) & (first <= _SMALL_Z)).any():
        return False
    return _WORD.search(data) is not None


def _count(data: bytes, ends: np.ndarray) -> int:
    """Lines that are not blank; looked at one by one only if some line is shorter than three fields can be."""
    if len(ends) and data.endswith(b"\n") and np.diff(ends, prepend=-1).min() > _SHORT:
        return len(ends)
    return sum(1 for line in data.split(b"\n") if line.strip())
