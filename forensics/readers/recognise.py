"""Which source a record belongs to: judged by its content, with the object's key as a second opinion."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from forensics.readers.documents import BAD_JSON, Json, value
from forensics.source import LogStream, Source, snake
from forensics.sources import sources

_KNOWN_SHARE = 0.6


@dataclass(frozen=True)
class KeyHint:
    """What an object's key says: the source it would belong to, account and region."""

    source: str | None = None
    account_id: str | None = None
    region: str | None = None


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((item.name, re.compile(key)) for item in sources().values() for key in item.keys)


def by_key(key: str) -> KeyHint:
    """What the key alone says; every part is NULL where it says nothing."""
    for name, pattern in _patterns():
        if found := pattern.search(key):
            groups = found.groupdict()
            return KeyHint(name, groups.get("account"), groups.get("region"))
    return KeyHint()


@cache
def of_shape(shape: str) -> tuple[Source, ...]:
    """The sources of that shape."""
    return tuple(item for item in sources().values() if item.shape == shape)


def claims(source: Source, record: Json) -> bool:
    """Whether that JSON record is one of that source's."""
    try:
        held = value(record)
    except BAD_JSON:
        return False
    return isinstance(held, dict) and source.claims is not None and source.claims(held)


def json_source(record: Json) -> str | None:
    """The source of one JSON record; None where no source claims it."""
    try:
        held = value(record)
    except BAD_JSON:
        return None
    if not isinstance(held, dict):
        return None
    return next((item.name for item in of_shape("json") if item.claims and item.claims(held)), None)


def header_source(tokens: Sequence[str]) -> str | None:
    """The source whose fields that header line names, if most are known and several are."""
    names = [snake(token) for token in tokens]
    if len(names) < 3 or len(set(names)) != len(names):
        return None
    shares = [(len(set(names) & _names(item.name)), item.name) for item in of_shape("fields")]
    known, name = max(shares, default=(0, ""))
    return name if known >= 3 and known >= _KNOWN_SHARE * len(names) else None


@cache
def _names(source: str) -> frozenset[str]:
    return frozenset(column.name for column in sources()[source].columns)


def line_source(tokens: Sequence[str]) -> Source | None:
    """The source whose default format that line of fields has."""
    return next(
        (
            item
            for item in of_shape("fields")
            if len(tokens) == len(item.default_header) and item.claims_line and item.claims_line(tokens)
        ),
        None,
    )


def stream_source(stream: LogStream, message: str) -> Source | None:
    """The source that claims a log stream, by its names or by one of its messages."""
    return next(
        (item for item in sources().values() if item.claims_stream and item.claims_stream(stream, message)), None
    )
