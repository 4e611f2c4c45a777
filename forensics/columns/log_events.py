"""Events of log streams into typed columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from forensics.columns.json_records import json_table
from forensics.columns.lines import line_table
from forensics.columns.text_lines import split_table
from forensics.columns.values import SURROGATE, array
from forensics.readers.documents import MENDED, Json
from forensics.readers.log_events import LogEvent
from forensics.readers.parts import EventPart, JsonPart, LinePart, Reject
from forensics.source import Source

_LOOK = 20
_FORMAT = "put the flow log's format, as its settings show it, on a line before the messages and add them as a file"


def event_table(source: Source, part: EventPart, rejects: list[Reject]) -> pa.Table:
    """The typed rows of log events, with the columns their messages give; what does not fit goes to `rejects`."""
    if source.parse_message is None and source.default_header:
        return _fields(source, part, rejects)
    if source.parse_message is None and (source.claims or source.line_format):
        return _messages(source, part, rejects)
    parse = source.parse_message
    rows = [parse(event.stream, event.message) for event in part.events] if parse else []
    around = {name[1:]: values for name, values in _of_streams(part.events).items() if name != "@region" or any(values)}
    around["message"] = [event.message for event in part.events]
    return _table(source, part.numbers, rows, rejects, around=around)


def _of_streams(events: Sequence[LogEvent]) -> dict[str, list[Any]]:
    """What streams say of their events, by field."""
    return {
        "@owner": [event.stream.owner for event in events],
        "@region": [event.stream.region for event in events],
        "@logGroup": [event.stream.log_group for event in events],
        "@logStream": [event.stream.log_stream for event in events],
        "@id": [event.id for event in events],
        "@timestamp": [event.timestamp for event in events],
        "@ingestionTime": [event.ingestion_time for event in events],
    }


def _fields(source: Source, part: EventPart, rejects: list[Reject]) -> pa.Table:
    """Messages that are lines of fields; a stream has no header, so they are in the default format or in none known."""
    header = source.default_header
    messages = [event.message for event in part.events]
    if (table := _as_lines(source, part.numbers, messages)) is not None:
        return table
    numbers: list[int] = []
    rows: list[dict[str, Any]] = []
    for number, event in zip(part.numbers, part.events, strict=True):
        texts = event.message.split()
        if len(texts) == len(header):
            numbers.append(number)
            rows.append({name: text for name, text in zip(header, texts, strict=True) if text != source.null})
        else:
            reason = (
                f"{len(texts)} fields where the default format has {len(header)}, and a stream has no header: {_FORMAT}"
            )
            rejects.append(Reject.of(number, reason, event.message))
    return _table(source, numbers, rows, rejects)


def _as_lines(source: Source, numbers: Sequence[int], messages: Sequence[str]) -> pa.Table | None:
    """The typed rows of messages that are all lines which fit; None where one does not."""
    text = "\n".join(messages)
    if text.count("\n") != len(messages) - 1 or not all(messages):
        return None
    lost: list[Reject] = []
    data = text.encode("utf-8", "replace") + b"\n"
    table = line_table(source, LinePart(source.name, 0, tuple(source.default_header), data), lost)
    if lost or table.num_rows != len(messages):
        return None
    return table.set_column(0, "record", pa.array(numbers, pa.int64()))


def _table(
    source: Source,
    numbers: Sequence[int],
    rows: Sequence[Mapping[str, Any]],
    rejects: list[Reject],
    *,
    around: Mapping[str, Sequence[Any]] | None = None,
) -> pa.Table:
    """The typed rows: values by field in rows, or in columns of their own, which come before."""
    arrays: dict[str, pa.Array] = {"record": pa.array(numbers, pa.int64())}
    given = {**_by_field(rows), **(around or {})}
    for column in source.columns:
        if column.field in given:
            arrays[column.name] = array(column, numbers, given[column.field], rejects)
    return pa.table(arrays)


def _by_field(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The values of rows by field, None where a row has none: most rows have few of many fields."""
    found: dict[str, list[Any]] = {name: [None] * len(rows) for name in set[str]().union(*rows)}
    for place, row in enumerate(rows):
        for name, value in row.items():
            found[name][place] = value
    return found


def _messages(source: Source, part: EventPart, rejects: list[Reject]) -> pa.Table:
    """Messages that are records of the source themselves, JSON or lines, with what their stream says of them."""
    events = dict(zip(part.numbers, part.events, strict=True))
    plain = {number for number, event in events.items() if source.claims and event.message.lstrip()[:1] == "{"}
    tables = [
        _json(source, {number: event for number, event in events.items() if number in plain}, rejects),
        _lines(source, {number: event for number, event in events.items() if number not in plain}, rejects),
    ]
    table = pa.concat_tables([table for table in tables if table.num_rows] or tables[:1], promote_options="default")
    kept = [events[number] for number in table["record"].to_pylist()]
    held = _of_streams(kept)
    for column in source.columns:
        if column.field in held:
            values = array(column, table["record"].to_pylist(), held[column.field], rejects)
            table = table.append_column(column.name, values)
    return table.sort_by("record")


def _json(source: Source, events: dict[int, LogEvent], rejects: list[Reject]) -> pa.Table:
    texts = [event.message.encode("utf-8", "replace") for event in events.values()]
    strays: list[tuple[int, Json | str]] = []
    table = json_table(source, JsonPart(source.name, list(events), texts), rejects, strays)
    rejects += _foreign(source, strays)
    return table


def _lines(source: Source, events: dict[int, LogEvent], rejects: list[Reject]) -> pa.Table:
    lines = {number: _valid(number, event.message.rstrip("\r\n"), rejects) for number, event in events.items()}
    layout = source.line_format(list(lines.values())[:_LOOK]) if source.line_format and lines else None
    if layout is None:
        rejects += _foreign(source, list(lines.items()))
        return pa.table({"record": pa.array([], pa.int64())})
    strays: list[tuple[int, Json | str]] = []
    table = split_table(source, layout, (list(lines), list(lines.values())), rejects, strays=strays)
    rejects += _foreign(source, strays)
    return table


def _valid(number: int, line: str, rejects: list[Reject]) -> str:
    """The line without halves of surrogate pairs, which stand for bytes that are not UTF-8; these are told."""
    if line.isascii() or (valid := SURROGATE.sub("\ufffd", line)) == line:
        return line
    rejects.append(Reject.of(number, MENDED, ascii(line)))
    return valid


def _foreign(source: Source, strays: Sequence[tuple[int, Json | str]]) -> list[Reject]:
    """A stream is of one source: what its messages are else is not looked for."""
    reason = f"the message is no record of {source.name}"
    return [Reject.of(number, reason, text if isinstance(text, str) else bytes(text)) for number, text in strays]
