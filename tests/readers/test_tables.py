"""Tables whose rows are records: CSV with a header, and rows of Parquet as JSON."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

from forensics.readers.documents import Json
from forensics.readers.parts import JsonPart, Part, Reject
from forensics.readers.tables import as_json, csv_rows, header_of, table_parts

UNKNOWN = Reject(None, "unknown", "", claimed=False)


def rows(*lines: str) -> list[object]:
    """The rows decoded, and why the others are lost."""
    found: list[object] = []
    for batch in csv_rows(["a", "b", "c"], iter(lines), lambda reason, text: Reject(0, reason, text)):
        found += [(batch.reason, batch.excerpt)] if isinstance(batch, Reject) else map(json.loads, map(bytes, batch))
    return found


def test_a_header_is_names_and_no_numbers() -> None:
    assert header_of('"a","b too",c') == ["a", "b too", "c"]
    assert header_of("a,b") is None
    assert header_of("a,b,a") is None
    assert header_of("1,INFO,message") is None
    assert header_of('a,"b') is None


def test_rows_are_objects_of_texts_with_their_quotes_commas_and_lines() -> None:
    assert rows("1,007,x\r\n", '"a ""b""","c,d","e\n', 'f"\n') == [
        {"a": "1", "b": "007", "c": "x"},
        {"a": 'a "b"', "b": "c,d", "c": "e\nf"},
    ]


def test_a_row_of_another_length_is_lost_and_its_neighbours_are_not() -> None:
    assert rows("1,2,3\n", "1,2\n", "\n", "4,5,6\n") == [
        {"a": "1", "b": "2", "c": "3"},
        ("2 cells where the header names 3", "1,2"),
        {"a": "4", "b": "5", "c": "6"},
    ]


def test_a_table_of_which_nobody_claims_the_first_rows_is_unknown_as_a_whole() -> None:
    def emit(found: Sequence[Json]) -> Iterator[Part]:
        for number, _ in enumerate(found):
            yield Reject(number, "no source", "", claimed=False)

    assert list(table_parts(iter([[b"{}"] * 3, [b"{}"]]), emit, UNKNOWN)) == [UNKNOWN]


def test_a_table_somebody_claims_is_read_to_the_end() -> None:
    def emit(found: Sequence[Json]) -> Iterator[Part]:
        yield JsonPart("cloudtrail", range(len(found)), found)

    assert len(list(table_parts(iter([[b"{}"], [b"{}"]]), emit, UNKNOWN))) == 2


def test_values_of_columnar_files_become_json() -> None:
    row = {
        "at": datetime(2026, 11, 5, 9, tzinfo=UTC),
        "naive": datetime(2026, 11, 5, 9),
        "day": date(2026, 11, 5),
        "bytes": b"\xff",
        "map": [("k", 1), ("l", None)],
        "nested": {"a": None, "b": [1, 2]},
        "none": None,
    }
    assert json.loads(as_json(row)) == {
        "at": "2026-11-05T09:00:00+00:00",
        "naive": "2026-11-05T09:00:00+00:00",
        "day": "2026-11-05",
        "bytes": "\ufffd",
        "map": {"k": 1, "l": None},
        "nested": {"b": [1, 2]},
    }
