"""Reading Parquet: rows whose columns carry the names of a source's fields."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from forensics.readers.parts import ArrowPart, Part, Reject
from forensics.readers.recognise import header_source
from forensics.readers.tables import Emit, as_json, as_rows, table_parts
from forensics.source import snake

_ROWS = 100_000
_JSON_ROWS = 5_000


def read_parquet(path: Path, emit: Emit) -> Iterator[Part]:
    """The rows of a Parquet file, in order: typed where they have a source's own header, else as JSON objects."""
    try:
        file = pq.ParquetFile(path)
        names = list(file.schema_arrow.names)
        source = header_source(names)
        if source is None:
            unknown = Reject.of(None, "no source has these Parquet columns", ", ".join(names), claimed=False)
            rows = ([as_json(row) for row in as_rows(batch)] for batch in file.iter_batches(_JSON_ROWS))
            yield from table_parts(rows, emit, unknown)
            if not file.metadata.num_rows:
                yield unknown
            return
        number = 0
        for batch in file.iter_batches(_ROWS):
            table = pa.Table.from_batches([batch]).rename_columns([snake(name) for name in names])
            yield ArrowPart(source, number, table)
            number += table.num_rows
    except (pa.ArrowException, OSError, ValueError, OverflowError, RecursionError) as error:
        yield Reject.of(None, f"the Parquet file is damaged: {error}", "")
