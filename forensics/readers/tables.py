"""Reading tables whose rows are records: CSV with a header row, Parquet without the names of a known header."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

from forensics.jsons import written
from forensics.readers.documents import Json
from forensics.readers.parts import Part, Reject

_ROWS = 5_000
_CELL = 16 << 20
_FEWEST = 3
_NAME = re.compile(r"[\w@$.:()/ -]{1,100}")
_TELLING = frozenset({"@message", "eventjson", "eventname", "eventName", "eventid"})
"""Columns of a query's result that tell by themselves what its rows are."""

Emit = Callable[[Sequence[Json]], Iterator[Part]]
"""Takes the rows as JSON objects, gives their parts."""

Lost = Callable[[str, str], Reject]
"""Takes why a row does not read, and its text."""


def header_of(line: str) -> list[str] | None:
    """The names of a CSV header; None for a line that is none."""
    try:
        names = next(csv.reader([line.removeprefix("\ufeff")], strict=True), [])
    except csv.Error:
        return None
    enough = len(names) >= _FEWEST or bool(_TELLING & set(names))
    good = enough and all(map(_NAME.fullmatch, names)) and len(set(names)) == len(names)
    return names if good and not any(name.strip("-+.").isdigit() for name in names) else None


def table_parts(batches: Iterator[Sequence[Json] | Reject], emit: Emit, unknown: Reject) -> Iterator[Part]:
    """The parts of batches of rows; only `unknown` where no source claims a row of the first."""
    first = True
    for batch in batches:
        parts = [batch] if isinstance(batch, Reject) else list(emit(batch))
        if first and parts and all(isinstance(part, Reject) and not part.claimed for part in parts):
            yield unknown
            return
        first = first and not parts
        yield from parts


def csv_rows(header: Sequence[str], text: Iterator[str], lost: Lost) -> Iterator[Sequence[Json] | Reject]:
    """The rows under a header, many at a time, as JSON objects of texts; a row of another length is lost."""
    csv.field_size_limit(_CELL)
    rows: list[Json] = []
    reader = csv.reader(text)
    while True:
        damage = ""
        try:
            row = next(reader, None)
        except csv.Error as error:
            row, damage = None, f"the CSV is damaged: {error}"
        if row and len(row) == len(header):
            rows.append(written(dict(zip(header, row, strict=True))).encode())
        elif row:
            damage = f"{len(row)} cells where the header names {len(header)}"
        if rows and (row is None or damage or len(rows) >= _ROWS):
            yield rows
            rows = []
        if damage:
            yield lost(damage, _as_line(row or ()))
        if row is None:
            return


def _as_line(row: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(row)
    return out.getvalue().rstrip("\r\n")


UNLIKE = (ValueError, OverflowError)
"""What pyarrow raises for a value that Python has no like of: a date beyond the year 9999, text that is not UTF-8."""


def as_python(values: Any) -> list[Any]:
    """The values of an array as Python's, each for itself where one has no like: then as text."""
    try:
        return list(values.to_pylist())
    except UNLIKE:
        return [_like(held) for held in values]


def _like(held: Any) -> Any:
    try:
        return held.as_py()
    except UNLIKE:
        pass
    if hasattr(held, "keys"):
        return {name: _like(held[name]) for name in held}
    if getattr(held, "values", None) is not None:
        return [_like(inner) for inner in held.values]
    if hasattr(held, "as_buffer"):
        return held.as_buffer().to_pybytes().decode("utf-8", "replace")
    try:
        return held.cast("string").as_py()
    except UNLIKE:
        return str(getattr(held, "value", held.type))


def as_rows(batch: Any) -> list[dict[str, Any]]:
    """The rows of a batch as `as_python` gives values."""
    try:
        return list(batch.to_pylist())
    except UNLIKE:
        columns = [as_python(column) for column in batch.columns]
        return [dict(zip(batch.schema.names, row, strict=True)) for row in zip(*columns, strict=True)]


def as_json(row: dict[str, Any]) -> bytes:
    """A row of a columnar file as a JSON object: times in ISO 8601, bytes as text, maps as objects."""
    return written({name: _plain(held) for name, held in row.items() if held is not None}).encode()


def _plain(held: Any) -> Any:
    if isinstance(held, dict):
        return {name: _plain(inner) for name, inner in held.items() if inner is not None}
    if isinstance(held, list):
        if held and all(isinstance(pair, tuple) and len(pair) == 2 for pair in held):
            return {str(name): _plain(inner) for name, inner in held}
        return [_plain(inner) for inner in held]
    if isinstance(held, datetime):
        return (held if held.tzinfo else held.replace(tzinfo=UTC)).isoformat()
    if isinstance(held, bytes):
        return held.decode("utf-8", "replace")
    return (
        held
        if isinstance(held, str | int | float | bool | None)
        else held.isoformat()
        if isinstance(held, date)
        else str(held)
    )
