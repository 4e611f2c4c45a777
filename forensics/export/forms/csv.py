"""CSV: a row per event for spreadsheets and pandas; texts that would act in them are neutralised, and counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO, TYPE_CHECKING

from forensics.export.format import Asked, Counted, Format, Target
from forensics.export.texts import HIDDEN_JSON, UNSAFE_CSV, as_text, changed, json_escaped
from forensics.export.windows import windows
from forensics.output import spreadsheet_text
from forensics.source import EVENT_COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa

_COLUMNS = ",\n  ".join(f"{as_text(name)} AS {name}" for name in EVENT_COLUMNS)
_ROWS = f"SELECT\n  {_COLUMNS}\nFROM timeline AS event\nORDER BY event.time, event_id, object_id, record"

LISTS = ("resources", "tag", "hits")
"""Columns that hold lists, as JSON."""
FORMULAS = "texts that a spreadsheet takes for a formula (a ' stands before)"
CONTROLS = "texts with characters that act unseen (written as escapes such as \\x1b)"


def write(asked: Asked, target: Target) -> Counted:
    """Write a header and a row per event."""
    counted = Counted()
    with target.open() as handle:
        write_csv(EVENT_COLUMNS, _batches(asked), handle, counted)
    return counted


def write_csv(names: Iterable[str], batches: Iterator[pa.RecordBatch], handle: IO[bytes], counted: Counted) -> None:
    """Rows of texts and numbers as CSV (RFC 4180, LF, UTF-8): NULL is nothing, an empty text `""`; counts what it altered."""
    import pyarrow.csv

    options = pyarrow.csv.WriteOptions(include_header=False)
    handle.write(",".join(names).encode() + b"\n")
    for batch in batches:
        pyarrow.csv.write_csv(harmless(batch, counted), handle, options)
        counted.files[""] += batch.num_rows


def harmless(batch: pa.RecordBatch, counted: Counted) -> pa.RecordBatch:
    """The rows, no text of which a spreadsheet takes for a formula or a terminal for a command; lists stay JSON."""
    import pyarrow as pa

    columns = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if name in LISTS:
            columns.append(changed(column, HIDDEN_JSON, json_escaped)[0])
        elif pa.types.is_string(column.type):
            made, pairs = changed(column, UNSAFE_CSV, spreadsheet_text)
            counted.altered[FORMULAS] += sum(new.startswith("'") and not old.startswith("'") for old, new in pairs)
            counted.altered[CONTROLS] += sum(new.removeprefix("'") != old for old, new in pairs)
            columns.append(made)
        else:
            columns.append(column)
    return pa.record_batch(columns, schema=batch.schema)


def _batches(asked: Asked) -> Iterator[pa.RecordBatch]:
    for piece in windows(asked.timeline):
        yield from piece.select(_ROWS).batches()


FORMAT = Format(
    name="csv",
    title="a row per event, all columns of `event`: for spreadsheets and pandas",
    loses="types: times are ISO 8601 text in UTC, lists are JSON text; a quote stands before what could be a formula",
    write=write,
    suffixes=(".csv",),
)
