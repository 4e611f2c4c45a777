"""Values longer than any log has: left out of the tables, where one would take the memory of all others."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from forensics.readers.parts import EXCERPT

LONGEST_VALUE = 16 << 20
"""Bytes of a value: CloudWatch Logs' events have at most 1 MB, CloudTrail's 256 kB (pages "CloudWatch Logs quotas",
"Quotas in AWS CloudTrail"); DuckDB takes several times a value's length to store it."""

Long = tuple[int, str, str]
"""Row, why, and how the value begins."""


def without_long(table: pa.Table) -> tuple[pa.Table, list[Long]]:
    """The table with NULL for what is longer than `LONGEST_VALUE`, and what that was."""
    found: list[Long] = []
    for place, field in enumerate(table.schema if table.nbytes > LONGEST_VALUE else ()):
        if not pa.types.is_string(field.type) and field.type != pa.json_():
            continue
        texts = table[field.name].cast(pa.string())
        long = pc.greater(pc.binary_length(texts), LONGEST_VALUE)
        if pc.any(long).as_py():
            found += _told(texts, field.name, long)
            kept = pc.if_else(long, pa.scalar(None, pa.string()), texts)
            table = table.set_column(place, field, kept.cast(field.type))
    return table, found


def _told(values: pa.ChunkedArray, name: str, long: pa.ChunkedArray) -> Iterator[Long]:
    for row in pc.indices_nonzero(long).to_pylist():
        begins = values[row].as_buffer()[: 4 * EXCERPT].to_pybytes().decode("utf-8", "replace")[:EXCERPT]
        size = len(values[row].as_buffer())
        yield row, f"{name} has {size} bytes, more than the {LONGEST_VALUE} that are loaded", f"{begins}…"
