"""Reading Parquet: rows whose columns carry the names of a source's fields."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from forensics.readers.parts import ArrowPart, Part, Reject
from forensics.readers.recognise import header_source
from forensics.readers.tables import Emit, as_json, as_rows, table_parts
from forensics.source import snake
from forensics.unpacking import Allowance

_ROWS = 100_000
_JSON_ROWS = 5_000


def read_parquet(path: Path, emit: Emit) -> Iterator[Part]:
    """The rows of a Parquet file, in order: typed where they have a source's own header, else as JSON objects."""
    try:
        file = pq.ParquetFile(path, read_dictionary=_texts(pq.ParquetFile(path)))
        names = list(file.schema_arrow.names)
        source = header_source(names)
        batches = _batches(file, _JSON_ROWS if source is None else _ROWS, Allowance(path.stat().st_size))
        if source is None:
            unknown = Reject.of(None, "no source has these Parquet columns", ", ".join(names), claimed=False)
            rows = ([as_json(row) for row in as_rows(batch)] for batch in batches)
            yield from table_parts(rows, emit, unknown)
            if not file.metadata.num_rows:
                yield unknown
            return
        number = 0
        for batch in batches:
            table = pa.Table.from_batches([batch]).rename_columns([snake(name) for name in names])
            yield ArrowPart(source, number, table)
            number += table.num_rows
    except (pa.ArrowException, OSError, ValueError, OverflowError, RecursionError) as error:
        yield Reject.of(None, f"the Parquet file is damaged: {error}", "")


def _texts(file: pq.ParquetFile) -> list[str]:
    """Columns of texts: a text may stand once in the file for a million rows, so rows are given by its number first."""
    columns = [file.schema.column(place) for place in range(len(file.schema))]
    return [
        column.path
        for column in columns
        if column.physical_type == "BYTE_ARRAY"
        and column.path == column.name
        and column.max_repetition_level == 0
        and column.logical_type.type in ("STRING", "NONE", "JSON", "ENUM")
    ]


def _batches(file: pq.ParquetFile, rows: int, allowance: Allowance) -> Iterator[pa.RecordBatch]:
    """So many rows at a time, fewer where they are large. Raises ValueError once there is more than the file may hold."""
    groups = [file.metadata.row_group(place) for place in range(file.metadata.num_row_groups)]
    largest = max((_nested_texts(group) for group in groups), default=0)
    waiting: list[pa.RecordBatch] = []
    for batch in file.iter_batches(max(1, min(rows, _LARGE // max(1, largest)))):
        waiting.append(batch)
        while waiting:
            some = waiting.pop()
            if (size := _size(some)) > _LARGE and some.num_rows > 1:
                half = some.num_rows // 2
                waiting += [some.slice(half), some.slice(0, half)]
                continue
            allowance.used += size
            if said := allowance.exceeded:
                raise ValueError(said)
            yield _readable(some)


_LARGE = 256 << 20
"""Bytes of the texts of rows that are held together."""


def _readable(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The rows with texts that are UTF-8: no one checked what the file says is; other bytes are written out."""
    for place, column in enumerate(batch.columns):
        held = column.dictionary if pa.types.is_dictionary(column.type) else column
        if not pa.types.is_string(held.type) and not pa.types.is_large_string(held.type):
            continue
        try:
            held.validate(full=True)
        except pa.ArrowInvalid:
            raw = held.cast(pa.large_binary()).to_pylist()
            texts = [None if text is None else text.decode("utf-8", "backslashreplace") for text in raw]
            made = pa.array(texts, held.type)
            if held is not column:
                made = pa.DictionaryArray.from_arrays(column.indices, made)
            batch = batch.set_column(place, batch.schema.names[place], made)
    return batch


def _nested_texts(group: Any) -> int:
    """The bytes that the largest column of texts inside lists or structures has: each row may repeat them all."""
    columns = [group.column(place) for place in range(group.num_columns)]
    return max(
        (c.total_uncompressed_size for c in columns if c.physical_type == "BYTE_ARRAY" and "." in c.path_in_schema),
        default=0,
    )


def _size(batch: pa.RecordBatch) -> int:
    """The bytes of a batch with each text as often as there are rows with it."""
    found = 0
    for column in batch.columns:
        if pa.types.is_dictionary(column.type):
            lengths = pc.binary_length(column.dictionary).cast(pa.int64())
            found += pc.sum(lengths.take(column.indices)).as_py() or 0
        else:
            found += column.nbytes
    return found
