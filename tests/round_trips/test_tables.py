"""Rows of CSV tables come back equal: texts of any characters between quotes, and those that need none without."""

import csv
import io
import json
from datetime import datetime

from hypothesis import example, given
from hypothesis import strategies as st

from forensics.readers.parts import Reject
from forensics.readers.tables import csv_rows, header_of
from tests.round_trips.fields import AT_MILLISECOND, NAME, QUICK, UUID, Record, assert_back, client, several

CELL = client(without="\0")
WORDS = st.text("aZé_@$.:()/- ", max_size=8).map(lambda text: f"x{text}")
HEADERS = st.lists(WORDS, min_size=3, max_size=5, unique=True)
QUOTING = st.sampled_from((csv.QUOTE_ALL, csv.QUOTE_MINIMAL))


def table(rows: list[list[str]], quoting: int) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=quoting).writerows(rows)
    return out.getvalue()


@QUICK
@given(HEADERS, QUOTING)
def test_headers_come_back(header: list[str], quoting: int) -> None:
    """Holds for three names or more, of the letters and marks that queries and consoles use in them."""
    assert header_of(table([header], quoting).removesuffix("\r\n")) == header


@QUICK
@given(st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=4), QUOTING)
def test_rows_come_back(rows: list[list[str]], quoting: int) -> None:
    text = io.StringIO(table(rows, quoting), newline="")
    found = list(csv_rows(["a", "b", "c"], iter(text), lambda reason, held: Reject(0, reason, held)))
    assert not [part for part in found if isinstance(part, Reject)]
    assert [
        list(json.loads(bytes(row)).values()) for part in found if not isinstance(part, Reject) for row in part
    ] == rows


SAID = client(without="\0").map(lambda text: f"a{text}")
FIELDS = {
    "eventVersion": st.just("1.11"),
    "eventTime": AT_MILLISECOND,
    "eventSource": st.just("s3.amazonaws.com"),
    "eventName": st.just("GetObject"),
    "eventID": UUID,
    "userAgent": SAID,
    "errorMessage": SAID,
    "requestID": NAME,
}
LAKE = several(st.fixed_dictionaries(FIELDS))


def cells(record: Record) -> list[str]:
    at = record["eventTime"].isoformat(sep=" ", timespec="milliseconds")
    return [at if name == "eventTime" else record[name] for name in FIELDS]


def lake(found: list[Record], quoting: int) -> str:
    return table([[name.lower() for name in FIELDS], *map(cells, found)], quoting)


@QUICK
@given(LAKE)
def test_results_of_cloudtrail_lake_come_back_from_quotes(found: list[Record]) -> None:
    assert_back("cloudtrail", found, lake(found, csv.QUOTE_ALL), "result_1.csv.gz")


@QUICK
@given(LAKE)
@example([dict.fromkeys(FIELDS, "a") | {"eventTime": datetime(2026, 11, 5, 9, 10), "userAgent": "a\u2028b"}])
def test_results_of_cloudtrail_lake_come_back_without_needless_quotes(found: list[Record]) -> None:
    assert_back("cloudtrail", found, lake(found, csv.QUOTE_MINIMAL), "result_1.csv.gz")
