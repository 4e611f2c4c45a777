"""Events of log streams into typed columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from forensics.columns.values import array
from forensics.readers.parts import EventPart, Reject
from forensics.source import Source


def event_table(source: Source, part: EventPart, rejects: list[Reject]) -> pa.Table:
    """The typed rows of log events, with the columns their messages give; what does not fit goes to `rejects`."""
    if source.shape == "fields":
        return _fields(source, part, rejects)
    parse = source.parse_message
    rows: list[dict[str, Any]] = []
    for event in part.events:
        row = dict(parse(event.stream, event.message)) if parse else {}
        row |= {"owner": event.stream.owner, "logGroup": event.stream.log_group, "logStream": event.stream.log_stream}
        row |= {"id": event.id, "timestamp": event.timestamp, "ingestionTime": event.ingestion_time}
        row["message"] = event.message
        rows.append(row)
    return _table(source, part.numbers, rows, rejects)


def _fields(source: Source, part: EventPart, rejects: list[Reject]) -> pa.Table:
    """Messages that are lines of fields; a stream has no header, so they are in the default format or in none known."""
    header = source.default_header
    numbers: list[int] = []
    rows: list[dict[str, Any]] = []
    for number, event in zip(part.numbers, part.events, strict=True):
        texts = event.message.split()
        if len(texts) == len(header):
            numbers.append(number)
            rows.append({name: text for name, text in zip(header, texts, strict=True) if text != source.null})
        else:
            reason = f"{len(texts)} fields where the default format has {len(header)}, and a stream has no header"
            rejects.append(Reject.of(number, reason, event.message))
    return _table(source, numbers, rows, rejects)


def _table(source: Source, numbers: Sequence[int], rows: list[dict[str, Any]], rejects: list[Reject]) -> pa.Table:
    arrays: dict[str, pa.Array] = {"record": pa.array(numbers, pa.int64())}
    for column in source.columns:
        values = [row.get(column.field) for row in rows]
        arrays[column.name] = array(column, numbers, values, rejects)
    return pa.table(arrays)
