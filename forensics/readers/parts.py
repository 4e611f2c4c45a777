"""What reading an object gives: runs of records of one source in one physical form, and what was lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from forensics.readers.documents import Json
from forensics.readers.log_events import LogEvent
from forensics.source import LineFormat

EXCERPT = 10_000
"""Characters of lost text kept in `rejected_record`; the whole is in the evidence."""


@dataclass(frozen=True)
class Reject:
    """A record, or part of one, that does not load; `record` is None for what has no place.

    `claimed` is False where it may be no damage at all, only nothing that any source knows.
    """

    record: int | None
    reason: str
    excerpt: str
    claimed: bool = True

    @classmethod
    def of(cls, record: int | None, reason: str, text: bytes | str, *, claimed: bool = True) -> Reject:
        """A reject with its text, cut to `EXCERPT` where longer."""
        held = text if isinstance(text, str) else text[: 4 * EXCERPT].decode("utf-8", "replace")
        cut = held if len(held) <= EXCERPT else f"{held[:EXCERPT]}… ({len(text)} in all)"
        return cls(record, reason, cut, claimed)


@dataclass(frozen=True)
class JsonPart:
    """JSON records."""

    source: str
    numbers: Sequence[int]
    records: Sequence[Json]


@dataclass(frozen=True)
class LinePart:
    """Lines of fields under `header`, numbered from `first`; `data` holds no header and ends in a newline."""

    source: str
    first: int
    header: tuple[str, ...]
    data: bytes


@dataclass(frozen=True)
class TextPart:
    """Lines in a layout of a source, numbered from `first`; a record's further lines follow it after a newline."""

    source: str
    first: int
    layout: LineFormat
    lines: Sequence[str]


@dataclass(frozen=True)
class EventPart:
    """Events of log streams."""

    source: str
    numbers: Sequence[int]
    events: Sequence[LogEvent]


@dataclass(frozen=True)
class ArrowPart:
    """Rows of a columnar file, numbered from `first`."""

    source: str
    first: int
    table: pa.Table


Part = JsonPart | LinePart | TextPart | EventPart | ArrowPart | Reject
