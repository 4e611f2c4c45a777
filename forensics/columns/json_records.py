"""JSON records into typed columns: all at once where every value fits, value by value where one does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from forensics.columns.values import ARROW, KINDS, convert, epoch, iso, scalar
from forensics.jsons import written
from forensics.readers.documents import BAD_JSON, Json, members, value
from forensics.readers.parts import JsonPart, Reject
from forensics.readers.recognise import claims
from forensics.readers.typed import NULL, Decoded, Layout, Node, decode_rows
from forensics.readers.typed import layout as layout_of
from forensics.source import STREAM_FIELDS, Column, Source
from forensics.sources import sources

encode = msgspec.json.encode


def json_table(source: Source, part: JsonPart, rejects: list[Reject], strays: list[tuple[int, Json | str]]) -> pa.Table:
    """The typed rows of JSON records; what does not fit goes to `rejects`, records of other sources to `strays`."""
    layout = layout_of(source.name)
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


_Attempt = Callable[[Source, Layout, Sequence[int], Sequence[Json]], pa.Table]


class _Missing(Exception):
    """A record lacks what its source requires."""


class _Unformed(ValueError):
    """A record that its source cannot put into the declared form; its members stay as they came."""


_UNFIT = (*BAD_JSON, pa.ArrowException, OverflowError, _Missing)


def _formed(source: Source, held: Any) -> Any:
    """The record in the declared form. Raises _Unformed: what one record holds must not end a load."""
    try:
        return source.reshape(held) if source.reshape else held
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise _Unformed(f"not a record as those of {source.name}: {error}") from error


def _strict(source: Source, layout: Layout, numbers: Sequence[int], records: Sequence[Json]) -> pa.Table:
    """All records at once. Raises one of _UNFIT if any value of any does not fit."""
    arrays: dict[str, pa.Array] = {"record": pa.array(numbers, pa.int64())}
    rows = records.rows if isinstance(records, Decoded) else decode_rows(layout.top, records)
    held = _spread(layout.top, rows, arrays)
    for place, node in layout.parents:
        values = held[place] if held else ()
        if _is_blank(values):
            _blank(node, len(values), arrays)
        else:
            _spread(node, decode_rows(node, values), arrays)
    for name in source.required:
        if arrays[name].null_count:
            raise _Missing(name)
    return pa.table(arrays)


def _reshaped(source: Source, layout: Layout, numbers: Sequence[int], records: Sequence[Json]) -> pa.Table:
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
        formed = _formed(source, held)
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


def _spread(node: Node, rows: Sequence[Any], arrays: dict[str, pa.Array]) -> list[tuple[Any, ...]]:
    """The columns of decoded rows, level by level."""
    empty = node.empty
    held = list(zip(*[msgspec.structs.astuple(row or empty) for row in rows], strict=True))
    for place, column in node.columns:
        arrays[column.name] = _array(column, held[place] if held else ())
    for place, inner in node.inner:
        values = held[place] if held else ()
        if values.count(None) + values.count(NULL) == len(values):
            _blank(inner, len(values), arrays)
        elif isinstance(values[0], msgspec.Raw):
            _spread(inner, decode_rows(inner, values), arrays)
        else:
            _spread(inner, values, arrays)
    return held


def _blank(node: Node, length: int, arrays: dict[str, pa.Array]) -> None:
    for _, column in node.columns:
        arrays[column.name] = pa.nulls(length, ARROW[column.type])
    for _, inner in node.inner:
        _blank(inner, length, arrays)


def _array(column: Column, values: Sequence[Any]) -> pa.Array:
    """A typed array. Raises pa.ArrowInvalid where a value does not fit."""
    if column.type == "JSON":
        return _raws(values)
    if column.type == "VARCHAR" and (texts := _texts(values)) is not None:
        return texts
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


def _is_blank(values: Sequence[Any]) -> bool:
    return not values or (values[0] == NULL and values.count(NULL) == len(values))


def _raws(values: Sequence[msgspec.Raw]) -> pa.Array:
    """Undecoded values as texts."""
    if _is_blank(values):
        return pa.nulls(len(values), pa.string())
    found = _laid_out(b"\0".join(values), len(values), nulls=True)
    if found is None:
        return pa.array([None if raw == NULL else bytes(raw) for raw in values], pa.binary()).cast(pa.string())
    return found


def _texts(values: Sequence[Any]) -> pa.Array | None:
    """Texts laid end to end, in half the time of taking them one by one; None where one is missing or a number."""
    try:
        return _laid_out("\0".join(values).encode(), len(values), nulls=False)
    except TypeError:
        return None


def _laid_out(marked: bytes, count: int, *, nulls: bool) -> pa.Array | None:
    """An array of `count` texts with a zero byte between them, `null` as NULL if asked; None where they hold one too."""
    data = np.frombuffer(marked, np.uint8)
    marks = np.flatnonzero(data == 0)
    if len(marks) != count - 1 or len(marked) > _MOST_BYTES:
        return None
    offsets = np.concatenate(([0], marks - np.arange(count - 1), [len(marked) - count + 1])).astype(np.int32)
    known = None
    if nulls:
        starts = np.concatenate(([0], marks + 1))
        held = (np.diff(offsets) != len(b"null")) | (data[starts] != ord("n"))
        known = None if held.all() else pa.py_buffer(np.packbits(held, bitorder="little"))
    buffers = [known, pa.py_buffer(offsets), pa.py_buffer(marked.replace(b"\0", b""))]
    return pa.Array.from_buffers(pa.binary(), count, buffers).cast(pa.string())


_MOST_BYTES = 2**31 - 1
"""Bytes that one array of texts can hold."""


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
        _strict(source, layout_of(source.name), [0], [record])
    except _UNFIT:
        return False
    return True


def _value_by_value(source: Source, number: int, record: Json, rejects: list[Reject]) -> pa.Table:
    held = members(record) or {}
    if source.reshape:
        try:
            held = members(written(_formed(source, value(record))).encode()) or {}
        except _Unformed as error:
            rejects.append(Reject.of(number, str(error), bytes(record)))
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
