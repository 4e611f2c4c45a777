"""Numbers, times and lists as sentences say them."""

from datetime import datetime

import pytest

from forensics.analysis.words import at, count, during, listed, size

NINE = datetime(2026, 11, 5, 9)


@pytest.mark.parametrize(("number", "said"), [(0, "0 calls"), (1, "1 call"), (2000, "2,000 calls")])
def test_a_count_is_singular_for_one_only(number: int, said: str) -> None:
    assert count(number, "call") == said


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (512, "512 bytes"),
        (1500, "1.5 kB"),
        (47_600_000, "47.6 MB"),
        (2e9, "2.0 GB"),
        (3e12, "3.0 TB"),
    ],
)
def test_bytes_are_decimal(octets: float, said: str) -> None:
    assert size(octets) == said


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (NINE, NINE, "at 2026-11-05 09:00:00 UTC"),
        (NINE, NINE.replace(hour=10), "between 2026-11-05 09:00:00 and 10:00:00 UTC"),
        (NINE, NINE.replace(day=6), "between 2026-11-05 09:00:00 UTC and 2026-11-06 09:00:00 UTC"),
        (NINE, None, "at 2026-11-05 09:00:00 UTC"),
        (None, None, "at a time not recorded"),
    ],
)
def test_a_span_says_the_day_once(first: datetime | None, last: datetime | None, said: str) -> None:
    assert during(first, last) == said
    assert at(NINE) == "2026-11-05 09:00:00 UTC"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        ([*"abcde"], "a, b, c and 2 more"),
    ],
)
def test_a_list_names_three_and_counts_the_rest(names: list[str], said: str) -> None:
    assert listed(names) == said
