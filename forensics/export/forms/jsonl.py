"""JSONL: a JSON object per event and line, every text unaltered."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from forensics.export.format import Asked, Counted, Format, Target
from forensics.export.texts import HIDDEN_JSON, as_json, changed, json_escaped
from forensics.export.windows import windows
from forensics.source import EVENT_COLUMNS

if TYPE_CHECKING:
    from forensics.case import Query

_MEMBERS = ",\n  ".join(f"{name} := {as_json(name)}" for name in EVENT_COLUMNS)
_LINES = f"""
SELECT CAST(to_json(struct_pack({_MEMBERS})) AS VARCHAR) AS line
FROM timeline
ORDER BY time, event_id, object_id, record
"""


def write(asked: Asked, target: Target) -> Counted:
    """Write a line per event."""
    counted = Counted()
    with target.open() as handle:
        for piece in windows(asked.timeline):
            write_lines(piece.select(_LINES), handle, counted)
    return counted


def write_lines(query: Query, handle: IO[bytes], counted: Counted) -> None:
    """Write the first column of a query, which is JSON text, a row a line."""
    for batch in query.batches(20_000):
        lines, _ = changed(batch.column(0), HIDDEN_JSON, json_escaped)
        handle.write(("\n".join(lines.to_pylist()) + "\n").encode())
        counted.files[""] += batch.num_rows


FORMAT = Format(
    name="jsonl",
    title="a JSON object per event and line, all columns of `event`: for jq, pandas and other tools",
    loses="nothing: times are ISO 8601 text in UTC, a field that is not recorded is null",
    write=write,
    suffixes=(".jsonl", ".ndjson"),
)
