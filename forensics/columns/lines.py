"""Lines of fields into typed columns: as CSV where every line fits, line by line where one does not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv

from forensics.columns.values import ARROW, KINDS, count_from, epoch, scalar
from forensics.readers.documents import MENDED
from forensics.readers.parts import LinePart, Reject
from forensics.source import Column, Source, snake

_BLOCK = 1 << 20


def line_table(source: Source, part: LinePart, rejects: list[Reject]) -> pa.Table:
    """The typed rows of lines under a header; what does not fit goes to `rejects`."""
    columns = _header(source, part, rejects)
    if not part.data or part.data.isspace():
        return pa.table({"record": pa.array([], pa.int64())})
    try:
        if b"\r" in part.data and part.data.count(b"\r") != part.data.count(b"\r\n"):
            return _split(source, columns, part, rejects)
        table = _csv(source, columns, part.data)
    except (pa.ArrowException, OverflowError):
        return _split(source, columns, part, rejects)
    return table.add_column(0, "record", count_from(part.first, table.num_rows))


def _header(source: Source, part: LinePart, rejects: list[Reject]) -> list[Column | None]:
    known = {column.name: column for column in source.columns}
    columns = [known.get(snake(name)) for name in part.header]
    if part.first == 0:
        for name, column in zip(part.header, columns, strict=True):
            if column is None:
                rejects.append(
                    Reject.of(None, f"the field {name} has no column; it is in the records themselves", name)
                )
    return columns


def _csv(source: Source, columns: Sequence[Column | None], data: bytes) -> pa.Table:
    names = [column.name if column else f"\0{place}" for place, column in enumerate(columns)]
    types = {column.name: _csv_type(column) for column in columns if column}
    table = pa_csv.read_csv(
        pa.BufferReader(data),
        read_options=pa_csv.ReadOptions(use_threads=False, column_names=names, block_size=_BLOCK),
        parse_options=pa_csv.ParseOptions(delimiter=" ", quote_char=False),
        convert_options=pa_csv.ConvertOptions(
            column_types=types,
            include_columns=[column.name for column in columns if column],
            null_values=[source.null],
            strings_can_be_null=True,
            check_utf8=not data.isascii(),
        ),
    )
    for column in columns:
        if column and column.type == "TIMESTAMP":
            place = table.schema.get_field_index(column.name)
            table = table.set_column(place, column.name, epoch(table[column.name], column))
    return table


def _csv_type(column: Column) -> pa.DataType:
    if column.type == "TIMESTAMP":
        return pa.int64() if column.epoch else pa.timestamp("us")
    if column.type == "VARCHAR":
        return pa.string()
    return ARROW[column.type]


def _split(source: Source, columns: Sequence[Column | None], part: LinePart, rejects: list[Reject]) -> pa.Table:
    """Line by line, on any run of blanks; a wrong number of fields rejects the line."""
    rows: list[tuple[int, list[str]]] = []
    lines = (line for line in part.data.split(b"\n") if line.strip())
    for number, text in enumerate(lines, part.first):
        line = text.decode("utf-8", "replace")
        if line.encode() != text:
            rejects.append(Reject.of(number, MENDED, repr(text)[2:-1]))
        fields = line.split()
        if len(fields) == len(columns):
            rows.append((number, fields))
        else:
            rejects.append(Reject.of(number, f"{len(fields)} fields where the header names {len(columns)}", line))
    arrays: dict[str, pa.Array] = {"record": pa.array([number for number, _ in rows], pa.int64())}
    for place, column in enumerate(columns):
        if column:
            texts = [(number, fields[place]) for number, fields in rows]
            arrays[column.name] = _texts(column, texts, source.null, rejects)
    return pa.table(arrays)


def _texts(column: Column, texts: Iterable[tuple[int, str]], null: str, rejects: list[Reject]) -> pa.Array:
    values: list[Any] = []
    for number, text in texts:
        value = None
        if text != null:
            try:
                value = text if column.type == "VARCHAR" else scalar(column, text)
            except (ValueError, TypeError, OverflowError, OSError):
                rejects.append(Reject.of(number, f"{column.field} is not {KINDS[column.type]}", text))
        values.append(value)
    return pa.array(values, ARROW[column.type])
