"""Single values, and arrays of values, as the type of a column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forensics.readers.documents import Json
from forensics.readers.parts import Reject
from forensics.source import Column

ARROW = {
    "VARCHAR": pa.string(),
    "JSON": pa.string(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "TIMESTAMP": pa.timestamp("us"),
}
"""The Arrow type of each type a column may have."""

_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000}
_LONGEST_TIME = 64
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
"""Python also takes `8_40`, `+840` and digits of other scripts."""
SURROGATE = re.compile("[\ud800-\udfff]")
"""Halves of surrogate pairs, which no database holds."""
_FIRST_TIME, _LAST_TIME = -62_135_596_800_000_000, 253_402_300_799_999_999


def iso(texts: pa.Array) -> pa.Array:
    """ISO 8601 texts with a zone as times in UTC. Raises pa.ArrowInvalid where one is none."""
    return texts.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))


def epoch(numbers: pa.Array, column: Column) -> pa.Array:
    """Numbers in the column's unit as times. Raises pa.ArrowInvalid where one is no time of the years 1 to 9999."""
    scaled = pc.multiply_checked(numbers, 1_000_000 // _PER_SECOND[column.epoch])
    ends = pc.min_max(scaled).as_py()
    if ends["min"] is not None and (ends["min"] < _FIRST_TIME or ends["max"] > _LAST_TIME):
        raise pa.ArrowInvalid("not a time of the years 1 to 9999")
    return scaled.cast(pa.timestamp("us"))


KINDS = {
    "VARCHAR": "a text",
    "JSON": "JSON",
    "BIGINT": "a whole number",
    "DOUBLE": "a number",
    "BOOLEAN": "true or false",
    "TIMESTAMP": "a time",
}
"""What a value of each type is called in the reason of a reject."""


def convert(column: Column, raw: Json) -> Any:
    """One JSON value as the column's type. Raises ValueError, TypeError, OverflowError, msgspec.DecodeError."""
    text = bytes(raw)
    if column.type == "JSON":
        return text.decode("utf-8")
    value = msgspec.json.decode(text)
    if column.type == "VARCHAR":
        if isinstance(value, dict | list):
            raise ValueError("an object is no text")
        return value if isinstance(value, str) else text.decode("ascii")
    return scalar(column, value)


def scalar(column: Column, value: Any) -> Any:
    """A number, boolean or text as the column's type. Raises ValueError, TypeError, OverflowError."""
    if column.type == "TIMESTAMP":
        return _time(column, value)
    if column.type == "BOOLEAN":
        return _boolean(value)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError("not a number")
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise ValueError("not a number as logs write it")
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
    if isinstance(value, str) and not (column.epoch and value.lstrip("-").isdigit()):
        if len(value) > _LONGEST_TIME:
            raise ValueError("too long for a time")
        moment = datetime.fromisoformat(value.strip())
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError("not a time")
    try:
        return datetime.fromtimestamp(float(value) / _PER_SECOND.get(column.epoch, 1), UTC).replace(tzinfo=None)
    except OSError:
        raise ValueError("no calendar has this time") from None


def array(column: Column, numbers: Sequence[int], values: Sequence[Any], rejects: list[Reject]) -> pa.Array:
    """An array of decoded values: NULL with a reject where one does not fit."""
    if (plain := _plain(column, values)) is not None:
        return plain
    if column.type == "VARCHAR":
        return _texts(column, numbers, values, rejects)
    found: list[Any] = []
    for number, value in zip(numbers, values, strict=True):
        try:
            found.append(None if value is None else scalar(column, value))
        except (ValueError, TypeError, OverflowError, OSError):
            found.append(None)
            rejects.append(Reject.of(number, f"{column.field} is not {KINDS[column.type]}", str(value)))
    return pa.array(found, ARROW[column.type])


_OF_ONE_KIND: dict[str, set[type]] = {
    "VARCHAR": {str},
    "JSON": {str},
    "BIGINT": {int},
    "DOUBLE": {int, float},
    "BOOLEAN": {bool},
}


def _plain(column: Column, values: Sequence[Any]) -> pa.Array | None:
    """An array of values that are all of the column's own kind; None where one may not be."""
    kinds = set(map(type, values)) - {type(None)}
    if not kinds:
        return pa.nulls(len(values), ARROW[column.type])
    try:
        if kinds == {str} and column.type in ("BIGINT", "TIMESTAMP"):
            return _of_texts(column, pa.array(values, pa.string()))
        if column.type == "TIMESTAMP":
            return epoch(pa.array(values, pa.int64()), column) if column.epoch and kinds == {int} else None
        return pa.array(values, ARROW[column.type]) if kinds <= _OF_ONE_KIND[column.type] else None
    except (pa.ArrowException, OverflowError, UnicodeEncodeError):
        return None


def _of_texts(column: Column, texts: pa.Array) -> pa.Array | None:
    """Whole numbers, and times, of texts; None where one may be none. Raises pa.ArrowException, OverflowError."""
    if column.type == "TIMESTAMP" and not column.epoch:
        return iso(texts)
    if not pc.all(pc.match_substring_regex(texts, "^-?[0-9]+$")).as_py():
        return None
    numbers = texts.cast(pa.int64())
    return epoch(numbers, column) if column.epoch else numbers


def _texts(column: Column, numbers: Sequence[int], values: Sequence[Any], rejects: list[Reject]) -> pa.Array:
    """Texts; halves of surrogate pairs, which no database holds, are replaced, with a reject."""
    found: list[str | None] = []
    for number, value in zip(numbers, values, strict=True):
        text = value if isinstance(value, str) or value is None else str(value)
        if text is not None and not text.isascii():
            valid = SURROGATE.sub("\ufffd", text)
            if valid != text:
                rejects.append(
                    Reject.of(number, f"{column.field} holds characters that are not valid text", ascii(text))
                )
                text = valid
        found.append(text)
    return pa.array(found, pa.string())


def count_from(first: int, rows: int) -> pa.Array:
    """The numbers of so many records from `first` on."""
    return pa.array(np.arange(first, first + rows, dtype=np.int64))
