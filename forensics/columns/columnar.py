"""Rows of columnar files into the types of a source's columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from forensics.columns.values import ARROW, array, count_from, epoch
from forensics.readers.parts import ArrowPart, Reject
from forensics.readers.tables import as_python
from forensics.source import Column, Source


def arrow_table(source: Source, part: ArrowPart, rejects: list[Reject]) -> pa.Table:
    """The typed rows of a columnar file; what does not fit goes to `rejects`."""
    numbers = range(part.first, part.first + part.table.num_rows)
    arrays: dict[str, Any] = {"record": count_from(part.first, part.table.num_rows)}
    known = {column.name: column for column in source.columns}
    for name in part.table.column_names:
        column = known.get(name)
        if column is None:
            if part.first == 0:
                rejects.append(
                    Reject.of(None, f"the field {name} has no column; it is in the records themselves", name)
                )
            continue
        arrays[name] = _cast(column, _without(part.table[name], source.null), numbers, rejects)
    return pa.table(arrays)


def _without(values: pa.ChunkedArray, null: str) -> pa.ChunkedArray:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if not pa.types.is_string(values.type):
        return values
    return pc.if_else(pc.equal(values, null), pa.scalar(None, pa.string()), values)


def _cast(column: Column, values: pa.ChunkedArray, numbers: Sequence[int], rejects: list[Reject]) -> Any:
    try:
        if column.type == "TIMESTAMP" and pa.types.is_integer(values.type):
            return epoch(values.cast(pa.int64()), column)
        return values.cast(ARROW[column.type])
    except (pa.ArrowException, OverflowError):
        return array(column, numbers, as_python(values), rejects)
