r"""Rows as text or files: table, csv, json, jsonl, parquet; what log text carries does no harm in any of them.

Control characters and terminal escapes are written visibly (`\x1b`), formulas are neutralised in CSV.
Only `json`, `jsonl` and `parquet` carry every text unaltered.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TextIO

from forensics.errors import ForensicsError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from forensics.case import Query

FORMATS = ("table", "csv", "json", "jsonl", "parquet")

SAMPLE = 10_000
"""Rows from which a table takes its widths, and rows of a batch."""
WIDEST = 100
"""Greatest width a column of a table is padded to; longer values are longer all the same."""
NARROWEST = 8
GAP = "  "
FOREVER = (1 << 63) - 1
"""How DuckDB hands over the timestamps `infinity` and, negative, `-infinity`."""

_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_HIDDEN_IN_CSV = re.compile(_HIDDEN.pattern.replace(r"\x00-\x1f", r"\x00-\x08\x0b\x0c\x0e-\x1f"))
_HIDDEN_IN_JSON = re.compile(_HIDDEN.pattern.replace(r"\x00-\x1f", ""))
_FORMULA = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Rows:
    """Named columns and their rows in Arrow batches."""

    schema: pa.Schema
    batches: Iterable[pa.RecordBatch]

    @classmethod
    def of(cls, query: Query) -> Rows:
        """The rows of a query, run once, in batches."""
        batches = query.batches(SAMPLE)
        first = next(batches, None)
        if first is None:
            return cls(query.arrow().schema, ())
        return cls(first.schema, _after(first, batches))

    @classmethod
    def table(cls, **columns: list[Any]) -> Rows:
        """Rows made here, column by column."""
        import pyarrow as pa

        made = pa.table(columns)
        return cls(made.schema, made.to_batches())


def write(rows: Rows, form: str, out: Path | None = None) -> None:
    """Write all rows to a file or standard output. Raises UsageError, ForensicsError (cannot write)."""
    if form == "parquet":
        _write_parquet(rows, out)
        return
    writers = {"table": _table, "csv": _csv, "json": _json, "jsonl": _jsonl}
    with _text(out) as stream:
        writers[form](rows, stream)


def visible(text: str) -> str:
    """Text on one line in which nothing acts on a terminal: control and direction characters as escapes."""
    return _HIDDEN.sub(_escape, text)


def plain(value: Any) -> Any:
    """A value as JSON has it: times ISO 8601 with Z, bytes as hex, what JSON has no word for as text."""
    if value is None or isinstance(value, str | int | bool):
        return value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)
    if isinstance(value, datetime):
        aware = value.astimezone(UTC) if value.tzinfo else value
        return aware.replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value)


def dump(value: Any) -> str:
    """One line of JSON; characters that act on a terminal are escaped, as JSON allows."""
    text = json.dumps(plain(value), ensure_ascii=False)
    return _HIDDEN_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def spreadsheet_text(text: str) -> str:
    """Text that no spreadsheet takes for a formula (OWASP, "CSV Injection"): a quote before what could be."""
    safe = _HIDDEN_IN_CSV.sub(_escape, text)
    return f"'{safe}" if _FORMULA.match(safe) and not _NUMBER.fullmatch(safe) else safe


def _escape(found: re.Match[str]) -> str:
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    code = ord(found[0])
    return named.get(found[0]) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def _after(first: pa.RecordBatch, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from rest


def _values(column: pa.Array) -> list[Any]:
    """Python values; a time outside the calendar of Python is text, as hostile logs may hold any number."""
    import pyarrow as pa

    try:
        return list(column.to_pylist())
    except (OverflowError, ValueError):
        if not pa.types.is_timestamp(column.type):
            return [str(value) for value in column.cast(pa.string()).to_pylist()]
        return [_far_time(ticks, column.type.unit) for ticks in column.cast(pa.int64()).to_pylist()]


def _far_time(ticks: int | None, unit: str) -> str | None:
    import numpy as np

    if ticks is None:
        return None
    if abs(ticks) >= FOREVER:
        return "infinity" if ticks > 0 else "-infinity"
    text = str(np.array([ticks], dtype=f"datetime64[{unit}]")[0])
    return text.removesuffix(".000000") + "Z"


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    made = plain(value)
    if isinstance(made, bool):
        return "true" if made else "false"
    return json.dumps(made, ensure_ascii=False) if isinstance(made, list | dict) else str(made)


# Text formats


def _table(rows: Rows, stream: TextIO) -> None:
    batches = iter(rows.batches)
    first = next(batches, None)
    names = [visible(name) for name in rows.schema.names]
    sample = list(_cells(first)) if first is not None else []
    widths = [max(map(_width, column)) for column in zip(names, *sample, strict=True)]
    limit = shutil.get_terminal_size().columns if stream.isatty() else 0
    fitted = _fit(widths, limit) if limit else [min(width, WIDEST) for width in widths]
    right = [_is_number(field.type) for field in rows.schema]
    stream.write(_line(names, fitted, [False] * len(names), limit))
    stream.write(GAP.join("-" * width for width in fitted) + "\n")
    stream.writelines(_line(cells, fitted, right, limit) for cells in sample)
    for batch in batches:
        stream.writelines(_line(cells, fitted, right, limit) for cells in _cells(batch))


def _cells(batch: pa.RecordBatch) -> Iterator[tuple[str, ...]]:
    columns = ([visible(_as_text(value)) for value in _values(column)] for column in batch.columns)
    return zip(*columns, strict=True)


def _line(cells: Iterable[str], widths: list[int], right: list[bool], limit: int) -> str:
    shown = []
    for cell, width, is_right in zip(cells, widths, right, strict=True):
        text = _cut(cell, width) if limit else cell
        padding = " " * (width - _width(text))
        shown.append(padding + text if is_right else text + padding)
    return GAP.join(shown).rstrip() + "\n"


def _fit(widths: list[int], limit: int) -> list[int]:
    """Widths that together fit the terminal, taken from the widest columns first."""
    fitted = list(widths)
    spare = sum(widths) + len(GAP) * (len(widths) - 1) - limit
    while spare > 0 and max(fitted) > NARROWEST:
        widest = max(fitted)
        at = [place for place, width in enumerate(fitted) if width == widest]
        below = max([NARROWEST, *(width for width in fitted if width < widest)])
        step = min(widest - below, -(-spare // len(at))) or 1
        for place in at:
            fitted[place] -= step
        spare -= step * len(at)
    return fitted


def _cut(text: str, width: int) -> str:
    if _width(text) <= width:
        return text
    while _width(text) >= width:
        text = text[: min(len(text) - 1, width)]
    return text + "…"


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in text)
    return len(text) + wide - sum(unicodedata.combining(sign) != 0 for sign in text)


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _csv(rows: Rows, stream: TextIO) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([spreadsheet_text(name) for name in rows.schema.names])
    for batch in rows.batches:
        writer.writerows(zip(*(map(_csv_cell, _values(column)) for column in batch.columns), strict=True))


def _csv_cell(value: Any) -> Any:
    if value is None or (isinstance(value, int | float | Decimal) and not isinstance(value, bool)):
        return value
    return spreadsheet_text(_as_text(value))


def _jsonl(rows: Rows, stream: TextIO) -> None:
    stream.writelines(f"{line}\n" for line in _objects(rows))


def _json(rows: Rows, stream: TextIO) -> None:
    between = "[\n"
    for line in _objects(rows):
        stream.write(between + line)
        between = ",\n"
    stream.write("[]\n" if between == "[\n" else "\n]\n")


def _objects(rows: Rows) -> Iterator[str]:
    names = _distinct(rows.schema.names)
    for batch in rows.batches:
        for values in zip(*(_values(column) for column in batch.columns), strict=True):
            yield dump(dict(zip(names, values, strict=True)))


def _distinct(names: list[str]) -> list[str]:
    """Names that lose no value as keys: a repeated one gets a number."""
    made: list[str] = []
    for name in names:
        number, key = 1, name
        while key in made:
            number, key = number + 1, f"{name}_{number}"
        made.append(key)
    return made


# Where it goes


@contextlib.contextmanager
def _text(out: Path | None) -> Iterator[TextIO]:
    if out is None:
        yield sys.stdout
        return
    with _file(out) as handle, io.TextIOWrapper(handle, "utf-8", newline="") as stream:
        yield stream


@contextlib.contextmanager
def _file(out: Path) -> Iterator[IO[bytes]]:
    """A file that is there whole or not at all. Raises ForensicsError."""
    part = out.with_name(f"{out.name}.part")
    try:
        with part.open("wb") as handle:
            yield handle
        part.replace(out)
    except OSError as error:
        raise ForensicsError(f"cannot write {out}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def _write_parquet(rows: Rows, out: Path | None) -> None:
    if out is None and sys.stdout.isatty():
        raise UsageError("parquet is not for a terminal: give --out FILE, or send it to a file or pipe")
    target = contextlib.nullcontext(sys.stdout.buffer) if out is None else _file(out)
    with target as handle:
        _parquet(rows, handle)


def _parquet(rows: Rows, handle: IO[bytes]) -> None:
    import pyarrow.parquet as pq

    with pq.ParquetWriter(handle, rows.schema, compression="zstd") as writer:
        for batch in rows.batches:
            writer.write_batch(batch)
