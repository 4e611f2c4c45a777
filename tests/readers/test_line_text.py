"""Lines are read by their header, whatever its order, and numbered without headers and blank lines."""

from datetime import UTC, datetime

import pytest

from forensics.readers import line_text
from forensics.readers.json_text import JsonReader
from forensics.readers.line_text import LineReader
from forensics.readers.parts import EventPart, LinePart, Part, Reject
from forensics.readers.recognise import by_key, header_or_default
from tests.loading import FLOW, FLOW_HEADER

KEY = "exported/0000/2026-11-05-[$LATEST]0abc/000000.gz"
FLOW_KEY = "AWSLogs/111122223333/vpcflowlogs/us-east-1/2026/11/05/flows.log"
UUID = "8c1f2d3e-1111-2222-3333-444455556666"


def read(*chunks: str, key: str = "flows.log", damage: list[str] | None = None) -> list[Part]:
    held = [chunk.encode() for chunk in chunks]
    reader = LineReader(key, damage if damage is not None else [], JsonReader(by_key(key)))
    return list(reader.read(held[0], iter(held[1:])))


def lines(parts: list[Part]) -> list[tuple[int, bytes]]:
    return [(part.first, part.data) for part in parts if isinstance(part, LinePart)]


def messages(parts: list[Part]) -> list[tuple[int, str]]:
    return [
        pair
        for part in parts
        if isinstance(part, EventPart)
        for pair in zip(part.numbers, (event.message for event in part.events), strict=True)
    ]


def test_a_header_is_no_record() -> None:
    assert lines(read(f"{FLOW_HEADER}\n{FLOW}\n")) == [(0, f"{FLOW}\n".encode())]


def test_lines_of_the_default_format_need_no_header() -> None:
    (part,) = read(f"{FLOW}\n{FLOW}\n")
    assert isinstance(part, LinePart)
    assert (part.first, part.header[0], part.data.count(b"\n")) == (0, "version", 2)


def test_any_order_of_known_fields_is_a_header() -> None:
    found = header_or_default("dstaddr srcaddr action start")
    assert found is not None
    assert (found[0].name, found[1]) == ("vpc_flow", ("dstaddr", "srcaddr", "action", "start"))


@pytest.mark.parametrize("line", ["", "a b c", "srcaddr srcaddr srcaddr srcaddr", "action type", "3 " + FLOW[2:]])
def test_other_lines_are_no_header(line: str) -> None:
    assert header_or_default(line) is None


def test_headers_further_down_and_blank_lines_are_not_counted() -> None:
    parts = read(f"{FLOW_HEADER}\n", f"{FLOW}\n\n{FLOW_HEADER}\r\n{FLOW}\n", f"{FLOW}\n", FLOW)
    assert [(first, data.count(b"ACCEPT")) for first, data in lines(parts)] == [(0, 2), (2, 1), (3, 1)]


def test_lines_before_the_header_are_rejected() -> None:
    parts = read(f"junk first\n{FLOW_HEADER}\n{FLOW}\n", key=FLOW_KEY)
    assert parts[0] == Reject(0, "the line comes before the header", "junk first")
    assert lines(parts) == [(1, f"{FLOW}\n".encode())]


def test_the_last_line_of_a_cut_object_is_not_taken_for_whole() -> None:
    parts = read(f"{FLOW_HEADER}\n{FLOW}\n{FLOW[:70]}", damage=["gzip data is cut off"])
    assert lines(parts) == [(0, f"{FLOW}\n".encode())]
    assert parts[-1] == Reject(1, "the line is cut off", FLOW[:70])


def test_the_last_line_of_a_whole_object_needs_no_newline() -> None:
    assert [data.count(b"ACCEPT") for _, data in lines(read(f"{FLOW_HEADER}\n{FLOW}\n{FLOW}"))] == [2]


def test_a_line_without_end_is_given_up_at_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_text, "LONGEST_LINE", 500)
    damage: list[str] = []
    parts = read(f"{FLOW_HEADER}\n{FLOW}\n", "x" * 600, "y" * 600, damage=damage)
    assert damage == ["a line is too long to read; the object is not read further"]
    assert [part.reason for part in parts if isinstance(part, Reject)] == ["the line is cut off"]


def test_lines_nobody_knows_are_unclaimed() -> None:
    assert read("hello\nworld\n") == [Reject(None, "no source claims these lines", "hello", claimed=False)]


def test_an_export_keeps_a_message_of_several_lines_together() -> None:
    text = (
        f"2026-11-05T09:10:01.123Z START RequestId: {UUID} Version: $LATEST\n"
        "2026-11-05T09:10:01.200Z [ERROR] KeyError: 'x'\nTraceback (most recent call last):\n  File\n"
        f"2026-11-05T09:10:02.000Z END RequestId: {UUID}\n"
    )
    expected = [
        (0, f"START RequestId: {UUID} Version: $LATEST"),
        (1, "[ERROR] KeyError: 'x'\nTraceback (most recent call last):\n  File"),
        (2, f"END RequestId: {UUID}"),
    ]
    assert messages(read(text, key=KEY)) == expected
    assert messages(read(text[:90], text[90:150], text[150:], key=KEY)) == expected


def test_an_exported_stream_gets_its_slashes_back() -> None:
    (part,) = read(f"2026-11-05T09:10:01.123Z END RequestId: {UUID}\n", key=KEY)
    assert isinstance(part, EventPart)
    event = part.events[0]
    assert event.stream.log_stream == "2026/11/05/[$LATEST]0abc"
    assert event.timestamp == datetime(2026, 11, 5, 9, 10, 1, 123000, UTC).timestamp() * 1000


@pytest.mark.parametrize("stamp", ["2026-13-05T09:10:01.123Z", "2026-11-05T99:10:01.123Z"])
def test_what_looks_like_a_time_but_is_none_is_no_crash(stamp: str) -> None:
    parts = read(f"2026-11-05T09:10:01.123Z END RequestId: {UUID}\n{stamp} more\n", key=KEY)
    assert messages(parts) == [(0, f"END RequestId: {UUID}\n{stamp} more")]


def test_text_before_the_first_exported_line_is_rejected() -> None:
    parts = read(f"tail of a message\n2026-11-05T09:10:01.123Z END RequestId: {UUID}\n", key=KEY)
    assert [part.excerpt for part in parts if isinstance(part, Reject)] == ["tail of a message"]
    assert messages(parts) == [(1, f"END RequestId: {UUID}")]


def test_a_different_header_further_down_names_the_fields_that_follow_it() -> None:
    swapped = FLOW_HEADER.replace("srcaddr dstaddr", "dstaddr srcaddr")
    parts = [
        part for part in read(f"{FLOW_HEADER}\n{FLOW}\n{swapped}\n{FLOW}\n", f"{FLOW}\n") if isinstance(part, LinePart)
    ]

    assert [(part.header, part.first, part.data.count(b"\n")) for part in parts] == [
        (tuple(FLOW_HEADER.split()), 0, 1),
        (tuple(swapped.split()), 1, 2),
    ]


def test_a_header_is_found_among_lines_that_begin_with_small_letters() -> None:
    header, other = "interface-id srcaddr dstaddr action", "interface-id dstaddr srcaddr action"
    line = "eni-0123456789abcdef0 203.0.113.9 10.0.1.23 ACCEPT"
    parts = [part for part in read(f"{header}\n{line}\n{line}\n{other}\n{line}\n") if isinstance(part, LinePart)]

    assert [(part.header[1], part.first, part.data) for part in parts] == [
        ("srcaddr", 0, f"{line}\n{line}\n".encode()),
        ("dstaddr", 2, f"{line}\n".encode()),
    ]


def test_words_of_a_header_in_a_line_are_no_header() -> None:
    line = "eni-0123456789abcdef0 srcaddr 10.0.1.23 ACCEPT"
    parts = read(f"interface-id srcaddr dstaddr action\n{line}\nno version\n")
    assert lines(parts) == [(0, f"{line}\nno version\n".encode())]
