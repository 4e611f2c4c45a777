"""CloudTrail files are decoded in one pass; what comes of them is what comes of their records one by one."""

import json
import random
from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa
import pytest

from forensics.columns import build
from forensics.readers import read
from forensics.readers.documents import trail_records
from forensics.readers.parts import JsonPart, Part
from forensics.readers.typed import Decoded, decoded_items, decoded_trail
from tests.benchmarks.made_up import events
from tests.loading import records, trail


def _parts(folder: Path, text: bytes) -> list[Part]:
    path = folder / "trail.json"
    path.write_bytes(text)
    return list(read(path, str(path)))


def test_a_file_of_events_is_decoded_and_gives_the_same_rows_as_its_records_one_by_one(tmp_path: Path) -> None:
    text = b'{"Records":[' + b"".join(events(300, seed=3)) + b"]}"
    (part,) = _parts(tmp_path, text)
    assert isinstance(part, JsonPart) and isinstance(part.records, Decoded)
    split = JsonPart(part.source, part.numbers, trail_records(text) or ())
    assert build(part).table.equals(build(split).table)
    assert [bytes(record) for record in part.records[7:9]] == [bytes(record) for record in split.records[7:9]]


@pytest.mark.parametrize(
    "odd",
    [
        {"somethingNew": 1},
        {"eventTime": "yesterday"},
        {"userIdentity": "nobody"},
        {"userAgent": "a\0b", "requestParameters": {"key": "c\0d"}},
        {"responseElements": None, "readOnly": None},
        {"errorMessage": '<b>"x"</b>\x1b[31m'},
    ],
)
def test_a_record_out_of_the_ordinary_changes_nothing_for_the_others(tmp_path: Path, odd: dict[str, object]) -> None:
    text = records(trail(userIdentity={"type": "Root"}), trail(**odd), trail(requestParameters={"a": [1]}))
    (part,) = _parts(tmp_path, text)
    assert isinstance(part, JsonPart)
    found, one_by_one = build(part), build(JsonPart(part.source, part.numbers, trail_records(text) or ()))
    assert found.table.to_pylist() == one_by_one.table.to_pylist()
    assert found.rejects == one_by_one.rejects


@pytest.mark.parametrize("text", [b"", b"{}", b'{"Records":[]}', b'{"Records":[{"eventName":1}', b'{"Records":[1]}'])
def test_what_is_no_file_of_events_is_not_decoded(text: bytes) -> None:
    found = decoded_trail(text)
    assert not found
    assert not decoded_items(text)


def test_events_for_a_function_are_not_taken_for_cloudtrail(tmp_path: Path) -> None:
    parts = _parts(tmp_path, records(trail(eventSource="aws:s3")))
    assert not any(isinstance(part, JsonPart) and isinstance(part.records, Decoded) for part in parts)


_PIECES = (b"\\u", b"\\ud800", b"\\q", b"\x01", b"\n", b"\x00", b".", b"-", b"01", b"1.", b"e", b"NaN", b"Infinity")
_MORE = (b",", b"}", b"{", b'"', b"\xff", b"\xc3", b"1e999", b"\\/", b"//", b"'", b"\\u00g0", b"\xed\xa0\x80", b"0x1")
_TEXTS = (
    b'{"a":"x\\u0041y","b":[1,2.5e3,-0,true,null],"c":{"d":"\xc3\xa9","e":""}}',
    b'["\\ud83d\\ude00","\\n\\t\\"",1e10,0.1]',
    b'{"k":123456789012345678901234567890,"m":-1.5E-7}',
)


def _accepted(chance: random.Random) -> str | None:
    text = bytearray(chance.choice(_TEXTS))
    for _ in range(chance.randint(1, 2)):
        place = chance.randrange(len(text) + 1)
        text[place : place + chance.randrange(3)] = chance.choice(_PIECES + _MORE)
    try:
        return bytes(msgspec.json.decode(bytes(text), type=msgspec.Raw)).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def test_whatever_is_split_off_as_json_is_json_to_the_database_too() -> None:
    chance = random.Random(11)
    texts = [text for _ in range(20_000) if (text := _accepted(chance)) is not None]
    deep = ["[" * 900 + "]" * 900, json.dumps({"a": "\ud83d\ude00"})]
    batch = pa.table({"text": pa.array(texts + deep, pa.string())})
    assert batch.num_rows > 500
    assert duckdb.connect().execute("SELECT text FROM batch WHERE NOT json_valid(text)").fetchall() == []
