"""JSON records into typed columns: all at once where every value fits, value by value where one does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
import pyarrow as pa

from forensics.columns.values import ARROW, KINDS, convert, epoch, iso, scalar
from forensics.jsons import written
from forensics.readers.documents import BAD_JSON, Json, members, value
from forensics.readers.parts import JsonPart, Reject
from forensics.readers.recognise import claims
from forensics.source import STREAM_FIELDS, Column, Source
from forensics.sources import sources


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
    "VARCHAR": str | int | None,
    "JSON": msgspec.Raw,
    "BIGINT": int | str | None,
    "DOUBLE": float | str | None,
    "BOOLEAN": bool | None,
    "TIMESTAMP": str | None,
}
_MOMENT: Any = int | float | str | None
_NULL = msgspec.Raw(b"null")
encode = msgspec.json.encode


@cache
def _layout(name: str) -> _Layout:
    """Top-level members with columns inside stay raw in the first pass: they often have a column of their own too."""
    plain: dict[str, Any] = {}
    nested: dict[str, list[tuple[list[str], Column]]] = {}
    for column in sources()[name].columns:
        if column.field in STREAM_FIELDS:
            continue
        first, *rest = column.field.split(".")
        if rest:
            nested.setdefault(first, []).append((rest, column))
        else:
            plain[first] = column
    fields = {first: _kind(column) for first, column in plain.items()} | dict.fromkeys(nested, msgspec.Raw)
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
    fields = {first: _kind(column) for first, column in leaves.items()}
    fields |= {first: msgspec.Raw if first in leaves else type(node.empty) | None for first, node in nodes.items()}
    kind = _struct(fields, strict=False)
    places = list(fields)
    return _Node(
        tuple((places.index(first), column) for first, column in leaves.items()),
        tuple((places.index(first), node) for first, node in nodes.items()),
        msgspec.json.Decoder(list[kind | None]),  # type: ignore[valid-type]
        kind(),
    )


def _kind(column: Column) -> Any:
    return _MOMENT if column.epoch else _STRICT[column.type]


def _struct(fields: Mapping[str, Any], *, strict: bool) -> Any:
    members = [
        (f"f{place}", kind, _NULL if kind is msgspec.Raw else None) for place, kind in enumerate(fields.values())
    ]
    rename = {f"f{place}": name for place, name in enumerate(fields)}
    return msgspec.defstruct("Members", members, rename=rename, forbid_unknown_fields=strict, gc=False)


def json_table(source: Source, part: JsonPart, rejects: list[Reject], strays: list[tuple[int, Json | str]]) -> pa.Table:
    """The typed rows of JSON records; what does not fit goes to `rejects`, records of other sources to `strays`."""
    layout = _layout(source.name)
    for attempt in _attempts(source):
        try:
            return attempt(source, layout, part.numbers, part.records)
        except _UNFIT:
            continue
    own = _own(source, part, strays)
    if len(own.records) < len(part.records):
        return json_table(source, own, rejects, strays)
    if len(part.records) == 1:
        return _value_by_value(source, part.numbers[0], part.records[0], rejects)
    return _halves(source, part, rejects, strays)


def _attempts(source: Source) -> Sequence[_Attempt]:
    """How records are typed all at once: as they are only where that gives what any of them alone would give."""
    return (_strict, _reshaped) if source.reshape is None or source.as_declared else (_reshaped,)


_Attempt = Callable[[Source, _Layout, Sequence[int], Sequence[Json]], pa.Table]


class _Missing(Exception):
    """A record lacks what its source requires."""


_UNFIT = (*BAD_JSON, pa.ArrowException, OverflowError, _Missing)


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


def _reshaped(source: Source, layout: _Layout, numbers: Sequence[int], records: Sequence[Json]) -> pa.Table:
    """All records at once, each in the declared form, members without a column apart. Raises one of _UNFIT."""
    pairs = [_in_form(source, record) for record in records]
    table = _strict(source, layout, numbers, [record for record, _ in pairs])
    rest = [unknown for _, unknown in pairs]
    return table.append_column("unmapped", pa.array(rest, pa.binary()).cast(pa.string())) if any(rest) else table


def _in_form(source: Source, record: Json) -> tuple[Json, bytes | None]:
    """A record in the form that the columns are declared by, and its members that no column knows."""
    found: Mapping[str, Any] | None = members(record)
    if found is None:
        raise ValueError("not an object")
    known = _known(source.name)
    if source.reshape or source.required:
        held = value(record)
        if not (source.claims and source.claims(held)):
            raise ValueError("another source's")
        formed = source.reshape(held) if source.reshape else held
        found = found if formed is held else formed
    if found.keys() <= known:
        return (record if isinstance(next(iter(found.values()), None), msgspec.Raw) else encode(found)), None
    apart = {name: raw for name, raw in found.items() if name not in known}
    return encode({name: raw for name, raw in found.items() if name in known}), encode(apart)


@cache
def _known(name: str) -> frozenset[str]:
    """Top-level members of a source's records that have columns."""
    fields = (column.field for column in sources()[name].columns if column.field not in STREAM_FIELDS)
    return frozenset(field.partition(".")[0] for field in fields)


def _spread(node: _Node, rows: Sequence[Any], arrays: dict[str, pa.Array]) -> list[tuple[Any, ...]]:
    """The columns of decoded rows, level by level."""
    empty = node.empty
    held = list(zip(*[msgspec.structs.astuple(row or empty) for row in rows], strict=True))
    for place, column in node.columns:
        arrays[column.name] = _array(column, held[place] if held else ())
    for place, inner in node.inner:
        values = held[place] if held else ()
        if values.count(None) + values.count(_NULL) == len(values):
            _blank(inner, len(values), arrays)
        elif isinstance(values[0], msgspec.Raw):
            _spread(inner, inner.decoder.decode(b"[" + b",".join(values) + b"]"), arrays)
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
    kind = pa.int64() if column.epoch else pa.string() if column.type == "TIMESTAMP" else ARROW[column.type]
    try:
        found = pa.array(values, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return _mixed(column, values)
    if column.type != "TIMESTAMP":
        return found
    return epoch(found, column) if column.epoch else iso(found)


def _mixed(column: Column, values: Sequence[Any]) -> pa.Array:
    """Numbers as text among numbers, and the like. Raises pa.ArrowInvalid where a value does not fit."""
    if column.type == "VARCHAR":
        return pa.array([held if held is None else str(held) for held in values], pa.string())
    try:
        return pa.array([held if held is None else scalar(column, held) for held in values], ARROW[column.type])
    except (ValueError, TypeError, OverflowError) as error:
        raise pa.ArrowInvalid(str(error)) from None


def _raws(values: Sequence[Any]) -> pa.Array:
    texts: list[bytes | None] = list(map(bytes, values))
    nulls = texts.count(b"null")
    if nulls == len(texts):
        return pa.nulls(len(texts), pa.string())
    if nulls:
        texts = [None if text == b"null" else text for text in texts]
    return pa.array(texts, pa.binary()).cast(pa.string())


def _halves(source: Source, part: JsonPart, rejects: list[Reject], strays: list[tuple[int, Json | str]]) -> pa.Table:
    """The typed rows of records that do not all fit: of both halves, until a record stands alone."""
    middle = len(part.records) // 2
    tables = [
        json_table(source, JsonPart(source.name, part.numbers[half], part.records[half]), rejects, strays)
        for half in (slice(None, middle), slice(middle, None))
    ]
    return pa.concat_tables(tables, promote_options="default")


def _own(source: Source, part: JsonPart, strays: list[tuple[int, Json | str]]) -> JsonPart:
    """The records that are the source's, or have members of its alone; the others go to `strays`."""
    pairs = list(zip(part.numbers, part.records, strict=True))
    strict = _strict in _attempts(source)
    own = [
        (members(record) is not None and claims(source, record)) or (strict and _fits(source, record))
        for record in part.records
    ]
    strays += [pair for pair, is_own in zip(pairs, own, strict=True) if not is_own]
    kept = [pair for pair, is_own in zip(pairs, own, strict=True) if is_own]
    return JsonPart(source.name, [number for number, _ in kept], [record for _, record in kept])


def _fits(source: Source, record: Json) -> bool:
    try:
        _strict(source, _layout(source.name), [0], [record])
    except _UNFIT:
        return False
    return True


def _value_by_value(source: Source, number: int, record: Json, rejects: list[Reject]) -> pa.Table:
    held = members(record) or {}
    if source.reshape:
        formed = source.reshape(value(record))
        held = members(written(formed).encode()) or {}
    arrays: dict[str, pa.Array] = {"record": pa.array([number], pa.int64())}
    for column in source.columns:
        if column.field not in STREAM_FIELDS:
            arrays[column.name] = _one(column, number, _dig(held, column.field.split(".")), rejects)
    unknown = {name: raw for name, raw in held.items() if name not in _known(source.name)}
    if unknown:
        arrays["unmapped"] = _one(Column("unmapped", "JSON"), number, msgspec.Raw(encode(unknown)), rejects)
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
        return pa.array([convert(column, raw)], ARROW[column.type])
    except (*BAD_JSON, TypeError, OverflowError, pa.ArrowException):
        rejects.append(Reject.of(number, f"{column.field} is not {KINDS[column.type]}", bytes(raw)))
        return pa.nulls(1, ARROW[column.type])
