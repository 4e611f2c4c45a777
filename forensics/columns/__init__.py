"""Records into typed columns, with nothing lost unseen: a value that does not fit its type is rejected with its text."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from forensics.columns.columnar import arrow_table
from forensics.columns.json_records import json_table
from forensics.columns.lines import line_table
from forensics.columns.log_events import event_table
from forensics.columns.text_lines import text_table
from forensics.readers.documents import Json
from forensics.readers.parts import ArrowPart, EventPart, JsonPart, LinePart, Reject, TextPart
from forensics.sources import sources


@dataclass(frozen=True)
class Columns:
    """Rows of one source, typed, with `object_id` still to be added; what did not fit; and records of other sources."""

    source: str
    table: pa.Table
    rejects: tuple[Reject, ...]
    strays: tuple[tuple[int, Json | str], ...] = ()


def build(part: JsonPart | LinePart | TextPart | EventPart | ArrowPart) -> Columns:
    """The typed rows of a part: columns `record` and those of the source that the part has."""
    source = sources()[part.source]
    rejects: list[Reject] = []
    strays: list[tuple[int, Json | str]] = []
    if isinstance(part, JsonPart):
        table = json_table(source, part, rejects, strays)
    elif isinstance(part, LinePart):
        table = line_table(source, part, rejects)
    elif isinstance(part, TextPart):
        table = text_table(source, part, rejects, strays)
    elif isinstance(part, EventPart):
        table = event_table(source, part, rejects)
    else:
        table = arrow_table(source, part, rejects)
    return Columns(part.source, table, tuple(rejects), tuple(strays))
