"""JSON out of text: one document, several without a separator, one a line, or what is whole of a damaged text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

Json = bytes | msgspec.Raw

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[{}\[\]]', re.DOTALL)
_OPEN = re.compile(rb'\A[\s\xef\xbb\xbf]*(?:\{\s*"[^"\\]{1,64}"\s*:\s*)?\[')
_BEGINS = re.compile(rb'[\s,]*(\{\s*"[^"\\]{1,64}"\s*:)')
_SEPARATORS = (b" ", b"\r", b"\n", b"\t", b",")
_START = re.compile(rb'(?:\A|[:,\[\n}])\s*(\{)\s*["}]')
_UNPAIRED = re.compile(
    rb"(?P<kept>(?:\\\\)++|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_BETWEEN = b" \r\n\t,[]{}"
_LONGEST = 4 << 20
"""A candidate for a record in damaged text is looked at no further than this."""

_raw = msgspec.json.Decoder(msgspec.Raw)
_any = msgspec.json.Decoder()
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items = msgspec.json.Decoder(list[msgspec.Raw])


class _Trail(msgspec.Struct, forbid_unknown_fields=True):
    records: list[msgspec.Raw] = msgspec.field(name="Records")


_trail = msgspec.json.Decoder(_Trail)

BAD_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError)


@dataclass(frozen=True)
class Lost:
    """Text that is no whole document; `cut` where it has no end."""

    reason: str
    text: bytes
    cut: bool = False


def members(document: Json) -> dict[str, msgspec.Raw] | None:
    """The members of a JSON object, undecoded; None for anything else."""
    try:
        return _members.decode(document)
    except BAD_JSON:
        return None


def items(document: Json) -> list[msgspec.Raw] | None:
    """The items of a JSON array, undecoded; None for anything else."""
    try:
        return _items.decode(document)
    except BAD_JSON:
        return None


def value(document: Json) -> Any:
    """The decoded value; numbers too large for a double are infinite. Raises one of BAD_JSON."""
    try:
        return _any.decode(document)
    except msgspec.ValidationError:
        return json.loads(bytes(document))


MENDED = "it holds characters that are not valid text; they are replaced"


def mended(document: Json) -> bytes | None:
    """The document with what is no valid text replaced by U+FFFD: bytes that are not UTF-8, halves of surrogate pairs.

    Control characters are escaped. None where nothing was to mend, or where it is no JSON even so.
    """
    held = bytes(document)
    text = held.decode("utf-8", "replace").encode()
    text = _UNPAIRED.sub(lambda found: found["kept"] or rb"\ufffd", text)
    text = _CONTROL.sub(lambda found: b"\\u%04x" % found.group()[0], text)
    return text if text != held and is_whole(text) else None


def trail_records(text: bytes) -> list[msgspec.Raw] | None:
    """The items of a text that is one `{"Records": […]}` and nothing else, in one pass; None for anything else."""
    try:
        return _trail.decode(text).records
    except BAD_JSON:
        return None


def opening_list(text: bytes, start: int) -> tuple[bytes, int]:
    """Most documents of a text from `start` on as a JSON array, if they are items of a list, and where they end.

    The last to begin as the first does may be cut off: it is not among them. Empty where none begins there.
    """
    if (first := _BEGINS.match(text, start)) is None:
        return b"", start
    end = max(text.rfind(first[1]), first.start(1))
    while end > start and text[end - 1 : end] in _SEPARATORS:
        end -= 1
    return b"".join((b"[", memoryview(text)[first.start(1) : end], b"]")), end


def opening_items(opening: bytes, *, listed: bool) -> list[msgspec.Raw]:
    """The documents of an `opening_list` in one pass, items of a list or one a line; none unless all are well formed."""
    try:
        return _items.decode(opening) if listed else _raw.decode_lines(memoryview(opening)[1:-1])
    except BAD_JSON:
        return []


def objects_by_line(text: bytes) -> list[msgspec.Raw] | None:
    """The documents of a text that has a JSON object on every line, in one pass; None for any other."""
    if b"\n" not in text.strip():
        return None
    try:
        return _raw.decode_lines(text)
    except BAD_JSON:
        return None


def is_whole(document: Json) -> bool:
    """Whether that is one JSON document, strings and all."""
    try:
        value(document)
    except BAD_JSON:
        return False
    return True


def documents(data: bytes, accept: Callable[[Json], bool]) -> Iterator[Json | Lost]:
    """Every JSON document in `data`; where the text is damaged, the whole records that `accept` takes, and the losses."""
    try:
        _raw.decode(data)
    except BAD_JSON:
        yield from _several(data, accept)
    else:
        yield data


def _several(data: bytes, accept: Callable[[Json], bool]) -> Iterator[Json | Lost]:
    lines = [line for line in data.split(b"\n") if line.strip()]
    if len(lines) > 1 and (is_whole(lines[0]) or mended(lines[0])):
        for number, line in enumerate(lines):
            if _well_formed(line) or mended(line):
                yield line
            elif number + 1 == len(lines):
                yield from _scan(line, accept, 0)
            else:
                yield Lost("the line is not JSON", line)
        return
    opened = None if _begins_whole(data) else _OPEN.match(data)
    yield from _scan(data, accept, opened.end() if opened else 0)


def _begins_whole(data: bytes) -> bool:
    """Whether the first of several documents is an object and whole."""
    begin = data.find(b"{")
    end = element_end(data, begin) if data.lstrip()[:1] == b"{" else None
    return end is not None and is_whole(data[begin:end])


def _well_formed(line: bytes) -> bool:
    try:
        _raw.decode(line)
    except BAD_JSON:
        return False
    return True


class _Ends:
    """Where the objects of a damaged text end: each stretch is looked at once, however often it is asked for.

    What is nested deeper than records are, or comes after very many others, is not kept in mind but looked at again,
    until the text was gone through `_PASSES` times: then nothing more is found in it.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._known: dict[int, int | None] = {}
        self._left = _PASSES * len(data)

    def of(self, begin: int) -> int | None:
        """Where the object that begins there ends; None if it does not."""
        if begin not in self._known and self._left > 0:
            self._look(begin)
        return self._known.get(begin)

    def _look(self, begin: int) -> None:
        opened: list[int] = []
        end = len(self._data)
        for token in _TOKEN.finditer(self._data, begin):
            mark = token.group()[:1]
            if mark in b"{[":
                opened.append(token.start())
            elif mark in b"}]":
                start = opened.pop()
                if start == begin or (len(opened) < _DEEPEST and len(self._known) < _MOST):
                    self._known[start] = token.end()
                if not opened:
                    end = token.end()
                    break
        for start in opened[:_DEEPEST]:
            self._known.setdefault(start, None)
        self._known.setdefault(begin, None)
        self._left -= end - begin


_PASSES, _DEEPEST, _MOST = 8, 4_096, 500_000


def resumed(data: bytes, begin: int, accept: Callable[[Json], bool]) -> int | None:
    """Where the next whole record begins that `accept` takes, after one from `begin` on that does not end; or None."""
    found = _resume(data, range(begin + 1, len(data)), accept, _Ends(data))
    return found if found < len(data) else None


def is_by_line(text: bytes) -> bool:
    """Whether a text's first line is a whole document, so that the others are lines too."""
    line, newline, _ = text.lstrip().partition(b"\n")
    return bool(newline) and is_whole(line)


def _scan(data: bytes, accept: Callable[[Json], bool], start: int) -> Iterator[Json | Lost]:
    position = start
    ends = _Ends(data)
    while (begin := data.find(b"{", position)) >= 0:
        end = ends.of(begin)
        if between := data[position:begin].strip(_BETWEEN):
            yield Lost("the text between the records is not JSON", between)
        if end is not None and (is_whole(data[begin:end]) or mended(data[begin:end])):
            yield data[begin:end]
            position = end
            continue
        resumed = _resume(data, range(begin + 1, len(data) if end is None else end), accept, ends)
        cut = end is None and resumed == len(data)
        yield Lost(_why(data[begin:resumed], cut=cut), data[begin:resumed], cut)
        position = resumed
        if cut:
            return
    rest = data[position:].strip()
    if position == start and rest.strip(_BETWEEN):
        yield Lost(NO_JSON, rest)
    elif damage := _leftover(data, start, position):
        yield damage


NO_JSON = "the text is not JSON"


def _leftover(data: bytes, start: int, position: int) -> Lost | None:
    """Say that a list was never closed, or that the brackets between whole records do not match."""
    opened = start > 0
    rest = data[position:].strip()
    if opened and not rest.startswith(b"]"):
        return Lost(
            "the text is cut off: its list of records is not closed" if not rest else "brackets do not match", rest
        )
    return None


def element_end(data: bytes, begin: int, limit: int | None = None) -> int | None:
    """Where the object or array that begins there ends; None if it does not."""
    depth = 0
    for token in _TOKEN.finditer(data, begin, len(data) if limit is None else min(len(data), begin + limit)):
        mark = token.group()[:1]
        if mark in b"{[":
            depth += 1
        elif mark in b"}]":
            depth -= 1
            if depth == 0:
                return token.end()
    return None


def _resume(data: bytes, among: range, accept: Callable[[Json], bool], ends: _Ends) -> int:
    """Where the next whole record begins that `accept` takes, after damage; the end of what is looked at if nowhere."""
    for found in _START.finditer(data, among.start, among.stop):
        at = found.start(1)
        end = ends.of(at)
        if end is not None and end - at <= _LONGEST and is_whole(data[at:end]) and accept(data[at:end]):
            return at
    return among.stop


def _why(text: bytes, *, cut: bool) -> str:
    if cut:
        return "the text is cut off inside a record"
    try:
        value(text)
    except RecursionError:
        return "the record is nested too deeply"
    except BAD_JSON as error:
        return f"the record is not JSON: {error}"
    return "the record is not JSON"
