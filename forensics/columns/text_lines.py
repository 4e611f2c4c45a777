"""Lines in a layout of their source into typed columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from forensics.columns.values import ARROW, array, epoch, iso
from forensics.readers.documents import Json
from forensics.readers.parts import Reject, TextPart
from forensics.source import Column, LineFormat, Source

_UNMAPPED = Column("unmapped", "JSON")


def text_table(source: Source, part: TextPart, rejects: list[Reject], strays: list[tuple[int, Json | str]]) -> pa.Table:
    """The typed rows of lines; those of another layout go to `strays`, what does not fit its column to `rejects`."""
    return split_table(source, part.layout, dict(enumerate(part.lines, part.first)), rejects, strays=strays)


def split_table(
    source: Source,
    layout: LineFormat,
    lines: Mapping[int, str],
    rejects: list[Reject],
    *,
    strays: list[tuple[int, Json | str]],
) -> pa.Table:
    """The typed rows of lines by their record numbers."""
    rows: list[Sequence[str | None]] = []
    kept: list[int] = []
    for number, line in lines.items():
        row = layout.split(line)
        if row is None:
            strays.append((number, line))
        else:
            rows.append(row)
            kept.append(number)
    arrays: dict[str, pa.Array] = {"record": pa.array(kept, pa.int64())}
    columns = {column.field: column for column in source.columns} | {"unmapped": _UNMAPPED}
    for field, texts in zip(layout.fields, zip(*rows, strict=True), strict=True) if rows else ():
        column = columns[field]
        arrays[column.name] = _typed(column, _without(pa.array(texts, pa.string()), source.null), kept, rejects)
    return pa.table(arrays)


def _without(texts: pa.Array, null: str) -> pa.Array:
    """The texts without those that say that there is none."""
    return pc.if_else(pc.equal(texts, null), pa.scalar(None, pa.string()), texts)


def _typed(column: Column, texts: pa.Array, numbers: Sequence[int], rejects: list[Reject]) -> pa.Array:
    if column.type in ("VARCHAR", "JSON"):
        return texts
    try:
        if column.type != "TIMESTAMP":
            return texts.cast(ARROW[column.type])
        return iso(texts) if not column.epoch else _moments(column, texts)
    except (pa.ArrowException, OverflowError):
        return array(column, numbers, texts.to_pylist(), rejects)


def _moments(column: Column, texts: pa.Array) -> pa.Array:
    """Times that are numbers, or all in ISO 8601. Raises pa.ArrowInvalid, OverflowError."""
    try:
        return epoch(texts.cast(pa.int64()), column)
    except pa.ArrowInvalid:
        return iso(texts)
