"""Events of log streams into typed columns."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from forensics.columns.values import array
from forensics.readers.parts import EventPart, Reject
from forensics.source import Source


def event_table(source: Source, part: EventPart, rejects: list[Reject]) -> pa.Table:
    """The typed rows of log events, with the columns their messages give; what does not fit goes to `rejects`."""
    parse = source.parse_message
    rows: list[dict[str, Any]] = []
    for event in part.events:
        row = dict(parse(event.stream, event.message)) if parse else {}
        row |= {"owner": event.stream.owner, "logGroup": event.stream.log_group, "logStream": event.stream.log_stream}
        row |= {"id": event.id, "timestamp": event.timestamp, "ingestionTime": event.ingestion_time}
        row["message"] = event.message
        rows.append(row)
    arrays: dict[str, pa.Array] = {"record": pa.array(part.numbers, pa.int64())}
    for column in source.columns:
        values = [row.get(column.field) for row in rows]
        arrays[column.name] = array(column, part.numbers, values, rejects)
    return pa.table(arrays)
