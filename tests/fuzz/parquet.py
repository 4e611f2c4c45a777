"""Parquet files of odd shapes: of a source's own columns, of JSON texts, of nested things."""

import io
import json
import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_DEPTH = 60

_FLOW = {
    "version": pa.array([2, 5, None], pa.int32()),
    "account_id": pa.array(["111122223333", "x", None]),
    "interface_id": pa.array(["eni-0example", "", "\0"]),
    "srcaddr": pa.array(["10.0.1.5", None, "-"]),
    "dstaddr": pa.array(["203.0.113.7", "-", "a"]),
    "srcport": pa.array([443, -1, 70_000], pa.int32()),
    "start": pa.array([1793869200, None, 2**62], pa.int64()),
    "end": pa.array([1793869258, 0, -(2**62)], pa.int64()),
    "bytes": pa.array([1, 2**63 - 1, None], pa.int64()),
    "action": pa.array(["ACCEPT", "REJECT", "?"]).dictionary_encode(),
}


def _deep() -> pa.Array:
    kind, value = pa.string(), "x"
    for _ in range(_DEPTH):
        kind, value = pa.list_(kind), [value]  # type: ignore[assignment]
    return pa.array([value, None, []], kind)


def odd_arrays() -> tuple[pa.Array, ...]:
    """Columns of three values of every kind that a Parquet file may hold."""
    moment = datetime(2026, 11, 5, 9, 0, tzinfo=UTC)
    return (
        pa.array([1.5, float("nan"), float("-inf")]),
        pa.array([b"\xff\0", b"", None]),
        pa.array([moment, None, moment], pa.timestamp("ns", "UTC")),
        pa.array([2**62, -(2**62), 0], pa.int64()).cast(pa.timestamp("us")),
        pa.array([0, 86_399_999_999, None], pa.int64()).cast(pa.time64("us")),
        pa.array([-719_163 * 4, 10**6, 0], pa.int32()).cast(pa.date32()),
        pa.array([Decimal("1.5"), Decimal("-9.9"), None], pa.decimal128(38, 10)),
        pa.array([[("a", 1)], [], None], pa.map_(pa.string(), pa.int32())),
        pa.array([{"a": {"b": [1, None]}}, None, {"a": None}]),
        pa.array([[None, "a"], [], None], pa.large_list(pa.string())),
        pa.array([None, None, None], pa.null()),
        pa.array([True, None, False]),
        pa.array(
            ["\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "a" * 70_000, "\0"], pa.large_string()
        ),
        pa.array([2**64 - 1, 0, None], pa.uint64()),
        _deep(),
    )


def as_parquet(_key: str, text: bytes, chance: random.Random) -> bytes:
    """Typed flow records with odd columns, or the records of a JSON text as rows, as columns or as text."""
    table = _flows(chance) if chance.random() < 0.4 else _rows(text, chance)
    out = io.BytesIO()
    options: dict[str, Any] = {
        "compression": chance.choice(("snappy", "zstd", "gzip", "none")),
        "row_group_size": chance.choice((1, 2, 1000)),
        "data_page_version": chance.choice(("1.0", "2.0")),
        "use_dictionary": chance.random() < 0.5,
    }
    pq.write_table(table, out, **options)
    return out.getvalue()


def _flows(chance: random.Random) -> pa.Table:
    columns = dict(_FLOW)
    arrays = odd_arrays()
    for name in chance.sample(list(columns), chance.randint(0, 4)):
        columns[chance.choice((name, name, name.replace("_", "-"), f"{name}x"))] = chance.choice(arrays)
    return pa.table(list(columns.values()), names=list(columns))


def _rows(text: bytes, chance: random.Random) -> pa.Table:
    shown = text.decode("utf-8", "replace")
    records = _records(shown)
    if chance.random() < 0.4 or not records:
        texts = [json.dumps(item) for item in records] or shown.split("\n")[:50]
        return pa.table(
            {chance.choice(("eventjson", "@message", "message", "record", "data")): texts, "n": range(len(texts))}
        )
    try:
        made = pa.Table.from_pylist(records)
        pq.write_table(made, io.BytesIO())
        return made
    except (pa.ArrowException, OverflowError, TypeError, UnicodeEncodeError):
        return pa.table({name: [json.dumps(item.get(name)) for item in records] for name in records[0]} or {"a": [1]})


def _records(text: str) -> list[dict[str, Any]]:
    try:
        held = json.loads(text)
    except (ValueError, RecursionError):
        return []
    found = held.get("Records", [held]) if isinstance(held, dict) else held
    return [item for item in found if isinstance(item, dict)][:50] if isinstance(found, list) else []
