"""A value that fits is the same as Python's; one that does not is NULL with its text rejected; none is lost unseen."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.columns import build
from forensics.columns.values import array, scalar
from forensics.readers.parts import JsonPart, LinePart, Reject
from forensics.source import Column
from forensics.sources import source

JSON = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6)
)
SHAPES = JSON | st.lists(JSON, max_size=2) | st.dictionaries(st.text(max_size=3), JSON, max_size=2)


def columns_of(records: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[tuple[int, str], str]]:
    texts = [msgspec.Raw(json.dumps(record).encode()) for record in records]
    built = build(JsonPart("guardduty", range(len(records)), texts))
    return built.table.to_pylist(), {(item.record or 0, item.reason.split()[0]): item.excerpt for item in built.rejects}


def finding(**more: Any) -> dict[str, Any]:
    return {"type": "T", "severity": 1, "resource": {}, "service": {}} | more


@settings(max_examples=80, deadline=None)
@given(st.lists(SHAPES, min_size=1, max_size=4))
def test_a_text_is_kept_or_rejected(values: list[Any]) -> None:
    rows, rejected = columns_of([finding(title=value) for value in values])
    for number, value in enumerate(values):
        if isinstance(value, str):
            assert rows[number]["title"] == value
        elif value is None:
            assert rows[number]["title"] is None
        elif isinstance(value, list | dict):
            assert (rows[number]["title"], json.loads(rejected[number, "title"])) == (None, value)
        else:
            assert json.loads(rows[number]["title"]) == value


@settings(max_examples=80, deadline=None)
@given(st.lists(SHAPES, min_size=1, max_size=4))
def test_a_whole_number_is_kept_or_rejected(values: list[Any]) -> None:
    rows, rejected = columns_of([finding(service={"count": value}) for value in values])
    for number, value in enumerate(values):
        if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63:
            assert rows[number]["count"] == value
        elif value is not None and rows[number]["count"] is None:
            assert json.loads(rejected[number, "service.count"]) == value


@settings(max_examples=80, deadline=None)
@given(st.lists(SHAPES | st.datetimes().map(lambda moment: moment.isoformat() + "Z"), min_size=1, max_size=4))
def test_a_time_is_kept_or_rejected(values: list[Any]) -> None:
    rows, rejected = columns_of([finding(createdAt=value) for value in values])
    for number, value in enumerate(values):
        if value is not None and rows[number]["created_at"] is None:
            assert json.loads(rejected[number, "createdAt"]) == value
        elif isinstance(value, str):
            moment = datetime.fromisoformat(value.strip())
            naive = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
            assert rows[number]["created_at"] == naive


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.text(st.characters(exclude_characters=" \n", exclude_categories=["Cs", "Z", "Cc"]), min_size=1), max_size=4
    )
)
def test_a_field_of_a_line_is_kept_or_rejected(texts: list[str]) -> None:
    data = "".join(f"{text} {text} x\n" for text in texts).encode()
    built = build(LinePart("vpc_flow", 0, ("srcaddr", "bytes", "dstaddr"), data))
    rows = built.table.to_pylist()
    assert len(rows) == len(texts)
    for number, (text, row) in enumerate(zip(texts, rows, strict=True)):
        assert row["srcaddr"] == (None if text == "-" else text)
        if row["bytes"] is None and text != "-":
            assert any(item.record == number and item.excerpt == text for item in built.rejects)
        elif row["bytes"] is not None:
            assert row["bytes"] == int(text)


@pytest.mark.parametrize("text", ["8_40", "+840", "８４０", "0x348", " 840", "nan", "inf", ""])
def test_text_that_only_python_takes_for_a_number_is_none(text: str) -> None:
    for kind in ("BIGINT", "DOUBLE"):
        with pytest.raises(ValueError, match="not a number"):
            scalar(Column("bytes", kind), text)


NUMBERS = ["7", "-7", "007", "+7", "0x1F", "1.0", "1e3", "-", "", " 7", "٣", str(2**63), str(-(2**63)), "1793869200"]
TIMES = ["2026-11-05T09:10:01Z", "2026-11-05T09:10:01.123456+01:00", "2026-11-05T09:10:01", "2026-11-05", "now", ""]


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (Column("bytes", "BIGINT"), NUMBERS),
        (Column("start", "TIMESTAMP", epoch="s"), [*NUMBERS, *TIMES]),
        (Column("time", "TIMESTAMP"), TIMES),
    ],
)
def test_a_text_is_the_same_value_in_any_company(column: Column, texts: list[str]) -> None:
    for text in texts:
        alone, among = list[Reject](), list[Reject]()
        first = array(column, [0, 1], [text, None], alone).to_pylist()
        others = array(column, range(len(texts) + 1), [text, *texts], among).to_pylist()
        assert (first[0], first[1]) == (others[0], None)
        assert [item.excerpt for item in alone] == [item.excerpt for item in among if item.record == 0]


@pytest.mark.parametrize("held", ["9" * 400, "-" + "9" * 400, "1e999", "1e308"])
def test_a_time_that_is_no_time_of_a_calendar_is_rejected_and_the_line_kept(held: str) -> None:
    text = b'{"log": "said", "container_id": "c", "ecs_cluster": "prod", "time": %s}' % held.encode()
    built = build(JsonPart("container_log", [0], [msgspec.Raw(text)]))
    assert built.table.to_pylist()[0]["message"] == "said"
    assert [item.record for item in built.rejects] == [0]


def test_a_record_that_its_source_cannot_put_in_order_is_rejected_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(record: Any) -> Any:
        raise KeyError(record["log"])

    monkeypatch.setitem(vars(source("container_log")), "reshape", failing)
    text = b'{"log": "said", "container_id": "c", "ecs_cluster": "prod"}'
    built = build(JsonPart("container_log", [0, 1], [msgspec.Raw(text)] * 2))
    assert [json.loads(row["unmapped"])["log"] for row in built.table.to_pylist()] == ["said", "said"]
    assert [item.reason for item in built.rejects] == ["not a record as those of container_log: 'said'"] * 2
