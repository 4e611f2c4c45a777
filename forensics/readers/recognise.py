"""Which source a record belongs to: judged by its content, with the object's key as a second opinion."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from forensics.readers.documents import BAD_JSON, Json, value
from forensics.source import LineFormat, LogStream, Source, snake
from forensics.sources import sources

_KNOWN_SHARE = 0.6
_PAGE = re.compile(r"aws://(?P<account>\d{12})/(?P<region>[a-z0-9-]+)/")
"""The uri of a page of an API: `forensics.acquire.page`."""


@dataclass(frozen=True)
class KeyHint:
    """What an object's key says: the source it would belong to, account and region."""

    source: str | None = None
    account_id: str | None = None
    region: str | None = None


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((item.name, re.compile(key)) for item in sources().values() for key in item.keys)


@lru_cache(maxsize=16)
def by_key(key: str) -> KeyHint:
    """What the key alone says; every part is NULL where it says nothing."""
    for name, pattern in _patterns():
        if found := pattern.search(key):
            groups = found.groupdict()
            return KeyHint(name, groups.get("account"), groups.get("region"))
    if found := _PAGE.match(key):
        return KeyHint(None, found["account"], found["region"])
    return KeyHint()


@cache
def with_claims() -> tuple[Source, ...]:
    """The sources whose records may be JSON objects."""
    return tuple(item for item in sources().values() if item.claims)


@cache
def with_header() -> tuple[Source, ...]:
    """The sources whose records may be lines of fields under a header."""
    return tuple(item for item in sources().values() if item.default_header)


def claims(source: Source, record: Json) -> bool:
    """Whether that JSON record is one of that source's."""
    held = _object(record)
    return held is not None and source.claims is not None and source.claims(held)


def json_source(record: Json) -> str | None:
    """The source of one JSON record; None where no source claims it."""
    held = _object(record)
    return object_source(held) if held is not None else None


def object_source(held: Mapping[str, Any], among: Sequence[Source] | None = None) -> str | None:
    """The source of one decoded JSON object; None where none of those (of all) claims it."""
    found = with_claims() if among is None else among
    return next((item.name for item in found if item.claims and item.claims(held)), None)


def _object(record: Json) -> dict[str, Any] | None:
    try:
        held = value(record)
    except BAD_JSON:
        return None
    return held if isinstance(held, dict) else None


def line_layout(lines: Sequence[str], likely: str | None = None) -> tuple[Source, LineFormat] | None:
    """The source whose lines those are, and their layout; None where no source claims them.

    It is the source of the first line, or of most: whoever writes one line of a log is not to decide what the others
    are. The source that the key makes `likely` is believed by any line, and its layout by none of these.
    """
    written = [line for line in lines if line.strip()]
    comments = next((place for place, line in enumerate(written) if not line.startswith("#")), len(written))
    if found := _layout_of(written[: comments + 1]):
        return found
    if likely and (item := sources()[likely]).line_format and (layout := item.line_format(written)):
        return item, layout
    name = most_fit(written)
    layout = _format_of(sources()[name], written) if name else None
    return (sources()[name], layout) if name and layout else None


def most_fit(lines: Sequence[str]) -> str | None:
    """The source in whose layout most of those lines are, each by itself."""
    written = [line for line in lines if line.strip()]
    counts = Counter(found[0].name for line in written if (found := _layout_of([line])))
    name, count = next(iter(counts.most_common(1)), ("", 0))
    return name if 2 * count > len(written) else None


def _layout_of(lines: Sequence[str]) -> tuple[Source, LineFormat] | None:
    for item in sources().values():
        if found := _format_of(item, lines):
            return item, found
    return None


def _format_of(item: Source, lines: Sequence[str]) -> LineFormat | None:
    return item.line_format(lines) if item.line_format and lines else None


def header_source(tokens: Sequence[str]) -> str | None:
    """The source whose fields that header line names, if most are known and several are."""
    names = [snake(token) for token in tokens]
    if len(names) < 3 or len(set(names)) != len(names):
        return None
    shares = [(len(set(names) & _names(item.name)), item.name) for item in with_header()]
    known, name = max(shares, default=(0, ""))
    return name if known >= 3 and known >= _KNOWN_SHARE * len(names) else None


def header_or_default(line: str) -> tuple[Source, tuple[str, ...]] | None:
    """The source that a line's fields name, or whose default format the line has, with the fields' names."""
    tokens = line.split()
    if name := header_source(tokens):
        return sources()[name], tuple(tokens)
    return default_format([line])


def default_format(lines: Sequence[str]) -> tuple[Source, tuple[str, ...]] | None:
    """The source whose default format most of those lines have, with the fields' names."""
    counts = Counter(source.name for line in lines if (source := line_source(line.split())))
    name, count = next(iter(counts.most_common(1)), ("", 0))
    return (sources()[name], tuple(sources()[name].default_header)) if 2 * count > len(lines) else None


def plain_stream(key: str) -> LogStream | None:
    """The stream that a file with that key stands for, where a source knows such files by their keys alone."""
    found = (item.plain_key(key) for item in sources().values() if item.plain_key)
    return next((stream for stream in found if stream is not None), None)


@cache
def _names(source: str) -> frozenset[str]:
    return frozenset(column.name for column in sources()[source].columns)


def line_source(tokens: Sequence[str]) -> Source | None:
    """The source whose default format that line of fields has."""
    return next(
        (
            item
            for item in with_header()
            if len(tokens) == len(item.default_header) and item.claims_line and item.claims_line(tokens)
        ),
        None,
    )


def stream_source(stream: LogStream, message: str) -> Source | None:
    """The source that claims a log stream, by its names or by one of its messages."""
    return next(
        (item for item in sources().values() if item.claims_stream and item.claims_stream(stream, message)), None
    )


RAW = "cloudwatch_log"
"""The source of log streams that no other claims."""


def message_source(messages: Sequence[str]) -> Source | None:
    """The source that most messages of a stream of a free name belong to, judged by themselves; None where none is.

    Streams that AWS delivers to hold nothing else, while others hold what anybody makes a program write.
    """
    counts = Counter(source.name for message in messages if (source := _source_of(message)))
    name, count = next(iter(counts.most_common(1)), ("", 0))
    return sources()[name] if 2 * count > len(messages) else None


def _source_of(message: str) -> Source | None:
    if message.lstrip().startswith("{"):
        name = message_name(value_of(message))
        return sources()[name] if name else None
    return next((item for item in _free() if _format_of(item, [message])), None)


def value_of(message: str) -> dict[str, Any] | None:
    """The JSON object that a message is; None for any other."""
    return _object(message.encode("utf-8", "replace"))


def message_name(held: Mapping[str, Any] | None) -> str | None:
    """The source that claims a JSON message of a stream of a free name."""
    return object_source(held, _free()) if held is not None else None


@cache
def _free() -> tuple[Source, ...]:
    return tuple(item for item in sources().values() if item.in_streams)
