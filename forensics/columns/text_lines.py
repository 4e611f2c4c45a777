"""Lines in a layout of their source into typed columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forensics.columns.plain_lines import plain_columns
from forensics.columns.values import ARROW, array, epoch, iso
from forensics.readers.documents import Json
from forensics.readers.parts import Reject, TextPart
from forensics.source import Column, LineFormat, Source

_UNMAPPED = Column("unmapped", "JSON")
_BLOCK, _FEW = 4_000, 1_000
"""Lines read at a time, and those that are split one by one: what these give stays in a processor's cache."""


def text_table(source: Source, part: TextPart, rejects: list[Reject], strays: list[tuple[int, Json | str]]) -> pa.Table:
    """The typed rows of lines; those of another layout go to `strays`, what does not fit its column to `rejects`."""
    numbers = range(part.first, part.first + len(part.lines))
    return split_table(source, part.layout, (numbers, part.lines), rejects, strays=strays)


def split_table(
    source: Source,
    layout: LineFormat,
    lines: _Lines,
    rejects: list[Reject],
    *,
    strays: list[tuple[int, Json | str]],
) -> pa.Table:
    """The typed rows of lines, which come with their record numbers."""
    blocks = [
        block
        for start in range(0, len(lines[1]), _BLOCK)
        for block in _block(layout, (lines[0][start : start + _BLOCK], lines[1][start : start + _BLOCK]), strays)
    ]
    if not blocks:
        return pa.table({"record": pa.array([], pa.int64())})
    record, *texts = (pa.chunked_array(held) for held in zip(*blocks, strict=True))
    arrays = {"record": record}
    columns = {column.field: column for column in source.columns} | {"unmapped": _UNMAPPED}
    for field, held in zip(layout.fields, texts, strict=True):
        column = columns[field]
        arrays[column.name] = _typed(column, _without(held, source.null), record, rejects)
    return pa.table(arrays)


_Lines = tuple[Sequence[int], Sequence[str]]


def _block(layout: LineFormat, lines: _Lines, strays: list[tuple[int, Json | str]]) -> list[list[pa.Array]]:
    """Record numbers and fields of some lines: of plain ones all at once, of the others one by one."""
    numbers, texts = np.asarray(lines[0], np.int64), lines[1]
    left, found = np.ones(len(texts), bool), list[list[pa.Array]]()
    for chosen, columns in plain_columns(layout.plain, texts) if layout.plain else ():
        left[chosen] = False
        missing = [pa.nulls(len(chosen), pa.string())] * (len(layout.fields) - len(columns))
        found.append([pa.array(numbers[chosen]), *columns, *missing])
    others = np.flatnonzero(left)
    for start in range(0, len(others), _FEW):
        places = others[start : start + _FEW]
        found += _split(layout, (numbers[places].tolist(), [texts[place] for place in places]), strays)
    return found if len(found) < 2 or layout.plain is None else [_in_order(found)]


def _in_order(found: list[list[pa.Array]]) -> list[pa.Array]:
    both = [pa.concat_arrays(held) for held in zip(*found, strict=True)]
    order = pc.sort_indices(both[0])
    return [held.take(order) for held in both]


def _split(layout: LineFormat, lines: _Lines, strays: list[tuple[int, Json | str]]) -> Iterator[list[pa.Array]]:
    """Record numbers and fields of lines that are split one by one; nothing where all are strays."""
    rows = list(map(layout.split, lines[1]))
    kept = lines[0]
    if not all(rows):
        strays += [(number, text) for number, text, row in zip(*lines, rows, strict=True) if row is None]
        kept = [number for number, row in zip(kept, rows, strict=True) if row is not None]
        rows = [row for row in rows if row is not None]
    if rows:
        yield [pa.array(kept, pa.int64()), *(pa.array(held, pa.string()) for held in zip(*rows, strict=True))]


def _without(texts: pa.ChunkedArray, null: str) -> pa.ChunkedArray:
    """The texts without those that say that there is none."""
    none = pc.equal(texts, null)
    return pc.if_else(none, pa.scalar(None, pa.string()), texts) if pc.any(none).as_py() else texts


def _typed(column: Column, texts: pa.ChunkedArray, numbers: pa.ChunkedArray, rejects: list[Reject]) -> Any:
    if column.type in ("VARCHAR", "JSON"):
        return texts
    try:
        if column.type != "TIMESTAMP":
            return texts.cast(ARROW[column.type])
        return iso(texts) if not column.epoch else _moments(column, texts)
    except (pa.ArrowException, OverflowError):
        return array(column, numbers.to_pylist(), texts.to_pylist(), rejects)


def _moments(column: Column, texts: pa.Array) -> pa.Array:
    """Times that are numbers, or all in ISO 8601. Raises pa.ArrowInvalid, OverflowError."""
    try:
        return epoch(texts.cast(pa.int64()), column)
    except pa.ArrowInvalid:
        return iso(texts)
