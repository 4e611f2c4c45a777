"""Reading Parquet: rows whose columns carry the names of a source's fields."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from forensics.readers.parts import ArrowPart, Part, Reject
from forensics.readers.recognise import header_source
from forensics.source import snake

_ROWS = 100_000


def read_parquet(path: Path) -> Iterator[Part]:
    """The rows of a Parquet file, in order."""
    try:
        file = pq.ParquetFile(path)
        names = list(file.schema_arrow.names)
        source = header_source(names)
        if source is None:
            yield Reject.of(None, "no source has these Parquet columns", ", ".join(names), claimed=False)
            return
        number = 0
        for batch in file.iter_batches(_ROWS):
            table = pa.Table.from_batches([batch]).rename_columns([snake(name) for name in names])
            yield ArrowPart(source, number, table)
            number += table.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        yield Reject.of(None, f"the Parquet file is damaged: {error}", "")
