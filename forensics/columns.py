"""Records into typed columns: fast where every value fits, value by value where one does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from forensics.readers.documents import BAD_JSON, Json, members
from forensics.readers.parts import ArrowPart, EventPart, JsonPart, LinePart, Reject
from forensics.readers.recognise import claims
from forensics.source import Column, Source, snake
from forensics.sources import sources

ARROW = {
    "VARCHAR": pa.string(),
    "JSON": pa.string(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "TIMESTAMP": pa.timestamp("us"),
}
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000}
_LONGEST_TIME = 64
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Columns:
    """Rows of one source, typed, with `object_id` still to be added; what did not fit; and records of other sources."""

    source: str
    table: pa.Table
    rejects: tuple[Reject, ...]
    strays: tuple[tuple[int, Json], ...] = ()


def build(part: JsonPart | LinePart | EventPart | ArrowPart) -> Columns:
    """The typed rows of a part: columns `record` and those of the source that the part has."""
    source = sources()[part.source]
    rejects: list[Reject] = []
    strays: list[tuple[int, Json]] = []
    if isinstance(part, JsonPart):
        table = _json(source, part, rejects, strays)
    elif isinstance(part, LinePart):
        table = _lines(source, part, rejects)
    elif isinstance(part, EventPart):
        table = _events(source, part, rejects)
    else:
        table = _arrow(source, part, rejects)
    return Columns(part.source, table, tuple(rejects), tuple(strays))


# JSON records


@dataclass(frozen=True)
class _Node:
    """Members of a JSON object that have columns: their place in a decoded row, and the nodes inside them."""

    columns: tuple[tuple[int, Column], ...]
    inner: tuple[tuple[int, _Node], ...]
    decoder: Any
    empty: Any


@dataclass(frozen=True)
class _Layout:
    """How a source's records are decoded: the top level, whose members with columns inside are decoded apart."""

    top: _Node
    parents: tuple[tuple[int, _Node], ...]


_STRICT: dict[str, Any] = {
    "VARCHAR": str | None,
    "JSON": msgspec.Raw,
    "BIGINT": int | None,
    "DOUBLE": float | None,
    "BOOLEAN": bool | None,
    "TIMESTAMP": str | None,
}
_NULL = msgspec.Raw(b"null")


@cache
def _layout(name: str) -> _Layout:
    """Top-level members with columns inside stay raw in the first pass: they often have a column of their own too."""
    plain: dict[str, Any] = {}
    nested: dict[str, list[tuple[list[str], Column]]] = {}
    for column in sources()[name].columns:
        first, *rest = column.field.split(".")
        if rest:
            nested.setdefault(first, []).append((rest, column))
        else:
            plain[first] = column
    fields = {first: _STRICT[column.type] for first, column in plain.items()} | dict.fromkeys(nested, msgspec.Raw)
    kind = _struct(fields, strict=True)
    places = list(fields)
    columns = tuple((places.index(first), column) for first, column in plain.items())
    top = _Node(columns, (), msgspec.json.Decoder(list[kind]), kind())  # type: ignore[valid-type]
    return _Layout(top, tuple((places.index(first), _node(paths)) for first, paths in nested.items()))


def _node(paths: Sequence[tuple[list[str], Column]]) -> _Node:
    leaves: dict[str, Column] = {}
    deeper: dict[str, list[tuple[list[str], Column]]] = {}
    for (first, *rest), column in paths:
        if rest:
            deeper.setdefault(first, []).append((rest, column))
        else:
            leaves[first] = column
    nodes = {first: _node(inner) for first, inner in deeper.items()}
    fields = {first: _STRICT[column.type] for first, column in leaves.items()}
    fields |= {first: type(node.empty) | None for first, node in nodes.items() if first not in leaves}
    kind = _struct(fields, strict=False)
    places = list(fields)
    return _Node(
        tuple((places.index(first), column) for first, column in leaves.items()),
        tuple((places.index(first), node) for first, node in nodes.items()),
        msgspec.json.Decoder(list[kind | None]),  # type: ignore[valid-type]
        kind(),
    )


def _struct(fields: Mapping[str, Any], *, strict: bool) -> Any:
    members = [(f"f{place}", kind, _NULL if kind is msgspec.Raw else None) for place, kind in enumerate(fields.values())]
    rename = {f"f{place}": name for place, name in enumerate(fields)}
    return msgspec.defstruct("Members", members, rename=rename, forbid_unknown_fields=strict, gc=False)


def _json(source: Source, part: JsonPart, rejects: list[Reject], strays: list[tuple[int, Json]]) -> pa.Table:
    layout = _layout(source.name)
    try:
        return _strict(source, layout, part.numbers, part.records)
    except _UNFIT:
        return _tolerant(source, part, rejects, strays)


class _Missing(Exception):
    """A record lacks what its source requires."""


_UNFIT = (*BAD_JSON, pa.ArrowException, OverflowError, ValueError, _Missing)


def _strict(source: Source, layout: _Layout, numbers: Sequence[int], records: Sequence[Json]) -> pa.Table:
    """All records at once. Raises one of _UNFIT if any value of any does not fit."""
    arrays: dict[str, pa.Array] = {"record": pa.array(numbers, pa.int64())}
    held = _spread(layout.top, layout.top.decoder.decode(b"[" + b",".join(records) + b"]"), arrays)
    for place, node in layout.parents:
        values = held[place] if held else ()
        if values.count(_NULL) == len(values):
            _blank(node, len(values), arrays)
        else:
            _spread(node, node.decoder.decode(b"[" + b",".join(values) + b"]"), arrays)
    for name in source.required:
        if arrays[name].null_count:
            raise _Missing(name)
    return pa.table(arrays)


def _spread(node: _Node, rows: Sequence[Any], arrays: dict[str, pa.Array]) -> list[tuple[Any, ...]]:
    """The columns of decoded rows, level by level."""
    empty = node.empty
    held = list(zip(*[msgspec.structs.astuple(row or empty) for row in rows], strict=True))
    for place, column in node.columns:
        arrays[column.name] = _array(column, held[place] if held else ())
    for place, inner in node.inner:
        values = held[place] if held else ()
        if values.count(None) == len(values):
            _blank(inner, len(values), arrays)
        else:
            _spread(inner, values, arrays)
    return held


def _blank(node: _Node, length: int, arrays: dict[str, pa.Array]) -> None:
    for _, column in node.columns:
        arrays[column.name] = pa.nulls(length, ARROW[column.type])
    for _, inner in node.inner:
        _blank(inner, length, arrays)


def _array(column: Column, values: Sequence[Any]) -> pa.Array:
    """A typed array. Raises pa.ArrowInvalid where a value does not fit."""
    if column.type == "JSON":
        return _raws(values)
    if column.type != "TIMESTAMP":
        return pa.array(values, ARROW[column.type])
    if column.epoch:
        return _epoch(pa.array(values, pa.int64()), column)
    return _iso(pa.array(values, pa.string()))


def _raws(values: Sequence[Any]) -> pa.Array:
    if values.count(_NULL) == len(values):
        return pa.nulls(len(values), pa.string())
    texts = pa.array(list(map(bytes, values)), pa.binary()).cast(pa.string())
    return pc.if_else(pc.equal(texts, "null"), pa.scalar(None, pa.string()), texts)


def _iso(texts: pa.Array) -> pa.Array:
    return texts.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))


def _epoch(numbers: pa.Array, column: Column) -> pa.Array:
    scaled = pc.multiply_checked(numbers, 1_000_000 // _PER_SECOND[column.epoch])
    return scaled.cast(pa.timestamp("us"))


def _tolerant(source: Source, part: JsonPart, rejects: list[Reject], strays: list[tuple[int, Json]]) -> pa.Table:
    """Record by record: the good ones together, each of the others value by value; those of other sources stray."""
    layout = _layout(source.name)
    tables: list[pa.Table] = []
    good: list[tuple[int, Json]] = []
    for number, record in zip(part.numbers, part.records, strict=True):
        if _fits(source, layout, record):
            good.append((number, record))
        elif claims(source, record):
            tables.append(_value_by_value(source, number, record, rejects))
        else:
            strays.append((number, record))
    strict = _strict(source, layout, [number for number, _ in good], [record for _, record in good])
    merged = pa.concat_tables([strict, *tables], promote_options="default")
    return merged.sort_by("record") if tables and good else merged


def _fits(source: Source, layout: _Layout, record: Json) -> bool:
    try:
        _strict(source, layout, [0], [record])
    except _UNFIT:
        return False
    return True


def _value_by_value(source: Source, number: int, record: Json, rejects: list[Reject]) -> pa.Table:
    held = members(record) or {}
    arrays: dict[str, pa.Array] = {"record": pa.array([number], pa.int64())}
    known = {column.field.partition(".")[0] for column in source.columns}
    for column in source.columns:
        raw = _dig(held, column.field.split("."))
        arrays[column.name] = _one(column, number, raw, rejects)
    unknown = {name: raw for name, raw in held.items() if name not in known}
    if unknown:
        arrays["unmapped"] = _one(Column("unmapped", "JSON"), number, msgspec.Raw(msgspec.json.encode(unknown)), rejects)
    return pa.table(arrays)


def _dig(held: dict[str, msgspec.Raw], path: Sequence[str]) -> msgspec.Raw | None:
    raw: msgspec.Raw | None = held.get(path[0])
    for step in path[1:]:
        inner = members(raw) if raw is not None else None
        raw = inner.get(step) if inner else None
    return raw


def _one(column: Column, number: int, raw: Json | None, rejects: list[Reject]) -> pa.Array:
    """An array of one value: NULL with a reject where it does not fit."""
    if raw is None or bytes(raw).strip() == b"null":
        return pa.nulls(1, ARROW[column.type])
    try:
        value, note = convert(column, raw)
    except (*BAD_JSON, ValueError, TypeError, OverflowError, pa.ArrowException):
        value, note = None, f"{column.field} is not {_ARTICLE[column.type]}"
    if note:
        rejects.append(Reject.of(number, note, bytes(raw)))
    return pa.array([value], ARROW[column.type])


_ARTICLE = {
    "VARCHAR": "a text",
    "JSON": "JSON",
    "BIGINT": "a whole number",
    "DOUBLE": "a number",
    "BOOLEAN": "true or false",
    "TIMESTAMP": "a time",
}


def convert(column: Column, raw: Json) -> tuple[Any, str]:
    """One JSON value as the column's type, and a note where something was lost. Raises ValueError, TypeError."""
    text = bytes(raw)
    if column.type == "JSON":
        decoded = text.decode("utf-8", "replace")
        return decoded, "" if decoded.encode() == text else f"{column.field} holds bytes that are not UTF-8"
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _broken_text(column, text)
    if column.type == "VARCHAR":
        if isinstance(value, dict | list):
            raise ValueError("an object is no text")
        return (value, "") if isinstance(value, str) else (text.decode("ascii"), "")
    return scalar(column, value), ""


def _broken_text(column: Column, text: bytes) -> tuple[Any, str]:
    if column.type != "VARCHAR" or not text.startswith(b'"'):
        raise ValueError("not JSON")
    return text[1:-1].decode("utf-8", "replace"), f"{column.field} holds characters that are not valid text"


def scalar(column: Column, value: Any) -> Any:
    """A number, boolean or text as the column's type. Raises ValueError, TypeError, OverflowError."""
    if column.type == "TIMESTAMP":
        return _time(column, value)
    if column.type == "BOOLEAN":
        return _boolean(value)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError("not a number")
    if column.type == "DOUBLE":
        return float(value)
    whole = int(value) if not isinstance(value, float) else int(value) if value.is_integer() else None
    if whole is None or not -(2**63) <= whole < 2**63:
        raise ValueError("not a 64-bit whole number")
    return whole


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise ValueError("not a boolean")


def _time(column: Column, value: Any) -> datetime:
    if isinstance(value, bool):
        raise TypeError("not a time")
    if column.epoch and not isinstance(value, str):
        seconds = value / _PER_SECOND[column.epoch]
        return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    if column.epoch and value.lstrip("-").isdigit():
        return _time(column, int(value))
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC).replace(tzinfo=None)
    if len(value) > _LONGEST_TIME:
        raise ValueError("too long for a time")
    moment = datetime.fromisoformat(value.strip())
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _count_from(first: int, rows: int) -> pa.Array:
    return pa.array(np.arange(first, first + rows, dtype=np.int64))


# lines of fields


def _lines(source: Source, part: LinePart, rejects: list[Reject]) -> pa.Table:
    columns = _header(source, part, rejects)
    if not part.data.strip():
        return pa.table({"record": pa.array([], pa.int64())})
    try:
        table = _csv(source, columns, part.data)
    except (pa.ArrowException, OverflowError):
        return _split(source, columns, part, rejects)
    return table.add_column(0, "record", _count_from(part.first, table.num_rows))


def _header(source: Source, part: LinePart, rejects: list[Reject]) -> list[Column | None]:
    known = {column.name: column for column in source.columns}
    columns = [known.get(snake(name)) for name in part.header]
    if part.first == 0:
        for name, column in zip(part.header, columns, strict=True):
            if column is None:
                rejects.append(Reject.of(None, f"the field {name} has no column; it is in the records themselves", name))
    return columns


def _csv(source: Source, columns: Sequence[Column | None], data: bytes) -> pa.Table:
    names = [column.name if column else f"\0{place}" for place, column in enumerate(columns)]
    types = {column.name: _csv_type(column) for column in columns if column}
    table = pa_csv.read_csv(
        pa.BufferReader(data),
        read_options=pa_csv.ReadOptions(use_threads=False, column_names=names, block_size=_BLOCK),
        parse_options=pa_csv.ParseOptions(delimiter=" ", quote_char=False),
        convert_options=pa_csv.ConvertOptions(
            column_types=types,
            include_columns=[column.name for column in columns if column],
            null_values=[source.null],
            strings_can_be_null=True,
            check_utf8=True,
        ),
    )
    for column in columns:
        if column and column.type == "TIMESTAMP":
            place = table.schema.get_field_index(column.name)
            table = table.set_column(place, column.name, _epoch(table[column.name], column))
    return table


def _csv_type(column: Column) -> pa.DataType:
    if column.type == "TIMESTAMP":
        return pa.int64() if column.epoch else pa.timestamp("us")
    if column.type == "VARCHAR":
        return pa.string()
    return ARROW[column.type]


def _split(source: Source, columns: Sequence[Column | None], part: LinePart, rejects: list[Reject]) -> pa.Table:
    """Line by line, on any run of blanks; a wrong number of fields rejects the line."""
    rows: list[tuple[int, list[str]]] = []
    lines = (line for line in part.data.decode("utf-8", "replace").split("\n") if line.strip())
    for number, line in enumerate(lines, part.first):
        fields = line.split()
        if tuple(fields) == part.header:
            continue
        if len(fields) == len(columns):
            rows.append((number, fields))
        else:
            rejects.append(Reject.of(number, f"{len(fields)} fields where the header names {len(columns)}", line))
    arrays: dict[str, pa.Array] = {"record": pa.array([number for number, _ in rows], pa.int64())}
    for place, column in enumerate(columns):
        if column:
            texts = [(number, fields[place]) for number, fields in rows]
            arrays[column.name] = _texts(column, texts, source.null, rejects)
    return pa.table(arrays)


def _texts(column: Column, texts: Iterable[tuple[int, str]], null: str, rejects: list[Reject]) -> pa.Array:
    values: list[Any] = []
    for number, text in texts:
        value = None
        if text != null:
            try:
                value = text if column.type == "VARCHAR" else scalar(column, text)
            except (ValueError, TypeError, OverflowError, OSError):
                rejects.append(Reject.of(number, f"{column.field} is not {_ARTICLE[column.type]}", text))
        values.append(value)
    return pa.array(values, ARROW[column.type])


# events of log streams


def _events(source: Source, part: EventPart, rejects: list[Reject]) -> pa.Table:
    parse = source.parse_message
    rows: list[dict[str, Any]] = []
    for event in part.events:
        row = dict(parse(event.stream, event.message)) if parse else {}
        row |= {"owner": event.stream.owner, "logGroup": event.stream.log_group, "logStream": event.stream.log_stream}
        row |= {"id": event.id, "timestamp": event.timestamp, "ingestionTime": event.ingestion_time}
        row["message"] = event.message
        rows.append(row)
    arrays: dict[str, pa.Array] = {"record": pa.array(part.numbers, pa.int64())}
    for column in source.columns:
        values = [row.get(column.field) for row in rows]
        arrays[column.name] = _values(column, part.numbers, values, rejects)
    return pa.table(arrays)


def _values(column: Column, numbers: Sequence[int], values: Sequence[Any], rejects: list[Reject]) -> pa.Array:
    if column.type == "VARCHAR":
        texts = [value if isinstance(value, str) or value is None else str(value) for value in values]
        return pa.array([None if text is None else text.encode("utf-8", "replace") for text in texts]).cast(pa.string())
    found: list[Any] = []
    for number, value in zip(numbers, values, strict=True):
        try:
            found.append(None if value is None else scalar(column, value))
        except (ValueError, TypeError, OverflowError, OSError):
            found.append(None)
            rejects.append(Reject.of(number, f"{column.field} is not {_ARTICLE[column.type]}", str(value)))
    return pa.array(found, ARROW[column.type])


# rows of columnar files


def _arrow(source: Source, part: ArrowPart, rejects: list[Reject]) -> pa.Table:
    numbers = range(part.first, part.first + part.table.num_rows)
    arrays: dict[str, Any] = {"record": _count_from(part.first, part.table.num_rows)}
    known = {column.name: column for column in source.columns}
    for name in part.table.column_names:
        column = known.get(name)
        if column is None:
            if part.first == 0:
                rejects.append(Reject.of(None, f"the field {name} has no column; it is in the records themselves", name))
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
            return _epoch(values.cast(pa.int64()), column)
        return values.cast(ARROW[column.type])
    except (pa.ArrowException, OverflowError):
        return _values(column, numbers, values.to_pylist(), rejects)


