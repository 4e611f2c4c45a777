"""Parquet: events with their types; what to know of them is in the file's own key-value metadata too."""

from __future__ import annotations

import json
import sys
from typing import IO, TYPE_CHECKING, Any

from forensics.errors import UsageError
from forensics.export.format import Asked, Counted, Format, Target
from forensics.export.windows import windows

if TYPE_CHECKING:
    import pyarrow.parquet as pq

KEY = "forensics"
"""Key of the metadata under which a JSON object says what `FILE.about.json` says, but for the file's own digest."""

_ROWS = "SELECT * FROM timeline ORDER BY time, event_id, object_id, record"


def write(asked: Asked, target: Target) -> Counted:
    """Write a row per event. Raises UsageError (a terminal)."""
    counted = Counted()
    with target.open() as handle:
        if handle is getattr(sys.stdout, "buffer", None) and sys.stdout.isatty():
            raise UsageError("parquet is not for a terminal: give --out FILE, or send it to a file or pipe")
        with writer(handle, asked.timeline.select(f"{_ROWS} LIMIT 0").arrow().schema) as parquet:
            for piece in windows(asked.timeline):
                for batch in piece.select(_ROWS).batches():
                    parquet.write_batch(batch)
                    counted.files[""] += batch.num_rows
            parquet.add_key_value_metadata({KEY: json.dumps(asked.about(counted), default=str)})
    return counted


def writer(handle: IO[bytes], schema: Any) -> pq.ParquetWriter:
    """What writes Parquet as every export of ours is: zstd, times in microseconds."""
    import pyarrow.parquet as pq

    return pq.ParquetWriter(handle, schema, compression="zstd")


FORMAT = Format(
    name="parquet",
    title="a row per event, all columns of `event` with their types: for DuckDB, Athena, Spark and pandas",
    loses="nothing: times are timestamps in UTC without a zone",
    write=write,
    suffixes=(".parquet",),
)
