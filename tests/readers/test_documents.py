"""JSON of any container comes out as its records; of damaged text the whole records, and one reject for the loss."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics import readers
from forensics.readers import json_text, stream
from forensics.readers.documents import Lost, documents, element_end, mended
from forensics.readers.json_text import JsonReader
from forensics.readers.parts import JsonPart, Part, Reject
from forensics.readers.recognise import KeyHint

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8) | st.sampled_from(["}{", '"', "[]"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
RECORDS = st.lists(st.fixed_dictionaries({"eventName": st.text(max_size=9), "requestParameters": VALUES}), max_size=6)


def record(place: int, held: dict[str, Any]) -> dict[str, Any]:
    return {"eventVersion": "1.11", "eventSource": "s3.amazonaws.com", "eventID": f"id-{place}"} | held


def read(text: bytes, windows: list[bytes] | None = None) -> list[Part]:
    pieces = windows or [text]
    return list(JsonReader(KeyHint()).read((piece, place + 1 == len(pieces)) for place, piece in enumerate(pieces)))


def held(parts: list[Part]) -> list[tuple[int, Any]]:
    """Number and value of every record read, in order."""
    found = [
        pair for part in parts if isinstance(part, JsonPart) for pair in zip(part.numbers, part.records, strict=True)
    ]
    return [(number, json.loads(bytes(text))) for number, text in sorted(found, key=lambda pair: pair[0])]


def lost(parts: list[Part]) -> list[str]:
    return [part.reason for part in parts if isinstance(part, Reject)]


def compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def containers(items: list[dict[str, Any]]) -> Iterator[bytes]:
    yield compact({"Records": items})
    yield json.dumps({"Records": items}, indent=2).encode()
    yield compact(items)
    yield b"\n".join(map(compact, items))
    yield b"\r\n\r\n".join(map(compact, items)) + b"\n"
    yield b"".join(map(compact, items))
    yield b"".join(compact({"Records": [item]}) for item in items)
    yield compact({"Events": [{"EventId": "x", "CloudTrailEvent": json.dumps(item)} for item in items]})
    yield b"".join(compact({"version": "0", "detail-type": "AWS API Call", "detail": item}) for item in items)


@settings(max_examples=60, deadline=None)
@given(RECORDS)
def test_any_records_come_out_of_any_container_as_they_are(found: list[dict[str, Any]]) -> None:
    items = [record(place, item) for place, item in enumerate(found)]
    for text in containers(items):
        parts = read(text)
        assert held(parts) == list(enumerate(items)), text
        assert lost(parts) == [] or not items


@settings(max_examples=60, deadline=None)
@given(RECORDS.filter(len), st.data())
def test_any_cut_gives_the_whole_records_before_it_and_one_reject(found: list[dict[str, Any]], data: Any) -> None:
    items = [record(place, item) for place, item in enumerate(found)]
    text = json.dumps({"Records": items}).encode()
    cut = data.draw(st.integers(len('{"Records": ['), len(text) - 2))
    parts = read(text[:cut])
    ends = [len(json.dumps({"Records": items[:count]})) - 2 for count in range(1, len(items) + 1)]
    whole = sum(end <= cut for end in ends)
    assert held(parts) == list(enumerate(items[:whole]))
    assert len(lost(parts)) == 1


@settings(max_examples=60, deadline=None)
@given(RECORDS, st.integers(0, 200))
def test_windows_of_any_size_give_what_the_whole_text_gives(found: list[dict[str, Any]], more: int) -> None:
    items = [record(place, item) for place, item in enumerate(found)]
    size = 200 + more + 2 * max((len(json.dumps(json.dumps(item))) for item in items), default=0)
    for text in containers(items):
        windows = [text[start : start + size] for start in range(0, len(text), size)]
        parts = read(text, windows)
        assert held(parts) == list(enumerate(items)), text
        assert lost(parts) == [] or not items


def test_a_long_text_cut_between_records_says_so() -> None:
    text = json.dumps({"Records": [record(0, {"eventName": "A"}), record(1, {"eventName": "B"})]}).encode()
    parts = read(text, [text[:50], text[50:-2]])
    assert [number for number, _ in held(parts)] == [0, 1]
    assert lost(parts) == ["the text is cut off: its list of records is not closed"]


def test_damage_in_the_middle_costs_the_damaged_record_only() -> None:
    items = [json.dumps(record(place, {"eventName": "A"})) for place in range(4)]
    items[1] = items[1][:-20] + "\x00\x00 garbage"
    parts = read(('{"Records":[' + ",".join(items) + "]}").encode())
    assert [value["eventID"] for _, value in held(parts)] == ["id-0", "id-2", "id-3"]
    assert [number for number, _ in held(parts)] == [0, 2, 3]
    assert len(lost(parts)) == 1


def test_text_between_records_is_not_skipped_in_silence() -> None:
    one, two = (compact(record(place, {"eventName": "A"})) for place in range(2))
    parts = read(one + b" was here " + two)
    assert [value["eventID"] for _, value in held(parts)] == ["id-0", "id-1"]
    assert lost(parts) == ["the text between the records is not JSON"]


def test_a_line_that_is_not_json_is_lost_alone() -> None:
    lines = [compact(record(0, {"eventName": "A"})), b"not json", compact(record(2, {"eventName": "B"}))]
    parts = read(b"\n".join(lines))
    assert [number for number, _ in held(parts)] == [0, 2]
    assert lost(parts) == ["the line is not JSON"]


def test_nesting_deeper_than_any_parser_goes_is_a_reject_not_a_crash() -> None:
    deep = b'{"eventVersion":"1.11","eventName":"Deep","requestParameters":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    parts = read(b'{"Records":[' + compact(record(0, {"eventName": "A"})) + b"," + deep + b"]}")
    assert [number for number, _ in held(parts)] == [0]
    assert lost(parts) == ["the record is nested too deeply"]


def test_a_record_without_an_end_is_given_up_at_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_text, "LONGEST_RECORD", 1000)
    good = compact(record(0, {"eventName": "A"}))
    windows = [b"[" + good, b',{"eventName":"' + b"A" * 2000, b"A" * 2000, b'"}]']
    parts = read(b"", windows)
    assert [number for number, _ in held(parts)] == [0]
    assert lost(parts) == ["a record is too long to read; the object is not read further"]


def test_text_that_is_no_json_is_nobodys() -> None:
    parts = read(b"[2026-11-05 09:10:00,123] INFO started")
    assert [(part.reason, part.claimed) for part in parts if isinstance(part, Reject)] == [
        ("the text is not JSON", False)
    ]


@given(st.binary(max_size=300))
def test_any_bytes_end_in_parts_never_in_an_error(data: bytes) -> None:
    for text in (data, b"{" + data, b'{"Records":[' + data):
        for part in documents(text, lambda _: True):
            assert isinstance(part, Lost) or bytes(part) in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (rb'{"a":"\ud800"}', rb'{"a":"\ufffd"}'),
        (rb'{"a":"\udc00\ud83d\ude00"}', rb'{"a":"\ufffd\ud83d\ude00"}'),
        (rb'{"a":"\\ud800\u0041"}' + b" \xff", None),
        (b'{"a":"x\xffy"}', '{"a":"x\ufffdy"}'.encode()),
        (b'{"a":"x\x00y"}', rb'{"a":"x\u0000y"}'),
        (rb'{"a":"\\ud800"}', None),
        (rb'{"a":"\x"}', None),
    ],
)
def test_text_that_is_not_valid_is_mended_where_that_makes_json(text: bytes, expected: bytes | None) -> None:
    assert mended(text) == expected


def test_the_end_of_an_element_is_found_past_brackets_in_strings() -> None:
    text = rb'{"a":"}\"{","b":[{}]} tail'
    assert element_end(text, 0) == text.index(b" tail")
    assert element_end(text, 0, 5) is None


def test_a_text_longer_than_held_whole_is_read_in_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "WHOLE", 4096)
    monkeypatch.setattr(stream, "CHUNK", 512)
    monkeypatch.setattr(stream, "_BLOCK", 512)
    items = [record(place, {"eventName": "A"}) for place in range(200)]
    path = tmp_path / "object"
    path.write_bytes(json.dumps({"Records": items}).encode())
    assert held(list(readers.read(path, "object"))) == list(enumerate(items))
